import { ChunkDecoder } from './chunk_decoder';
import { decodeFrame, mediaType, type Codec, type Frame, type FrameOp, type ImageOp } from './frame';
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
/** Of a frame, all its pictures together: so many times the whole. Those of our own encoder come to no more than the whole. */
const kMaxCover = 2;
/** Still pictures that are decoded at once, of all frames: if the first is not what it says, the others need no memory. */
const kAtOnce = 4;
/** A video's sides are whole blocks. */
const kBlock = 64;

interface Waiting {
  frame: Frame;
  bytes: number;
  /** One entry for each operation; null: a copy, or not decoded yet. */
  pictures: (Drawable | null)[];
  /** So many operations are done or being decoded; and so many pictures are not decoded yet. */
  begun: number;
  left: number;
  /** Told of when its turn comes. */
  fault: Spoiled | null;
  /** Nobody wants it any more. */
  gone: boolean;
}

const area = ({ w, h }: { w: number; h: number }) => w * h;
const coverOf = (ops: readonly FrameOp[]): number => ops.reduce((sum, op) => sum + (op.op === 'image' ? area(op) : 0), 0);
const isStill = (codec: Codec): codec is Exclude<Codec, ChunkCodec> => codec === 'webp' || codec === 'jpeg' || codec === 'png';
/** A frame shows one moment: of several chunks of a video all would be decoded and held until the last of them is there. */
const fewChunks = (ops: readonly FrameOp[]): boolean => ops.filter((op) => op.op === 'image' && !isStill(op.codec)).length <= 1;

/** A picture that says it unpacks to something else than its rectangle is a fault, or an attempt to fill our memory. */
function honest(op: FrameOp): boolean {
  if (op.op === 'copy' || !isStill(op.codec)) return true;
  const size = pictureSize(op.bytes, op.codec);
  return size !== null && size.w === op.w && size.h === op.h;
}

/** What it really unpacked to. */
function fits(picture: Drawable, { w, h, codec }: ImageOp): boolean {
  if (typeof VideoFrame !== 'undefined' && picture instanceof VideoFrame) return picture.displayWidth < w + kBlock && picture.displayHeight < h + kBlock;
  const real = picture as ImageBitmap;
  return isStill(codec) ? real.width === w && real.height === h : real.width < w + kBlock && real.height < h + kBlock;
}

/**
 * Decodes frames and draws them in order; each appears at once, as all its pictures are decoded before the first is drawn and
 * the drawing is one piece of synchronous work. What is decoded but not drawn yet has bounds: frames that wait for others are
 * decoded as far as there is room. Runs in a page or in a worker.
 */
export class PictureSurface {
  private readonly queue_: Waiting[] = [];
  private readonly chunks_ = new Map<ChunkCodec, ChunkDecoder | null>();
  private context_: ReturnType<Canvas['getContext']> = null;
  /** Still pictures being decoded. */
  private active_ = 0;
  /** Pixels that are decoded, or being decoded, and not drawn yet. Of a video's only what its decoder gave: it may keep some for ever. */
  private held_ = 0;
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
    const { width, height, ops } = frame;
    if (width > kMaxSide || height > kMaxSide || width * height > kMaxPixels) return this.spoil('too_large', frame.frame);
    if (frame.whole) this.whole_ = true;
    // Not spoiled again: whoever asks for a whole picture has done so.
    if (!this.whole_) return;
    if (coverOf(ops) > kMaxCover * width * height) return this.spoil('too_large', frame.frame);
    if (!ops.every(honest) || !fewChunks(ops)) return this.spoil('malformed', frame.frame);
    if (this.queue_.length >= kMaxQueue) return this.spoil('behind', frame.frame);
    const left = ops.filter(({ op }) => op === 'image').length;
    this.queue_.push({ frame, bytes: data.byteLength, pictures: ops.map(() => null), begun: 0, left, fault: null, gone: false });
    void Promise.resolve().then(() => this.goOn());
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

  /** Forgets what waits; what is being decoded is freed when it is there. */
  private drop(): void {
    for (const waiting of this.queue_.splice(0)) {
      waiting.gone = true;
      waiting.pictures.forEach((picture, i) => picture && this.free(picture, waiting.frame.ops[i]!));
    }
  }

  private free(picture: Drawable | null, op: FrameOp): void {
    picture?.close?.();
    this.held_ -= area(op);
  }

  /** Draws what is ready, and decodes what there is room for. */
  private goOn(): void {
    for (let next = this.queue_[0]; next && (next.fault || next.left === 0); next = this.queue_[0]) {
      if (next.fault) return this.spoil(next.fault, next.frame.frame);
      this.queue_.shift();
      this.draw(next);
    }
    for (const waiting of this.queue_) {
      const { frame: { ops } } = waiting;
      for (; waiting.begun < ops.length; waiting.begun++) {
        const op = ops[waiting.begun]!;
        if (op.op === 'copy') continue;
        // What comes after a fault is not drawn.
        if (waiting.fault || (isStill(op.codec) && this.active_ >= kAtOnce)) return;
        if (waiting !== this.queue_[0] && this.held_ + area(op) > kMaxPixels) return;
        void this.decodeOne(waiting, waiting.begun, op);
      }
    }
  }

  private async decodeOne(waiting: Waiting, i: number, op: ImageOp): Promise<void> {
    const still = isStill(op.codec);
    if (still) this.active_++;
    if (still) this.held_ += area(op);
    let picture: Drawable | null = null;
    try {
      picture = await this.decode(op);
      if (!fits(picture, op)) throw new Refused('malformed');
    } catch (thrown) {
      waiting.fault ??= thrown instanceof Refused ? thrown.why : 'undecodable';
    }
    if (still) this.active_--;
    else this.held_ += area(op);
    if (waiting.gone || waiting.fault) this.free(picture, op);
    else waiting.pictures[i] = picture;
    waiting.left--;
    this.goOn();
  }

  private draw({ frame, bytes, pictures }: Waiting): void {
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
        this.free(picture, op);
      }
    });
    const { width: w, height: h, scale, scrollX, scrollY, epoch, whole, lossless } = frame;
    this.events_.drawn({ frame: frame.frame, w, h, scale, scrollX, scrollY, epoch, whole, lossless, bytes });
  }

  private async decode({ codec, bytes, keyframe }: ImageOp): Promise<Drawable> {
    if (isStill(codec)) return this.decoders_.image(bytes, mediaType(codec));
    if (!this.chunks_.has(codec)) this.chunks_.set(codec, this.decoders_.chunks(codec));
    const decoder = this.chunks_.get(codec);
    if (!decoder) throw new Refused('unsupported');
    return decoder.decode(bytes, keyframe);
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
