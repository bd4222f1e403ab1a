import { guarded, ParleyError } from '../common/index';
import { quirks } from './quirks';

export interface PlayerEvents {
  firstFrame: () => void;
  firstAudio: () => void;
  /** The browser's autoplay rule wants a gesture first. */
  blocked: () => void;
}

/** Plays the remote stream in elements of the page. */
export class RemotePlayer {
  private readonly elements_ = new Set<HTMLMediaElement>();
  private stream_: MediaStream | null = null;
  private speaker_ = '';

  constructor(private readonly events_: PlayerEvents) {}

  attach(element: HTMLMediaElement): void {
    if (this.elements_.has(element)) return;
    this.elements_.add(element);
    element.autoplay = true;
    if (element instanceof HTMLVideoElement) {
      element.playsInline = true;
      this.awaitFrame(element);
    }
    element.addEventListener(
      'playing',
      guarded('playing', () => this.events_.firstAudio()),
      { once: true },
    );
    if (this.speaker_) void this.applySpeaker(element).catch(() => undefined);
    if (this.stream_) this.show(element, this.stream_);
  }

  detach(element: HTMLMediaElement): void {
    if (this.elements_.delete(element)) element.srcObject = null;
  }

  play(stream: MediaStream): void {
    this.stream_ = stream;
    for (const element of this.elements_) this.show(element, stream);
  }

  /** Call it from a click when playback was blocked. */
  async resume(): Promise<void> {
    await Promise.all([...this.elements_].map((element) => element.play())).catch((error: unknown) => {
      throw new ParleyError('media.failed', { cause: error });
    });
  }

  async setSpeaker(id: string): Promise<void> {
    if (!quirks.speakerChoice()) throw new ParleyError('speaker.unsupported');
    this.speaker_ = id;
    await Promise.all([...this.elements_].map((element) => this.applySpeaker(element)));
  }

  close(): void {
    for (const element of [...this.elements_]) this.detach(element);
    this.stream_ = null;
  }

  private show(element: HTMLMediaElement, stream: MediaStream): void {
    if (element.srcObject !== stream) element.srcObject = stream;
    element.play().catch(
      guarded('play', (error: unknown) => {
        if ((error as { name?: string }).name === 'NotAllowedError') this.events_.blocked();
      }),
    );
  }

  private awaitFrame(element: HTMLVideoElement): void {
    const seen = guarded('first frame', () => this.events_.firstFrame());
    if (quirks.frameCallback()) element.requestVideoFrameCallback(() => seen());
    else element.addEventListener('loadeddata', () => element.videoWidth > 0 && seen(), { once: true });
  }

  private async applySpeaker(element: HTMLMediaElement): Promise<void> {
    try {
      await element.setSinkId(this.speaker_);
    } catch (error) {
      throw new ParleyError('device.failed', { cause: error });
    }
  }
}
