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
  private background_: HTMLMediaElement | null = null;

  constructor(private readonly events_: PlayerEvents) {}

  attach(element: HTMLMediaElement): void {
    if (this.elements_.has(element)) return;
    this.elements_.add(element);
    this.hush();
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
    this.hush();
  }

  /**
   * An element that plays on, silent while the page has one of its own: a second call is heard with it, and Chromium gives
   * Web Audio the sound of a call only while some element plays it.
   */
  setBackground(element: HTMLMediaElement | null): void {
    if (this.background_) this.background_.srcObject = null;
    this.background_ = element;
    if (!element) return;
    element.autoplay = true;
    this.hush();
    if (this.speaker_) void this.applySpeaker(element).catch(() => undefined);
    if (this.stream_) this.show(element, this.stream_);
  }

  play(stream: MediaStream): void {
    this.stream_ = stream;
    for (const element of this.all()) this.show(element, stream);
  }

  /** Call it from a click when playback was blocked. */
  async resume(): Promise<void> {
    await Promise.all(this.all().map((element) => element.play())).catch((error: unknown) => {
      throw new ParleyError('media.failed', { cause: error });
    });
  }

  async setSpeaker(id: string): Promise<void> {
    if (!quirks.speakerChoice()) throw new ParleyError('speaker.unsupported');
    this.speaker_ = id;
    await Promise.all(this.all().map((element) => this.applySpeaker(element)));
  }

  close(): void {
    for (const element of [...this.elements_]) this.detach(element);
    this.setBackground(null);
    this.stream_ = null;
  }

  private all(): HTMLMediaElement[] {
    return this.background_ ? [...this.elements_, this.background_] : [...this.elements_];
  }

  private hush(): void {
    if (this.background_) this.background_.muted = this.elements_.size > 0;
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
