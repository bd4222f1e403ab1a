// The newest picture of a film. Older ones are given back at once: a browser has few, and stops filming when it has none.

/** Chromium's way to a track's pictures (mediacapture-transform); the type library of the compiler has it not. */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
type TrackProcessorConstructor = new (init: { track: MediaStreamTrack }) => TrackProcessor;
const processorOf = () => (globalThis as unknown as { MediaStreamTrackProcessor?: TrackProcessorConstructor }).MediaStreamTrackProcessor;

/** Whether this browser gives a track's pictures to anybody but a video element. */
export const canReadFrames = (): boolean => processorOf() !== undefined;

export const framesOf = (track: MediaStreamTrack): ReadableStream<VideoFrame> => new (processorOf()!)({ track }).readable;

/** Milliseconds, the same in a page and its worker. */
export const filmClock = (): number => performance.timeOrigin + performance.now();

const kDrift = 0.001;

export class FilmFrames {
  private newest_: VideoFrame | null = null;
  private readonly reader_: ReadableStreamDefaultReader<VideoFrame>;
  private count_ = 0;
  private at_ = -Infinity;
  private readAt_ = 0;
  private ahead_ = Infinity;

  constructor(frames: ReadableStream<VideoFrame>) {
    this.reader_ = frames.getReader();
    this.read().catch(() => this.stop());
  }

  /** How many have come. */
  get count(): number {
    return this.count_;
  }

  /** Until the next one comes; null: none has come, or none since then. `since`: as `filmClock` says. */
  newest(since = -Infinity): VideoFrame | null {
    return this.at_ >= since ? this.newest_ : null;
  }

  stop(): void {
    this.newest_?.close();
    this.newest_ = null;
    this.reader_.cancel().catch(() => undefined);
  }

  private async read(): Promise<void> {
    for (;;) {
      const { value, done } = await this.reader_.read();
      if (done) return;
      this.newest_?.close();
      this.newest_ = value;
      this.at_ = this.filmedAt(value.timestamp / 1000);
      this.count_++;
    }
  }

  /**
   * When a picture was filmed at the latest, as `filmClock` says: it may have waited long before it is read. By its own clock,
   * which is as far behind as it was for the picture that came fastest; that the clocks drift by a millisecond a second is allowed.
   */
  private filmedAt(own: number): number {
    const now = filmClock();
    this.ahead_ = Math.min(this.ahead_ + (now - this.readAt_) * kDrift, now - own);
    this.readAt_ = now;
    return own + this.ahead_;
  }
}

/** Draws it over all of a picture. A film of another shape than the window, as that of an emulated screen is, keeps its own. */
export function drawFilm(g: OffscreenCanvasRenderingContext2D, film: VideoFrame, width: number, height: number): void {
  const own = Math.round((film.displayHeight * width) / film.displayWidth), h = Math.abs(own - height) <= 2 ? height : own;
  if (h < height) g.fillRect(0, h, width, height - h);
  g.drawImage(film, 0, 0, width, h);
}
