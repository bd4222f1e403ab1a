// The high-fidelity path: the browser films the tab, what is masked is made black by the page's own style before the first picture.
// Shows what no painter can: frames of other sites, WebGL. Desktop Chromium; the consumer chooses the tab in the browser's dialog.
import { Emitter } from '../../common/emitter';
import { guarded, reportFault } from '../../common/guard';
import type { View } from '../protocol';
import type { Encoded, Job } from './encoder';
import { EncoderHost } from './encoder_host';
import { canReadFrames, framesOf } from './film_frames';
import { CaptureLedger } from './ledger';
import { scaleOf, sharpMost, sharpRest, type CaptureEvents, type CaptureOptions, type Pace } from './options';
import { MaskRules } from './masks';
import { MaskStyle } from './mask_style';
import { PagePrivacy } from './privacy';

const kInterval = 125;
/** What goes on for more pictures than this without being scrolled is an animation: it is shown half as often. */
const kSteady = 16;
const kMaxFreeMs = 2000;
const kQuality = 0.7;
const kSharpAfterMs = 1500;
const kMaxSide = 4096;
/** A page that keeps something masked visible for so long is painted instead. */
const kStubbornMs = 2000;
/** A film shows for a moment what was on the page before. */
const kClearMs = 250;
/** So late a picture of the film may show what has changed on the page. */
const kBehindMs = 150;
/** A browser films what it draws anew; what was drawn by another process, as a PDF is, may be in no picture until it is asked for one. */
const kStillMs = 1000, kFirstMs = 250;
/** A browser that does not answer is asked again. */
const kStuckMs = 10000;

/** Whether this browser can film its own tab. */
export function canCaptureTab(): boolean {
  return typeof navigator !== 'undefined' && !!navigator.mediaDevices?.getDisplayMedia && 'CropTarget' in window && canReadFrames();
}

export interface TabCaptureEvents extends CaptureEvents {
  /** Why, in words; empty: the person ended it in the browser's own bar. */
  ended: string;
}

export class TabCapture extends Emitter<TabCaptureEvents> {
  private readonly host_ = new EncoderHost();
  private readonly rules_: MaskRules;
  private readonly style_: MaskStyle;
  private readonly ledger_: CaptureLedger;
  private readonly privacy_: PagePrivacy;
  private track_: MediaStreamTrack | null = null;
  private timer_ = 0;
  private busy_ = false;
  private paused_ = false;
  private stopped_ = false;
  private sensitive_ = false;
  private wholeWanted_ = true;
  private slow_ = 1;
  private behind_ = false;
  private kbps_ = 0;
  private freeAt_ = 0;
  private steady_ = 0;
  private lastSent_ = 0;
  private sharpAt_ = 0;
  private blurred_ = 0;
  private job_ = 0;
  private frame_ = Math.floor((Date.now() - 1.7e12) / 100) >>> 0;
  private epoch_ = this.frame_;
  private shownView_ = '';
  private pictureSize_ = '';
  private stubbornSince_ = 0;
  private clearAt_ = -Infinity;
  private portion_ = 1;
  private told_ = false;
  private films_ = 0;
  private filmedAt_ = 0;
  private stirring_ = false;
  private scroll_ = { x: 0, y: 0 };

  constructor(private readonly options_: CaptureOptions) {
    super();
    this.rules_ = new MaskRules(options_.masks);
    this.ledger_ = new CaptureLedger((masked, withheld) => options_.onReceipt?.({ at: Date.now(), masked, withheld }), (list) => this.told_ && options_.onUnsupported?.(list));
    this.style_ = new MaskStyle(document, this.rules_, this.ledger_.masked, (element, told) => (told ? this.ledger_.unsupported(element, ...told) : this.ledger_.forget(element)), () => this.privacy_.holds());
    this.privacy_ = new PagePrivacy(options_.sensitive, this.style_.watcher);
  }

