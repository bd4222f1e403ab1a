import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ChunkDecoder } from './chunk_decoder';
import { encodeFrame, type FrameOp } from './frame';
import { pictureSize } from './picture_size';
import { PictureSurface, type Canvas, type Drawable, type Drawn, type Spoiled } from './picture_surface';

/** A PNG as far as its header: what a viewer looks at before it decodes. */
function png(w: number, h: number): Uint8Array {
  const bytes = new Uint8Array(40);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, w);
  view.setUint32(20, h);
  return bytes;
}

const image = (x: number, y: number, w: number, h: number, bytes = png(w, h)): FrameOp => ({ op: 'image', x, y, w, h, codec: 'png', keyframe: true, bytes });
const copy = (x: number, y: number, w: number, h: number, dx: number, dy: number): FrameOp => ({ op: 'copy', x, y, w, h, dx, dy });

function frame(number: number, ops: FrameOp[], { whole = false, width = 100, height = 80 } = {}): ArrayBuffer {
  return encodeFrame({ frame: number, epoch: 1, width, height, scale: 1, scrollX: 0, scrollY: 40, whole, lossless: false, endOfBurst: true, ops });
}

/** `chunks`: videos can be decoded; what of them was begun is in `decoded`. */
function rig({ chunks = false } = {}) {
  const decoded: string[] = [];
  const calls: string[] = [];
  const drawn: Drawn[] = [];
  const spoiled: [Spoiled, number][] = [];
  const pending: { size: { w: number; h: number }; resolve(picture: Drawable): void; reject(fault: unknown): void }[] = [];
  let open = 0;
  const canvas: Canvas = {
    width: 0,
    height: 0,
    getContext: () => ({
      drawImage: (source: unknown, ...at: number[]) => void calls.push(`${source === canvas ? 'copy' : 'image'} ${at.join(',')}`),
      fillRect: () => void calls.push('fill'),
    }) as unknown as ReturnType<Canvas['getContext']>,
  };
  const surface = new PictureSurface(
    canvas,
    { drawn: (what) => drawn.push(what), spoiled: (why, number) => spoiled.push([why, number]) },
    {
      image: (bytes) => new Promise((resolve, reject) => pending.push({ size: pictureSize(bytes, 'png')!, resolve, reject })),
      chunks: (codec) => (chunks ? ({ decode: () => (decoded.push(codec), new Promise(() => {})), close: () => {} } as unknown as ChunkDecoder) : null),
    },
  );
  /** What was decoded and is not closed yet is counted in `held`. */
  const decode = async (i: number, size = pending[i]!.size) => {
    open++;
    pending[i]!.resolve({ width: size.w, height: size.h, close: () => void open-- } as unknown as Drawable);
    await turns();
  };
  return { decoded, calls, drawn, spoiled, pending, canvas, surface, decode, held: () => open };
}

const turns = async () => {
  for (let i = 0; i < 12; i++) await Promise.resolve();
};

