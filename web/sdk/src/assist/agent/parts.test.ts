import { describe, expect, it } from 'vitest';
import { magnification, toDocument, toViewport } from './geometry';
import { PaceMeter } from './meter';
import { checkAddress, isVideoAddress, linkTo, nameOfAddress, Pushes } from './pushes';

const view = { w: 1600, h: 1200, scale: 2, scrollX: 0, scrollY: 300 };
const box = { left: 100, top: 50, width: 400, height: 300 };

describe('geometry', () => {
  it('fits the page into the room, and shows a small page at its size', () => {
    expect(magnification(view, { w: 400, h: 900 }, 'fit')).toBe(0.5);
    expect(magnification(view, { w: 4000, h: 9000 }, 'fit')).toBe(1);
    expect(magnification(view, { w: 400, h: 900 }, 1)).toBe(1);
  });
  it('finds the consumer’s CSS pixels under a pointer, whatever the scale of picture and screen', () => {
    expect(toViewport(view, box, 300, 200)).toEqual({ x: 400, y: 300 });
    expect(toViewport(view, box, 99, 200)).toBeNull();
    expect(toViewport(view, box, 500, 200)).toBeNull();
    expect(toViewport({ ...view, w: 0 }, box, 300, 200)).toBeNull();
  });
  it('draws in the document, and at the edge beyond it', () => {
    expect(toDocument(view, box, 300, 200)).toEqual([400, 600]);
    expect(toDocument(view, box, 0, 9999)).toEqual([0, 900]);
  });
});

describe('pace', () => {
  it('is good, idle or slow by what was drawn', () => {
    const meter = new PaceMeter();
    expect(meter.pace(0).level).toBe('unknown');
    for (let i = 0; i < 10; i++) {
      meter.arrived(i * 100, i);
      meter.drawn(i * 100 + 20, 10_000, i);
    }
    expect(meter.pace(1_000)).toEqual({ level: 'good', kbps: 160, rate: 2 });
    expect(meter.pace(20_000)).toEqual({ level: 'idle', kbps: 0, rate: 0 });
    meter.arrived(30_000, 20);
    expect(meter.pace(30_100).level).toBe('idle');
    expect(meter.pace(30_500).level).toBe('slow');
    meter.drawn(31_000, 10, 20);
    expect(meter.pace(31_000).level).toBe('slow');
  });
  it('is not slow for ever because of pictures that came too early to be drawn', () => {
    const meter = new PaceMeter();
    for (const frame of [1, 2, 3]) meter.arrived(1_000, frame);
    meter.arrived(1_100, 4);
    meter.drawn(1_120, 10, 4);
    expect(meter.pace(9_000).level).toBe('idle');
  });
});

describe('addresses', () => {
  it('are http or https, without a name and password', () => {
    expect(checkAddress(' example.com/a.pdf ')).toBe('https://example.com/a.pdf');
    expect(checkAddress('http://example.com:8080/')).toBe('http://example.com:8080/');
    expect(checkAddress('example.com:8080/x')).toBe('https://example.com:8080/x');
    for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'ftp://x/', 'https://a:b@example.com/', '', 'http://']) {
      expect(() => checkAddress(bad), bad).toThrowError();
    }
  });
  it('have a name, also where they are not well written', () => {
    expect([nameOfAddress('https://x.example/a%20b.pdf?q'), nameOfAddress('https://x.example/100%.pdf'), nameOfAddress('https://x.example/')]).toEqual(['a b.pdf', '100%.pdf', 'x.example']);
  });
  it('become links only where a click is harmless', () => {
    expect([linkTo('https://x.example/'), linkTo('/expertassist/x'), linkTo('javascript:alert(1)'), linkTo('//evil.example/'), linkTo('data:text/html,x'), linkTo(undefined)])
      .toEqual(['https://x.example/', '/expertassist/x', null, null, null, null]);
  });
  it('of videos are known', () => {
    expect(['https://x.example/a.mp4?t=1', 'https://www.youtube.com/watch?v=1', 'https://youtu.be/1'].every(isVideoAddress)).toBe(true);
    expect(['https://x.example/a.pdf', 'https://notyoutube.com/', 'https://x.example/mp4'].some(isVideoAddress)).toBe(false);
  });
});

describe('what was sent', () => {
  it('is listed once, newest first, with what became of it', () => {
    let changes = 0;
    const pushes = new Pushes({ send: () => undefined, request: () => Promise.reject(new Error('unused')) }, () => changes++);
    const push = (id: string) => ({ type: 'push' as const, id, kind: 'link' as const, src: '', name: `Link ${id}`, url: 'https://x.example/' });
    pushes.received(push('1'));
    pushes.received(push('1'));
    pushes.received(push('2'));
    pushes.received({ type: 'push-result', id: '1', what: 'declined', text: 'Not now' });
    expect(pushes.list.map(({ id, state, text }) => [id, state, text])).toEqual([['2', 'offered', ''], ['1', 'declined', 'Not now']]);
    expect(changes).toBe(3);
  });
});
