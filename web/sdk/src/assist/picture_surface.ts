import { ChunkDecoder } from './chunk_decoder';
import { decodeFrame, mediaType, type Codec, type Frame, type FrameOp } from './frame';
import { pictureSize } from './picture_size';

/** What a picture shows: pixels, pixels per CSS pixel, and where the consumer's page is scrolled to (CSS pixels). */
export interface PictureView {
  w: number;
  h: number;
  scale: number;
  scrollX: number;
  scrollY: number;
  epoch: number;
}

export interface Drawn extends PictureView {
  frame: number;
  whole: boolean;
  lossless: boolean;
  bytes: number;
}

/**
 * Why a frame was not drawn. `unsupported`: this browser has no decoder for it. After any of them pictures are drawn again
 * from the next whole one on.
 */
export type Spoiled = 'malformed' | 'too_large' | 'undecodable' | 'unsupported' | 'behind';

export interface SurfaceEvents {
  drawn(what: Drawn): void;
  spoiled(why: Spoiled, frame: number): void;
}

export type Drawable = CanvasImageSource & { close?: () => void };

/** Where pictures are drawn: a canvas of the page or of a worker; tests have their own. */
export interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d', options?: { alpha: boolean }): Pick<CanvasRenderingContext2D, 'drawImage' | 'fillRect'> | null;
}

export interface Decoders {
  image(bytes: Uint8Array, type: string): Promise<Drawable>;
  /** null: this browser cannot. */
  chunks(codec: ChunkCodec): ChunkDecoder | null;
}

export type ChunkCodec = Extract<Codec, 'av1' | 'h264' | 'vp8'>;

/** A page of 8K is still drawn; a hostile one cannot take gigabytes. */
const kMaxSide = 16_384;
const kMaxPixels = 40_000_000;
/** The server sends at most 8 unseen frames; more than that in the queue is no server of ours. */
const kMaxQueue = 64;


interface Waiting {
  frame: Frame;
  bytes: number;
  /** One entry for each operation; null: a copy. */
  pictures: Promise<(Drawable | null)[]>;
}

/**
 * Decodes frames and draws them in order; each appears at once, as all its pictures are decoded before the first is drawn and
 * the drawing is one piece of synchronous work. Runs in a page or in a worker.
 */
export class PictureSurface {
  private readonly queue_: Waiting[] = [];
  private readonly chunks_ = new Map<ChunkCodec, ChunkDecoder | null>();
  private context_: ReturnType<Canvas['getContext']> = null;
  private drawing_ = false;
  /** Until a whole picture has come, parts have nothing to be drawn on. */
  private whole_ = false;
  private closed_ = false;

  constructor(
    private readonly canvas_: Canvas,
    private readonly events_: SurfaceEvents,
    private readonly decoders_: Decoders = browserDecoders,
  ) {}

  push(data: ArrayBuffer): void {
    if (this.closed_) return;
    let frame: Frame;
    try {
      frame = decodeFrame(data);
    } catch {
      return this.spoil('malformed', 0);
    }
    const { width, height } = frame;
    if (width > kMaxSide || height > kMaxSide || width * height > kMaxPixels) return this.spoil('too_large', frame.frame);
    if (frame.whole) this.whole_ = true;
    // Not spoiled again: whoever asks for a whole picture has done so.
    if (!this.whole_) return;
    if (this.queue_.length >= kMaxQueue) return this.spoil('behind', frame.frame);
    const pictures = Promise.all(frame.ops.map((op) => this.decode(op)));
    pictures.catch(() => undefined); // Told of when its turn comes.
    this.queue_.push({ frame, bytes: data.byteLength, pictures });
    if (!this.drawing_) void this.drawAll();
  }

  /** Forgets what was shown: black, until the next whole picture. */
  clear(): void {
    this.drop();
    this.whole_ = false;
    this.context_?.fillRect(0, 0, this.canvas_.width, this.canvas_.height);
  }

  close(): void {
    this.closed_ = true;
    this.drop();
    for (const decoder of this.chunks_.values()) decoder?.close();
    this.chunks_.clear();
  }

  /** Forgets what waits; the first one is freed by `drawAll`, which waits for it. */
  private drop(): void {
    for (const { pictures } of this.queue_.splice(0).slice(this.drawing_ ? 1 : 0)) pictures.then((all) => all.forEach((picture) => picture?.close?.()), () => undefined);
  }

  private async drawAll(): Promise<void> {
    this.drawing_ = true;
    for (let next = this.queue_[0]; next; next = this.queue_[0]) {
      let pictures: (Drawable | null)[] | null = null;
      let why: Spoiled = 'undecodable';
      try {
        pictures = await next.pictures;
      } catch (thrown) {
        if (thrown instanceof Refused) why = thrown.why;
      }
      // Cleared or closed meanwhile.
      if (this.queue_[0] !== next) {
        for (const picture of pictures ?? []) picture?.close?.();
        continue;
      }
      this.queue_.shift();
      if (pictures) this.draw(next, pictures);
      else this.spoil(why, next.frame.frame);
    }
    this.drawing_ = false;
  }

  private draw({ frame, bytes }: Waiting, pictures: (Drawable | null)[]): void {
    const canvas = this.canvas_;
    if (canvas.width !== frame.width || canvas.height !== frame.height || !this.context_) {
      canvas.width = frame.width;
      canvas.height = frame.height;
      this.context_ ??= canvas.getContext('2d', { alpha: false });
    }
    const context = this.context_!;
    frame.ops.forEach((op, i) => {
      const picture = pictures[i];
      if (op.op === 'copy') {
        context.drawImage(canvas as unknown as CanvasImageSource, op.x, op.y, op.w, op.h, op.x + op.dx, op.y + op.dy, op.w, op.h);
      } else if (picture) {
        context.drawImage(picture, op.x, op.y, op.w, op.h);
        picture.close?.();
      }
    });
    const { width: w, height: h, scale, scrollX, scrollY, epoch, whole, lossless } = frame;
    this.events_.drawn({ frame: frame.frame, w, h, scale, scrollX, scrollY, epoch, whole, lossless, bytes });
  }

  private async decode(op: FrameOp): Promise<Drawable | null> {
    if (op.op === 'copy') return null;
    const { codec } = op;
    if (codec === 'webp' || codec === 'jpeg' || codec === 'png') {
      // A picture that unpacks to something else than its rectangle is a fault, or an attempt to fill our memory.
      const size = pictureSize(op.bytes, codec);
      if (!size || size.w !== op.w || size.h !== op.h) throw new Refused('malformed');
      return this.decoders_.image(op.bytes, mediaType(codec));
    }
    if (!this.chunks_.has(codec)) this.chunks_.set(codec, this.decoders_.chunks(codec));
    const decoder = this.chunks_.get(codec);
    if (!decoder) throw new Refused('unsupported');
    return decoder.decode(op.bytes, op.keyframe);
  }

  /** What is drawn no longer follows from what was sent: the rest is useless without a whole picture. */
  private spoil(why: Spoiled, frame: number): void {
    this.drop();
    this.whole_ = false;
    this.events_.spoiled(why, frame);
  }
}

class Refused extends Error {
  constructor(readonly why: Spoiled) {
    super(why);
  }
}

const browserDecoders: Decoders = {
  image: (bytes, type) => createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>], { type })),
  chunks: (codec) => ChunkDecoder.create(codec),
};
