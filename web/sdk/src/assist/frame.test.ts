import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, frameBytes, FrameError, kHeaderBytes, type Frame } from './frame';

const frame: Frame = {
  whole: true, lossless: false, endOfBurst: true, frame: 70000, epoch: 3, width: 1280, height: 720, scale: 1.5, scrollX: -2, scrollY: 100000,
  ops: [
    { op: 'copy', x: 0, y: 200, w: 1280, h: 520, dx: 0, dy: -200 },
    { op: 'image', x: 64, y: 128, w: 640, h: 64, codec: 'webp', keyframe: true, bytes: new Uint8Array([1, 2, 3]) },
    { op: 'image', x: 0, y: 0, w: 1280, h: 720, codec: 'av1', keyframe: false, bytes: new Uint8Array([9]) },
  ],
};

describe('picture frames', () => {
  it('come back as they were written', () => {
    const bytes = encodeFrame(frame);
    expect(bytes.byteLength).toBe(frameBytes(frame.ops));
    expect(decodeFrame(bytes)).toEqual(frame);
    expect(decodeFrame(encodeFrame({ ...frame, whole: false, lossless: true, endOfBurst: false }))).toMatchObject({ whole: false, lossless: true, endOfBurst: false });
  });

  it('lie on the wire as the protocol says', () => {
    const bytes = [...new Uint8Array(encodeFrame(frame))];
    expect(bytes.slice(0, 28)).toEqual([1, 1, 5, 0, 0, 1, 0x11, 0x70, 0, 0, 0, 3, 5, 0, 2, 0xd0, 0x3f, 0xc0, 0, 0, 0xff, 0xff, 0xff, 0xfe, 0, 1, 0x86, 0xa0]);
    expect(bytes.slice(28, 41)).toEqual([1, 0, 0, 0, 200, 5, 0, 2, 8, 0, 0, 0xff, 0x38]);
    expect(bytes.slice(41, 59)).toEqual([2, 0, 64, 0, 128, 2, 128, 0, 64, 1, 1, 0, 0, 0, 3, 1, 2, 3]);
  });

  it('are read from the middle of a larger buffer', () => {
    const bytes = new Uint8Array(encodeFrame(frame));
    const larger = new Uint8Array(bytes.length + 9);
    larger.set(bytes, 5);
    expect(decodeFrame(larger.subarray(5, 5 + bytes.length))).toEqual(frame);
  });

  it('are refused when cut off anywhere', () => {
    const bytes = new Uint8Array(encodeFrame(frame));
    const ends = [kHeaderBytes, 41, 59];
    for (let n = 0; n < bytes.length; n++) {
      if (ends.includes(n)) expect(decodeFrame(bytes.subarray(0, n)).ops.length).toBe(ends.indexOf(n));
      else expect(() => decodeFrame(bytes.subarray(0, n)), `${n} bytes`).toThrow(FrameError);
    }
  });

  it('are refused when anything lies outside of the picture or is unknown', () => {
    const broken: [string, number, number][] = [
      ['kind', 0, 2], ['version', 1, 9], ['no width', 12, 0], ['scale 0', 16, 0], ['x', 42, 5], ['codec', 50, 7], ['length', 52, 255], ['operation', 28, 3],
    ];
    for (const [name, at, value] of broken) {
      const bytes = new Uint8Array(encodeFrame(frame));
      bytes[at] = value;
      if (name === 'no width') bytes[13] = 0;
      if (name === 'scale 0') bytes[17] = 0;
      expect(() => decodeFrame(bytes), name).toThrow(FrameError);
    }
  });
});
