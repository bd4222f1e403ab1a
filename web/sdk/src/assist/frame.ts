// Picture frames of /assistserver/topic (docs/protocols/topic.md, Pictures): a header and a list of operations that turn the
// picture of the frame before into the next one. Big-endian. Pure: no I/O, no canvas; used by pages, workers and viewers.

export const kKindPicture = 1;
export const kFrameVersion = 1;
export const kHeaderBytes = 28;
export const kCopyBytes = 13;
export const kImageHeaderBytes = 15;
/** The server refuses a larger frame. */
export const kMaxFrameBytes = 1024 * 1024;
/** More operations than a picture has tiles never make sense. */
export const kMaxOps = 4096;

export const FrameFlag = { whole: 1, lossless: 2, endOfBurst: 4 } as const;

export type Codec = 'webp' | 'jpeg' | 'png' | 'av1' | 'h264' | 'vp8';
const kCodecs: readonly Codec[] = ['webp', 'jpeg', 'png', 'av1', 'h264', 'vp8'];

export interface FrameHeader {
  /** The operations cover the whole picture: nothing of an earlier frame is needed. */
  whole: boolean;
  /** The pixels are exact. */
  lossless: boolean;
  /** The last frame of a picture that was sent in parts. */
  endOfBurst: boolean;
  /** Counts up by one. */
  frame: number;
  /** Changes with size, scale and navigation; pixels of another epoch are of no use. */
  epoch: number;
  /** Size of the whole picture in its own pixels. */
  width: number;
  height: number;
  /** Picture pixels for one CSS pixel. */
  scale: number;
  /** CSS pixels of the document at the picture's upper left corner. */
  scrollX: number;
  scrollY: number;
}

/** Moves pixels: everything in (x, y, w, h) appears at (x+dx, y+dy); what leaves the picture is cut off. */
export interface CopyOp {
  op: 'copy';
  x: number;
  y: number;
  w: number;
  h: number;
  dx: number;
  dy: number;
}

export interface ImageOp {
  op: 'image';
  x: number;
  y: number;
  w: number;
  h: number;
  codec: Codec;
  /** Still pictures always are; a chunk of video that needs no earlier one. */
  keyframe: boolean;
  bytes: Uint8Array;
}

export type FrameOp = CopyOp | ImageOp;

export interface Frame extends FrameHeader {
  ops: FrameOp[];
}

export class FrameError extends Error {}

const isVideo = (codec: Codec) => codec === 'av1' || codec === 'h264' || codec === 'vp8';
export const mediaType = (codec: Codec): string => (isVideo(codec) ? `video/${codec}` : `image/${codec}`);

export function frameBytes(ops: readonly FrameOp[]): number {
  return ops.reduce((sum, op) => sum + (op.op === 'copy' ? kCopyBytes : kImageHeaderBytes + op.bytes.length), kHeaderBytes);
}

export function encodeFrame(frame: Frame): ArrayBuffer {
  const buffer = new ArrayBuffer(frameBytes(frame.ops));
  const view = new DataView(buffer);
  view.setUint8(0, kKindPicture);
  view.setUint8(1, kFrameVersion);
  const { whole, lossless, endOfBurst } = FrameFlag;
  view.setUint8(2, (frame.whole ? whole : 0) | (frame.lossless ? lossless : 0) | (frame.endOfBurst ? endOfBurst : 0));
  view.setUint32(4, frame.frame);
  view.setUint32(8, frame.epoch);
  view.setUint16(12, frame.width);
  view.setUint16(14, frame.height);
  view.setFloat32(16, frame.scale);
  view.setInt32(20, frame.scrollX);
  view.setInt32(24, frame.scrollY);
  let at = kHeaderBytes;
  for (const op of frame.ops) at = writeOp(view, at, op);
  return buffer;
}

/** Writes one operation at `at`; where the next one goes. */
function writeOp(view: DataView, at: number, op: FrameOp): number {
  view.setUint8(at, op.op === 'copy' ? 1 : 2);
  view.setUint16(at + 1, op.x);
  view.setUint16(at + 3, op.y);
  view.setUint16(at + 5, op.w);
  view.setUint16(at + 7, op.h);
  if (op.op === 'copy') {
    view.setInt16(at + 9, op.dx);
    view.setInt16(at + 11, op.dy);
    return at + kCopyBytes;
  }
  view.setUint8(at + 9, kCodecs.indexOf(op.codec) + 1);
  view.setUint8(at + 10, op.keyframe ? 1 : 0);
  view.setUint32(at + 11, op.bytes.length);
  new Uint8Array(view.buffer, view.byteOffset).set(op.bytes, at + kImageHeaderBytes);
  return at + kImageHeaderBytes + op.bytes.length;
}

/** Reads a frame from the network. Everything is checked: what this returns lies inside its picture. Throws FrameError. */
export function decodeFrame(data: ArrayBuffer | Uint8Array): Frame {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  if (bytes.length < kHeaderBytes) throw new FrameError('shorter than a header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== kKindPicture) throw new FrameError('not a picture');
  if (view.getUint8(1) !== kFrameVersion) throw new FrameError(`version ${view.getUint8(1)}`);
  const flags = view.getUint8(2);
  const frame: Frame = {
    whole: (flags & FrameFlag.whole) !== 0,
    lossless: (flags & FrameFlag.lossless) !== 0,
    endOfBurst: (flags & FrameFlag.endOfBurst) !== 0,
    frame: view.getUint32(4),
    epoch: view.getUint32(8),
    width: view.getUint16(12),
    height: view.getUint16(14),
    scale: view.getFloat32(16),
    scrollX: view.getInt32(20),
    scrollY: view.getInt32(24),
    ops: [],
  };
  if (frame.width === 0 || frame.height === 0) throw new FrameError('empty picture');
  if (!(frame.scale > 0 && frame.scale <= 16)) throw new FrameError('scale');
  let at = kHeaderBytes;
  while (at < bytes.length) {
    if (frame.ops.length >= kMaxOps) throw new FrameError('too many operations');
    const op = readOp(view, at, frame);
    frame.ops.push(op);
    at += op.op === 'copy' ? kCopyBytes : kImageHeaderBytes + op.bytes.length;
  }
  return frame;
}

function readOp(view: DataView, at: number, { width, height }: FrameHeader): FrameOp {
  const left = view.byteLength - at;
  if (left < kCopyBytes) throw new FrameError('operation cut off');
  const kind = view.getUint8(at);
  const [x, y] = [view.getUint16(at + 1), view.getUint16(at + 3)];
  const [w, h] = [view.getUint16(at + 5), view.getUint16(at + 7)];
  if (w === 0 || h === 0 || x + w > width || y + h > height) throw new FrameError('operation outside of the picture');
  if (kind === 1) return { op: 'copy', x, y, w, h, dx: view.getInt16(at + 9), dy: view.getInt16(at + 11) };
  if (kind !== 2) throw new FrameError(`operation ${kind}`);
  if (left < kImageHeaderBytes) throw new FrameError('operation cut off');
  const codec = kCodecs[view.getUint8(at + 9) - 1];
  if (!codec) throw new FrameError(`codec ${view.getUint8(at + 9)}`);
  const length = view.getUint32(at + 11);
  if (length === 0 || length > left - kImageHeaderBytes) throw new FrameError('image cut off');
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + kImageHeaderBytes, length);
  return { op: 'image', x, y, w, h, codec, keyframe: view.getUint8(at + 10) !== 0, bytes };
}
