import type { ChunkCodec, Drawable } from './picture_surface';

const kCodecs: Record<ChunkCodec, string> = { av1: 'av01.0.08M.08', h264: 'avc1.42E028', vp8: 'vp8' };
/** A decoder that says nothing for so long is stuck. */
const kMaxWaiting = 64;

interface Waiting {
  resolve(frame: Drawable): void;
  reject(fault: unknown): void;
}

/** Pictures of the high-fidelity path: chunks of a video, decoded in order (WebCodecs). */
export class ChunkDecoder {
  private readonly waiting_ = new Map<number, Waiting>();
  private decoder_: VideoDecoder | null = null;
  private next_ = 1;
  private started_ = false;

  private constructor(private readonly codec_: string) {}

  /** null: this browser has no such decoder. */
  static create(codec: ChunkCodec): ChunkDecoder | null {
    return typeof VideoDecoder === 'undefined' ? null : new ChunkDecoder(kCodecs[codec]);
  }

  decode(bytes: Uint8Array, keyframe: boolean): Promise<Drawable> {
    if (!this.started_ && !keyframe) return Promise.reject(new Error('no key frame yet'));
    if (this.waiting_.size >= kMaxWaiting) return Promise.reject(new Error('the decoder is behind'));
    this.started_ = true;
    // Decoders give pictures back under the timestamp they were given.
    const timestamp = this.next_++;
    return new Promise((resolve, reject) => {
      this.waiting_.set(timestamp, { resolve, reject });
      try {
        this.decoder_ ??= this.make();
        this.decoder_.decode(new EncodedVideoChunk({ type: keyframe ? 'key' : 'delta', timestamp, data: bytes as Uint8Array<ArrayBuffer> }));
      } catch (fault) {
        this.failed(fault);
      }
    });
  }

  close(): void {
    if (this.decoder_ && this.decoder_.state !== 'closed') this.decoder_.close();
    this.failed(new Error('closed'));
  }

  private make(): VideoDecoder {
    const decoder = new VideoDecoder({
      output: (frame) => {
        const waiting = this.waiting_.get(frame.timestamp);
        this.waiting_.delete(frame.timestamp);
        if (waiting) waiting.resolve(frame);
        else frame.close();
      },
      error: (fault) => this.failed(fault),
    });
    decoder.configure({ codec: this.codec_, optimizeForLatency: true });
    return decoder;
  }

  /** The next key frame begins with a new decoder. */
  private failed(fault: unknown): void {
    this.decoder_ = null;
    this.started_ = false;
    for (const { reject } of this.waiting_.values()) reject(fault);
    this.waiting_.clear();
  }
}
