// Turns painted rectangles into picture frames: keeps the picture as the viewers have it, finds the tiles that differ, encodes
// them. Runs in a worker; in the page where a worker is not allowed.
import { encodeFrame, frameBytes, kMaxFrameBytes, type Codec, type FrameOp, type ImageOp } from '../frame';
import type { Rect } from './affine';
import { drawFilm, FilmFrames } from './film_frames';
import { atMost, differing, kTile, noMoreThanAll, shift, TileSet } from './tiles';

export interface Patch extends Rect {
  /** Picture pixels, of several patches maybe; the encoder closes it. */
  bitmap: ImageBitmap;
  /** Where on it. */
  from: { x: number; y: number };
}

export interface Job {
  id: number;
  /** Number of the frame, if one comes of it. */
  frame: number;
  epoch: number;
  width: number;
  height: number;
  scale: number;
  scrollX: number;
  scrollY: number;
  /** Everything is sent, not only what differs. */
  whole: boolean;
  /** The page was scrolled by so many picture pixels since the last job. */
  dx: number;
  dy: number;
  /** What went along, where it was. */
  copies: Rect[];
  patches: Patch[];
  quality: number;
  /** The picture is the newest one of the film, if one has come since then (`filmClock`). */
  filmedSince?: number;
  /** No paint: what was sent with losses is sent again, sharp. */
  sharp: boolean;
  /** What a sharp picture may take; the rest stays as it is for the next one. */
  sharpBytes: number;
}

export interface Encoded {
  id: number;
  /** null: nothing has changed. */
  frame: ArrayBuffer | null;
  tiles: number;
  /** Tiles that viewers have with losses only. */
  blurred: number;
  /** Pictures that the film has had so far. */
  films?: number;
}

const kMaxOpsOfPicture = 24;
/** A picture more costs as much as so many pixels in another one. */
const kPixelsOfPicture = 3000;
/** Sharp pictures of photographs are large: above so many bytes a pixel a good lossy one is sent. */
const kSharpBytesPerPixel = 1.2;
const kPieceHeight = 256, kPieceWidth = 384;
/** A photograph that is scrolled is sent coarser; it becomes sharp when it rests. */
const kPhotoBytesPerPixel = 0.15, kCoarser = 0.6;

/** Parts that can be sent one after another. */
function pieces(rects: readonly Rect[]): Rect[] {
  const out: Rect[] = [];
  for (const r of rects) {
    for (let y = 0; y < r.h; y += kPieceHeight) {
      for (let x = 0; x < r.w; x += kPieceWidth) out.push({ x: r.x + x, y: r.y + y, w: Math.min(kPieceWidth, r.w - x), h: Math.min(kPieceHeight, r.h - y) });
    }
  }
  return out;
}

export class PictureEncoder {
  private back_: OffscreenCanvas | null = null;
  private g_: OffscreenCanvasRenderingContext2D | null = null;
  /** Pixels as the viewers have them (before losses). */
  private sent_ = new Uint32Array(0);
  private blurred_ = new TileSet(1, 1);
  private epoch_ = -1;
  private codec_: Codec = 'webp';
  private readonly scratch_ = new OffscreenCanvas(1, 1);
  private film_: FilmFrames | null = null;
  /** So many of its pictures had come when the last one was used. */
  private filmed_ = 0;

  /** Films from now on. */
  film(frames: ReadableStream<VideoFrame>): void {
    this.film_?.stop();
    this.film_ = new FilmFrames(frames);
    this.filmed_ = 0;
  }

  stop(): void {
    this.film_?.stop();
    this.film_ = null;
  }

  async run(job: Job): Promise<Encoded> {
    const fresh = job.epoch !== this.epoch_ || !this.back_ || this.back_.width !== job.width || this.back_.height !== job.height;
    const { film_: film } = this, filmed = job.filmedSince !== undefined, newest = film?.newest(job.filmedSince);
    // Nothing new: nothing to look at.
    if (filmed && (!newest || (!fresh && !job.whole && film!.count === this.filmed_))) return this.nothing(job);
    if (fresh) this.start(job);
    const whole = fresh || job.whole;
    const ops: FrameOp[] = [];
    if (!whole && (job.dx !== 0 || job.dy !== 0)) ops.push(...this.scroll(job));
    const wanted = new TileSet(job.width, job.height);
    for (const patch of job.patches) {
      const { x, y, w, h, from, bitmap } = patch;
      this.g_!.drawImage(bitmap, from.x, from.y, w, h, x, y, w, h);
      wanted.add(patch);
    }
    for (const { bitmap } of job.patches) bitmap.close();
    if (job.sharp) return this.sharp(job);
    if (whole || filmed) wanted.addAll();
    if (filmed) {
      this.filmed_ = film!.count;
      drawFilm(this.g_!, newest!, job.width, job.height);
    }
    const changed = this.compare(wanted, whole);
    const moving = !whole && (job.dx !== 0 || job.dy !== 0);
    // With a copy: not more than twice the picture, which is what the server takes.
    const parts = noMoreThanAll(atMost(changed.rects(), kMaxOpsOfPicture, kPixelsOfPicture), job.width, job.height);
    const images = await this.encode(parts, job.quality, frameBytes(ops), moving);
    const exact = this.codec_ === 'png';
    changed.each((x, y) => this.blurred_.set(x, y, !exact));
    ops.push(...images);
    return { ...this.nothing(job), frame: this.frame(job, ops, whole, exact && this.blurred_.size === 0), tiles: changed.size };
  }

