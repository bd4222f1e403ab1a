import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FilmFrames, filmClock } from './film_frames';

let now: number;
let push: (timestamp: number) => Promise<{ closed: boolean }>;
let film: FilmFrames;

beforeEach(() => {
  now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  let to: ReadableStreamDefaultController<VideoFrame>;
  film = new FilmFrames(new ReadableStream<VideoFrame>({ start: (controller) => void (to = controller) }));
  push = async (timestamp) => {
    const frame = { timestamp: timestamp * 1000, closed: false, close: () => (frame.closed = true) };
    to.enqueue(frame as unknown as VideoFrame);
    await new Promise((done) => setImmediate(done));
    return frame;
  };
});
afterEach(() => vi.restoreAllMocks());

describe('pictures of a film', () => {
  it('are as old as their own clock says, however late they are read', async () => {
    expect(film.newest()).toBeNull();
    await push(500); // Its clock is 500 ms behind.
    const began = filmClock();
    expect(film.newest(began)).not.toBeNull();
    now = 2000;
    await push(1100); // Filmed at 1600, read at 2000.
    const filmed = began + 600;
    expect([film.newest(filmed - 1) !== null, film.newest(filmed + 2) !== null]).toEqual([true, false]);
    now = 2100;
    await push(1600);
    expect(film.newest(filmClock()), 'one that comes at once').not.toBeNull();
  });

  it('are not younger than when they were read, and come again where the clocks drift', async () => {
    await push(500);
    const began = filmClock();
    now = 1100;
    await push(700); // The first one was late itself.
    expect([film.newest(began + 100) !== null, film.newest(began + 101)]).toEqual([true, null]);
    // A clock that loses 50 ms in a hundred seconds.
    for (let i = 0; i < 100; i++) {
      now += 1000;
      await push(700 + (i + 1) * 999.5);
    }
    expect(film.newest(filmClock() - 2)).not.toBeNull();
  });

  it('are given back, all but the newest', async () => {
    const first = await push(500), second = await push(600);
    expect([first.closed, second.closed, film.count]).toEqual([true, false, 2]);
    film.stop();
    expect([second.closed, film.newest()]).toEqual([true, null]);
  });
});