describe('picture surface', () => {
  it('draws a frame at once when all its pictures are decoded, and frames in their order', async () => {
    const { surface, calls, drawn, decode, canvas } = rig();
    surface.push(frame(1, [image(0, 0, 100, 40), image(0, 40, 100, 40)], { whole: true }));
    surface.push(frame(2, [copy(0, 10, 100, 70, 0, -10), image(0, 70, 100, 10)]));
    await turns();
    await decode(2); // The second frame is ready first.
    await decode(0);
    expect(calls).toEqual([]);
    await decode(1);
    expect(calls).toEqual(['image 0,0,100,40', 'image 0,40,100,40', 'copy 0,10,100,70,0,0,100,70', 'image 0,70,100,10']);
    expect(drawn.map((d) => d.frame)).toEqual([1, 2]);
    expect(drawn[1]).toMatchObject({ w: 100, h: 80, scrollY: 40 });
    expect([canvas.width, canvas.height]).toEqual([100, 80]);
  });

  it('waits for a whole picture, at first and after a fault', async () => {
    const { surface, drawn, spoiled, pending, decode } = rig();
    surface.push(frame(7, [image(0, 0, 10, 10)]));
    expect(pending).toHaveLength(0);
    surface.push(frame(8, [image(0, 0, 100, 80)], { whole: true }));
    await turns();
    pending[0]!.reject(new Error('broken'));
    await turns();
    surface.push(frame(9, [image(0, 0, 10, 10)]));
    expect(spoiled).toEqual([['undecodable', 8]]);
    surface.push(frame(10, [image(0, 0, 100, 80)], { whole: true }));
    await turns();
    await decode(1);
    expect(drawn.map((d) => d.frame)).toEqual([10]);
  });

  it('refuses what is no frame, what is too large and what this browser cannot decode', async () => {
    const { surface, spoiled, decode, pending } = rig();
    surface.push(new ArrayBuffer(12));
    surface.push(frame(1, [], { whole: true, width: 60_000, height: 60_000 }));
    const video: FrameOp = { op: 'image', x: 0, y: 0, w: 100, h: 80, codec: 'av1', keyframe: true, bytes: new Uint8Array(4) };
    surface.push(frame(2, [video], { whole: true }));
    await turns();
    expect(spoiled).toEqual([['malformed', 0], ['too_large', 1], ['unsupported', 2]]);
    expect(pending).toHaveLength(0);
    surface.push(frame(3, [image(0, 0, 100, 80)], { whole: true }));
    await turns();
    await decode(0);
  });

  it('does not decode a picture that unpacks to more than its rectangle', async () => {
    const { surface, spoiled, pending } = rig();
    surface.push(frame(1, [image(0, 0, 100, 80, png(30_000, 30_000))], { whole: true }));
    await turns();
    expect(pending).toHaveLength(0);
    expect(spoiled).toEqual([['malformed', 1]]);
  });

  it('refuses a frame with more than one chunk of a video, and decodes none of it', async () => {
    const { surface, spoiled, decoded } = rig({ chunks: true });
    const chunk = (y: number, codec: 'vp8' | 'h264' = 'vp8'): FrameOp => ({ op: 'image', x: 0, y, w: 100, h: 40, codec, keyframe: true, bytes: new Uint8Array(4) });
    surface.push(frame(1, [chunk(0), chunk(40)], { whole: true }));
    surface.push(frame(2, [chunk(0), image(0, 0, 10, 10), chunk(40, 'h264')], { whole: true }));
    await turns();
    expect([spoiled, decoded]).toEqual([[['malformed', 1], ['malformed', 2]], []]);
    surface.push(frame(3, [chunk(0), image(0, 40, 100, 40)], { whole: true }));
    await turns();
    expect([spoiled.length, decoded]).toEqual([2, ['vp8']]);
  });

  it('refuses a frame whose pictures lie over one another more than twice, and decodes none of it', async () => {
    const { surface, spoiled, pending, drawn, decode } = rig();
    const thrice = [image(0, 0, 100, 80), image(0, 0, 100, 80), image(0, 0, 1, 1)];
    surface.push(frame(1, thrice, { whole: true }));
    await turns();
    expect([pending.length, spoiled]).toEqual([0, [['too_large', 1]]]);
    surface.push(frame(2, thrice.slice(0, 2), { whole: true }));
    await turns();
    await decode(0);
    await decode(1);
    expect(drawn.map((d) => d.frame)).toEqual([2]);
  });

  it('decodes a few pictures at a time, and no more of a frame in which one is not what it says', async () => {
    const { surface, spoiled, pending, decode, held, drawn } = rig();
    const many = Array.from({ length: 40 }, (_, i) => image(0, 2 * i, 100, 2));
    surface.push(frame(1, many, { whole: true }));
    await turns();
    expect(pending).toHaveLength(4);
    await decode(0);
    expect(pending).toHaveLength(5);
    await decode(1, { w: 5000, h: 5000 });
    for (const i of [2, 3, 4]) await decode(i);
    expect([pending.length, spoiled, held()]).toEqual([5, [['malformed', 1]], 0]);
    surface.push(frame(2, many, { whole: true }));
    await turns();
    for (let i = 5; i < pending.length; i++) await decode(i);
    expect([pending.length, drawn.map((d) => d.frame), held()]).toEqual([45, [2], 0]);
  });

  it('decodes frames that wait for others only as far as there is room', async () => {
    const { surface, pending, decode, drawn } = rig();
    const large = { whole: true, width: 8000, height: 3000 };
    for (const number of [1, 2, 3]) surface.push(frame(number, [image(0, 0, 8000, 3000)], large));
    await turns();
    expect(pending).toHaveLength(1);
    await decode(0);
    expect([pending.length, drawn.length]).toEqual([2, 1]);
    await decode(1);
    await decode(2);
    expect(drawn.map((d) => d.frame)).toEqual([1, 2, 3]);
  });

  it('has a bound: what comes faster than it can be drawn is given up', () => {
    const { surface, spoiled } = rig();
    surface.push(frame(1, [image(0, 0, 100, 80)], { whole: true }));
    for (let i = 2; i < 80; i++) surface.push(frame(i, [image(0, 0, 10, 10)]));
    expect(spoiled.map(([why]) => why)).toEqual(['behind']);
  });

  it('keeps nothing after clear', async () => {
    const { surface, drawn, calls, decode } = rig();
    surface.push(frame(1, [image(0, 0, 100, 80)], { whole: true }));
    await turns();
    await decode(0);
    surface.push(frame(2, [image(0, 0, 10, 10)]));
    await turns();
    surface.clear();
    await decode(1);
    expect(calls.at(-1)).toBe('fill');
    expect(drawn.map((d) => d.frame)).toEqual([1]);
  });
});

describe('size of a picture', () => {
  it('is read from the first bytes', () => {
    expect(pictureSize(png(640, 480), 'png')).toEqual({ w: 640, h: 480 });
    const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 17, 8, 0x01, 0xe0, 0x02, 0x80, 3, 0]);
    expect(pictureSize(jpeg, 'jpeg')).toEqual({ w: 640, h: 480 });
    const vp8 = new Uint8Array(30);
    vp8.set([...'RIFF'].map((c) => c.charCodeAt(0)));
    vp8.set([...'WEBPVP8 '].map((c) => c.charCodeAt(0)), 8);
    vp8.set([0x80, 0x02, 0xe0, 0x01], 26);
    expect(pictureSize(vp8, 'webp')).toEqual({ w: 640, h: 480 });
    vp8.set([...'VP8X'].map((c) => c.charCodeAt(0)), 12);
    vp8.set([0x7f, 0x02, 0, 0xdf, 0x01, 0], 24);
    expect(pictureSize(vp8, 'webp')).toEqual({ w: 640, h: 480 });
    vp8.set([...'VP8L'].map((c) => c.charCodeAt(0)), 12);
    new DataView(vp8.buffer).setUint32(21, (639 | (479 << 14)) >>> 0, true);
    expect(pictureSize(vp8, 'webp')).toEqual({ w: 640, h: 480 });
  });
  it('is unknown of anything else', () => {
    for (const kind of ['png', 'webp', 'jpeg'] as const) {
      for (const bytes of [new Uint8Array(0), new Uint8Array(64), new Uint8Array(deflateSync('nonsense nonsense')), new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 2])]) {
        expect(pictureSize(bytes, kind), kind).toBeNull();
      }
    }
  });
});