  private nothing({ id }: Job): Encoded {
    return { id, frame: null, tiles: 0, blurred: this.blurred_.size, ...(this.film_ ? { films: this.film_.count } : {}) };
  }

  private start(job: Job): void {
    this.back_ = new OffscreenCanvas(job.width, job.height);
    this.g_ = this.back_.getContext('2d', { willReadFrequently: true, alpha: false })!;
    this.sent_ = new Uint32Array(job.width * job.height);
    this.blurred_ = new TileSet(job.width, job.height);
    this.epoch_ = job.epoch;
  }

  /** Moves what is there, here as at the viewers. */
  private scroll({ width, dx, dy, copies }: Job): FrameOp[] {
    for (const { x, y, w, h } of copies) {
      this.g_!.drawImage(this.back_!, x, y, w, h, x - dx, y - dy, w, h);
      shift(this.sent_, width, { x, y, w, h }, dx, dy);
    }
    this.blurred_ = this.blurred_.moved(copies, -dx, -dy);
    return copies.map((r) => ({ op: 'copy', ...r, dx: -dx, dy: -dy }));
  }

  private compare(wanted: TileSet, all: boolean): TileSet {
    let first = wanted.rows, last = -1;
    wanted.each((_, row) => {
      first = Math.min(first, row);
      last = Math.max(last, row);
    });
    if (last < 0) return wanted;
    const { width, height } = wanted;
    const top = first * kTile, rows = Math.min(height, (last + 1) * kTile) - top;
    const now = new Uint32Array(this.g_!.getImageData(0, top, width, rows).data.buffer);
    const changed = all ? wanted : differing(this.sent_, now, top, wanted);
    changed.each((column, row) => {
      const x1 = column * kTile, x2 = Math.min(width, x1 + kTile);
      for (let y = row * kTile; y < Math.min(height, (row + 1) * kTile); y++) this.sent_.set(now.subarray((y - top) * width + x1, (y - top) * width + x2), y * width + x1);
    });
    return changed;
  }

  private async encode(rects: Rect[], quality: number, used: number, moving: boolean): Promise<ImageOp[]> {
    for (let q = quality; ; q *= 0.6) {
      const ops: ImageOp[] = [];
      // All at once: each is copied before the next one uses the canvas.
      ops.push(...(await Promise.all(rects.map((r) => this.seen(r, q, moving)))));
      // Photographs all over a large screen: coarser rather than not at all.
      if (used + frameBytes(ops) <= kMaxFrameBytes || q < 0.05) return ops;
    }
  }

  private async seen(r: Rect, q: number, moving: boolean): Promise<ImageOp> {
    const op = await this.image(r, q);
    return moving && op.codec !== 'png' && op.bytes.length > r.w * r.h * kPhotoBytesPerPixel ? this.image(r, q * kCoarser) : op;
  }

  private async image(r: Rect, quality: number, codec = this.codec_): Promise<ImageOp> {
    const canvas = this.scratch_;
    canvas.width = r.w;
    canvas.height = r.h;
    canvas.getContext('2d', { alpha: false })!.drawImage(this.back_!, r.x, r.y, r.w, r.h, 0, 0, r.w, r.h);
    const type = `image/${codec}`;
    const blob = await canvas.convertToBlob({ type, quality });
    // A browser answers with PNG where it cannot write what was asked for.
    if (blob.type !== type && codec !== 'png') return this.image(r, quality, (this.codec_ = codec === 'webp' ? 'jpeg' : 'png'));
    return { op: 'image', ...r, codec, keyframe: true, bytes: new Uint8Array(await blob.arrayBuffer()) };
  }

  private async sharp(job: Job): Promise<Encoded> {
    const ops: ImageOp[] = [];
    let exact = true, bytes = 0;
    const left = new TileSet(job.width, job.height), most = Math.min(job.sharpBytes, kMaxFrameBytes * 0.9);
    for (const r of pieces(this.blurred_.rects())) {
      if (bytes >= most || ops.length >= kMaxOpsOfPicture) {
        left.add(r);
        continue;
      }
      let op = await this.image(r, 1);
      if (op.bytes.length > r.w * r.h * kSharpBytesPerPixel) {
        op = await this.image(r, 0.9);
        exact = false;
      }
      bytes += op.bytes.length;
      // One at least, or what is large would never be sent.
      if (bytes > most && ops.length > 0) left.add(r);
      else ops.push(op);
    }
    this.blurred_ = left;
    // Only Chromium writes WebP without losses at quality 1.
    return { id: job.id, frame: this.frame(job, ops, false, exact && left.size === 0 && this.codec_ === 'webp'), tiles: ops.length, blurred: left.size };
  }

  private frame(job: Job, ops: FrameOp[], whole: boolean, lossless: boolean): ArrayBuffer | null {
    if (ops.length === 0) return null;
    const { epoch, width, height, scale, scrollX, scrollY } = job;
    return encodeFrame({ whole, lossless, endOfBurst: true, frame: job.frame, epoch, width, height, scale, scrollX, scrollY, ops });
  }
}