  /** Asks the consumer (a gesture is needed). The masks are there before the browser films anything. Throws when it is refused. */
  async start(): Promise<void> {
    if (!canCaptureTab()) throw new Error('This browser cannot film its tab.');
    this.style_.start();
    try {
      await this.host_.start(this.options_.workerUrl, this.options_.startWorker).catch((fault) => reportFault('capture worker', fault));
      // Two frames later the black is on the screen.
      await new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())));
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 10, width: { max: kMaxSide }, height: { max: kMaxSide } }, audio: false, preferCurrentTab: true, selfBrowserSurface: 'include', surfaceSwitching: 'exclude' } as DisplayMediaStreamOptions);
      const track = await this.opened(stream);
      this.track_ = track;
      this.filmedAt_ = performance.now();
      this.host_.film(() => framesOf(track));
    } catch (fault) {
      this.stop();
      throw fault;
    }
    this.timer_ = window.setTimeout(guarded('tab capture', () => this.tick()), 0);
  }

  /** Only this tab: masks are in this page, in no other window of the consumer's. */
  private async opened(stream: MediaStream): Promise<MediaStreamTrack> {
    const track = stream.getVideoTracks()[0]!;
    const { displaySurface } = track.getSettings();
    const crop = (window as unknown as { CropTarget: { fromElement(element: Element): Promise<unknown> } }).CropTarget;
    const cropped = track as unknown as { cropTo?(target: unknown): Promise<void> };
    try {
      if (displaySurface !== 'browser' || !cropped.cropTo) throw new Error('not a tab');
      // Succeeds on the page's own tab only.
      await cropped.cropTo(await crop.fromElement(document.documentElement));
      await cropped.cropTo(null);
    } catch {
      for (const each of stream.getTracks()) each.stop();
      throw new Error('Only this tab can be shared.');
    }
    if ('contentHint' in track) track.contentHint = 'text';
    track.addEventListener('ended', guarded('tab capture', () => {
      this.emit('ended', '');
      this.stop();
    }));
    return track;
  }

  stop(): void {
    if (this.stopped_) return;
    this.stopped_ = true;
    clearTimeout(this.timer_);
    // First the film ends, then the black goes.
    this.track_?.stop();
    this.track_ = null;
    this.host_.stop();
    this.ledger_.stop();
    this.style_.stop();
    this.removeAllListeners();
  }

  pause(): void {
    this.paused_ = true;
  }

  resume(): void {
    this.paused_ = false;
    this.rest();
    this.refresh();
  }

  /** Says what the film does not show, now that there is one; whatever was said before is no more. */
  tell(): void {
    this.told_ = true;
    this.ledger_.again();
  }

  refresh(): void {
    this.wholeWanted_ = true;
  }

  /** Pictures from now on have so much of the sides that the options say. */
  resize(size: number): void {
    this.portion_ = size;
  }

  pace({ behind, kbps }: Pace): void {
    this.behind_ = behind ?? this.behind_;
    this.kbps_ = kbps ?? this.kbps_;
    if (behind) this.slow_ = Math.min(8, this.slow_ * 1.5);
  }

  isMasked(element: Element): boolean {
    return this.rules_.isMasked(element);
  }

  /** What is black in the film, also in components and frames. */
  maskedElements(): Element[] {
    return this.style_.elements();
  }

  /** Whether the page, as it is now, is one that must not be shared. */
  get sensitive(): boolean {
    return this.checkSensitive();
  }

  view(): View {
    const scale = this.scale(), { sensitive } = this;
    return { w: window.innerWidth, h: window.innerHeight, scale, title: sensitive ? '' : document.title, path: sensitive ? '' : location.pathname, masked: this.style_.count };
  }

  private scale(): number {
    return Math.min(scaleOf(this.options_.scale, this.portion_), kMaxSide / Math.max(1, window.innerWidth, window.innerHeight));
  }

  private checkSensitive(): boolean {
    const now = this.privacy_.holds();
    if (now !== this.sensitive_) {
      this.sensitive_ = now;
      if (!now) this.wholeWanted_ = true;
      if (!now) this.rest();
      this.emit('sensitive', now);
    }
    return now;
  }

  /** What nobody may see is in the film for a moment longer. */
  private rest(): void {
    this.clearAt_ = performance.now() + kClearMs;
  }

  private get rests(): boolean {
    return performance.now() <= this.clearAt_;
  }

  private async tick(): Promise<void> {
    if (this.stopped_) return;
    if (!this.behind_) this.slow_ = Math.max(1, this.slow_ / 1.5);
    try {
      // A picture is held back while anything that is to be masked is not black yet, or cannot be made so.
      if (!this.checkSensitive() && !this.busy_ && !this.paused_ && !this.rests && performance.now() >= this.freeAt_) {
        if (this.style_.covers()) await this.picture();
        else this.withhold();
        this.giveUp();
      }
    } catch (fault) {
      this.wholeWanted_ = true;
      if (!this.stopped_) reportFault('tab capture', fault);
    }
    if (!this.stopped_) this.timer_ = window.setTimeout(guarded('tab capture', () => this.tick()), kInterval * this.slow_ * (this.steady_ > kSteady ? 2 : 1));
  }

  /** Ends a film of which no picture can be sent. */
  private giveUp(): void {
    const now = performance.now();
    if (!this.style_.stubborn) this.stubbornSince_ = 0;
    else if (!this.stubbornSince_) this.stubbornSince_ = now;
    else if (now - this.stubbornSince_ > kStubbornMs && !this.stopped_) {
      this.emit('ended', 'A part of the page that must not be seen cannot be made black in a film.');
      this.stop();
    }
  }

  /** What was found late is in the encoder's picture: the next one that goes out is whole, and nothing is made sharp before. */
  private withhold(): void {
    this.ledger_.withheld();
    this.wholeWanted_ = true;
  }

  private async picture(): Promise<void> {
    this.busy_ = true;
    try {
      this.stir(this.track_!);
      const scale = this.scale();
      const width = Math.round(window.innerWidth * scale), height = Math.round(window.innerHeight * scale);
      if (`${width} ${height}` !== this.pictureSize_) {
        this.pictureSize_ = `${width} ${height}`;
        this.epoch_ = (this.epoch_ + 1) >>> 0;
        this.wholeWanted_ = true;
      }
      this.tellView();
      const began = performance.now();
      const whole = this.wholeWanted_;
      this.wholeWanted_ = false;
      const job: Job = {
        id: ++this.job_, frame: (this.frame_ + 1) >>> 0, epoch: this.epoch_, width, height, scale, scrollX: Math.round(window.scrollX), scrollY: Math.round(window.scrollY),
        whole, dx: 0, dy: 0, copies: [], patches: [], filmedSince: performance.timeOrigin + Math.max(this.clearAt_ - kClearMs, this.style_.changedAt) + kBehindMs, quality: (this.options_.quality ?? kQuality) * Math.sqrt(this.portion_), sharp: false, sharpBytes: sharpMost(this.options_.sharpKbps),
      };
      const done = await this.host_.run(job), bytes = this.deliver(done);
      // There is none yet.
      if (whole && !done.frame) this.wholeWanted_ = true;
      this.steady_ = bytes > 0 && job.scrollX === this.scroll_.x && job.scrollY === this.scroll_.y ? this.steady_ + 1 : 0;
      this.scroll_ = { x: job.scrollX, y: job.scrollY };
      this.emit('painted', { ms: 0, whole: true, scrolled: false, rects: 1, elements: 0, latency: bytes > 0 ? performance.now() - began : 0, bytes });
      const now = performance.now(), quiet = now - this.lastSent_ > kSharpAfterMs && now > this.sharpAt_;
      // What was thrown away is in the encoder's picture until a whole one has gone out: nothing of it is made sharp.
      if (bytes === 0 && quiet && this.blurred_ > 0 && !this.wholeWanted_) {
        const sharp = this.deliver(await this.host_.run({ ...job, id: ++this.job_, frame: (this.frame_ + 1) >>> 0, whole: false, filmedSince: undefined, sharp: true }));
        this.sharpAt_ = now + sharpRest(sharp, this.options_.sharpKbps);
      }
    } finally {
      this.busy_ = false;
    }
  }

  /** Makes the browser film a page on which nothing moves, once a second: one more reader of a track wants a picture at once. */
  private stir(track: MediaStreamTrack): void {
    const now = performance.now(), still = now - this.filmedAt_;
    if (still <= (this.films_ > 0 ? kStillMs : kFirstMs) || (this.stirring_ && still <= kStuckMs)) return;
    this.filmedAt_ = now;
    this.stirring_ = true;
    const reader = new ImageCapture(track) as unknown as { grabFrame(): Promise<ImageBitmap> };
    reader.grabFrame().then((bitmap) => bitmap.close(), () => undefined).finally(() => (this.stirring_ = false));
  }

  private tellView(): void {
    const view = this.view(), text = JSON.stringify(view);
    if (text === this.shownView_) return;
    this.shownView_ = text;
    this.emit('view', view);
  }

  private deliver({ frame, blurred, films = 0 }: Encoded): number {
    this.blurred_ = blurred;
    if (films !== this.films_) this.filmedAt_ = performance.now();
    this.films_ = films;
    // What came to be masked while the picture was encoded is in it: such a picture is thrown away.
    const late = frame !== null && !this.stopped_ && !this.paused_ && !this.checkSensitive() && !this.style_.covers();
    if (late) this.ledger_.withheld();
    // The rest may have begun meanwhile.
    if (!frame || this.stopped_ || this.paused_ || this.sensitive_ || this.rests || late) {
      if (frame) this.wholeWanted_ = true;
      return 0;
    }
    this.frame_ = (this.frame_ + 1) >>> 0;
    this.lastSent_ = performance.now();
    if (this.kbps_) this.freeAt_ = this.lastSent_ + Math.min(kMaxFreeMs, (frame.byteLength * 8) / this.kbps_);
    this.options_.onFrame(frame);
    return frame.byteLength;
  }
}

/** Begins to share the tab as the browser films it; call it from a click. */
export async function startTabCapture(options: CaptureOptions): Promise<TabCapture> {
  const capture = new TabCapture(options);
  await capture.start();
  capture.tell();
  return capture;
}
