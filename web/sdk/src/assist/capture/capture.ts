// Shares a page as pictures: watches it, paints what changed, has it encoded. One picture at a time; nothing queues up.
import { Emitter } from '../../common/emitter';
import { guarded, reportFault } from '../../common/guard';
import type { View } from '../protocol';
import type { Rect } from './affine';
import { ChangeWatcher, kMaxRoots, type Extent } from './changes';
import { dirtyRects } from './dirty';
import type { Encoded, Job, Patch } from './encoder';
import { EncoderHost } from './encoder_host';
import { Escapes } from './escapes';
import { Images } from './images';
import { CaptureLedger } from './ledger';
import { MaskRules } from './masks';
import { scaleOf, sharpMost, sharpRest, type CaptureEvents, type CaptureOptions, type Pace } from './options';
import { Painter } from './paint';
import { PagePrivacy } from './privacy';
import { Scan, type Seen } from './scan';
import { scrolled } from './scrolled';
import { Fonts } from './text';
import { packed } from './tiles';

const kIgnore = '[data-parley-overlay]';
const kMinInterval = 80;
const kQuality = 0.7;
const kMaxInterval = 1000;
/** Canvases, videos and animations are looked at so often. */
const kVolatileMs = 500;
/** Everything is painted (not sent) again: what no event told of. */
const kRefreshMs = 10000;
const kSharpAfterMs = 1500;
/** The first picture is painted in so many parts, so that the page stays usable. */
const kFirstParts = 4;
const kMaxSide = 8192;
const kMaxMarks = 2000;
const kSlower = 1.5;
const kMaxAnimated = 50;
/** Elements that are looked at for what escapes from its box: of a page before its first picture, for a picture, now and then. */
const kLookFirst = 1500, kLookPicture = 300, kLookIdle = 600, kMaxFirstLooks = 20;

const nextTask = () => new Promise<void>((done) => setTimeout(done, 0));

export class Capture extends Emitter<CaptureEvents> {
  private readonly window_: Window;
  private readonly document_: Document;
  private readonly masks_: MaskRules;
  private readonly host_ = new EncoderHost();
  private readonly fonts_ = new Fonts();
  private readonly images_: Images;
  private readonly ledger_: CaptureLedger;
  private readonly watcher_: ChangeWatcher;
  private readonly escapes_: Escapes;
  private scale_: number;
  private portion_ = 1;
  private readonly privacy_: PagePrivacy;
  private painter_: Painter;
  private marks_ = new Map<Element, Extent>();
  private readonly seen_ = new Map<Element, Seen>();
  /** In sight since everything was painted last. */
  private readonly maskedNow_ = new Set<Element>();
  private full_ = true;
  private first_ = true;
  private wholeWanted_ = false;
  private busy_ = false;
  private ready_ = false;
  private paused_ = false;
  private stopped_ = false;
  private sensitive_ = false;
  private changedAt_ = 0;
  private lastPaint_ = -Infinity;
  private lastFull_ = -Infinity;
  private lastLook_ = -Infinity;
  private freeAt_ = 0;
  private pace_: Pace = {};
  private slow_ = 1;
  private blurred_ = 0;
  private timer_ = 0;
  private poll_ = 0;
  private sharpTimer_ = 0;
  private sharpAt_ = 0;
  private job_ = 0;
  private frame_: number;
  private epoch_: number;
  private scroll_ = { x: 0, y: 0 };
  private size_ = { w: 0, h: 0 };
  private shownView_ = '';
  private toldOdd_ = false;
  private animated_: Element[] = [];

  constructor(private readonly options_: CaptureOptions) {
    super();
    this.window_ = options_.window ?? window;
    this.document_ = this.window_.document;
    this.scale_ = scaleOf(options_.scale);
    this.masks_ = new MaskRules(options_.masks);
    this.ledger_ = new CaptureLedger(
      (masked, withheld) => options_.onReceipt?.({ at: Date.now(), masked, withheld }),
      (list) => options_.onUnsupported?.(list),
    );
    this.images_ = new Images(
      (elements) => [...elements].forEach((element) => (this.ledger_.forget(element), this.changed(element, 'self'))),
      this.ledger_.unsupported,
    );
    this.painter_ = new Painter(this.images_, this.fonts_, this.scale_, this.ledger_.unsupported);
    const ignore = options_.ignore ?? kIgnore;
    this.watcher_ = new ChangeWatcher(this.document_, {
      changed: (element, extent) => this.changed(element, extent),
      scrolled: (target, document_) => this.scrolled(target, document_),
      everything: () => this.everything(),
      added: (element, type) => this.masks_.remember(element, type),
    }, ignore);
    this.escapes_ = new Escapes(this.document_, (element) => this.mark(element, 'self'));
    this.privacy_ = new PagePrivacy(options_.sensitive, this.watcher_);
    // Counts on over pages of the site without anything to remember: never more than ten pictures a second.
    this.frame_ = Math.floor((Date.now() - 1.7e12) / 100) >>> 0;
    this.epoch_ = this.frame_;
  }

  async start(): Promise<void> {
    this.watcher_.start();
    await this.host_.start(this.options_.workerUrl, this.options_.startWorker).catch((fault) => reportFault('capture worker', fault));
    if (this.stopped_) return this.host_.stop();
    this.ready_ = true;
    this.poll_ = window.setInterval(guarded('capture', () => this.poll()), kVolatileMs);
    this.everything();
  }

  stop(): void {
    if (this.stopped_) return;
    this.stopped_ = true;
    for (const timer of [this.timer_, this.poll_, this.sharpTimer_]) clearTimeout(timer);
    this.watcher_.stop();
    this.ledger_.stop();
    this.host_.stop();
    this.removeAllListeners();
  }

  pause(): void {
    this.paused_ = true;
  }

  resume(): void {
    this.paused_ = false;
    this.refresh();
  }

  /** Sends a whole picture: somebody new looks on, or one was lost. */
  refresh(): void {
    this.wholeWanted_ = true;
    this.schedule();
  }

  /** Pictures from now on have so much of the sides that the options say. */
  resize(size: number): void {
    this.portion_ = size;
    this.schedule();
  }

  pace(pace: Pace): void {
    this.pace_ = { ...this.pace_, ...pace };
    if (pace.behind) this.slow_ = Math.min(kMaxInterval / kMinInterval, this.slow_ * kSlower);
  }

  /** Being told once that nobody is behind any more, it becomes as fast as before by itself. */
  private hasten(): void {
    if (!this.pace_.behind) this.slow_ = Math.max(1, this.slow_ / kSlower);
  }

  isMasked(element: Element): boolean {
    return this.masks_.isMasked(element);
  }

  /** What is black in the picture, also in components and frames. */
  maskedElements(): Element[] {
    return [...this.maskedNow_].filter((element) => element.isConnected && this.isMasked(element));
  }

  /** Whether the page, as it is now, is one that must not be shared. */
  get sensitive(): boolean {
    return this.checkSensitive();
  }

  view(): View {
    const { w, h } = this.viewport(), { sensitive } = this;
    // Titles and paths of pages that must not be shared are not told either.
    return { w, h, scale: this.scale_, title: sensitive ? '' : this.document_.title, path: sensitive ? '' : this.window_.location.pathname, masked: this.maskedNow_.size };
  }

  get scroll(): { x: number; y: number } {
    return { x: this.window_.scrollX, y: this.window_.scrollY };
  }

  private viewport(): { w: number; h: number } {
    const root = this.document_.documentElement;
    const most = kMaxSide / this.scale_;
    return { w: Math.min(most, root.clientWidth || this.window_.innerWidth), h: Math.min(most, this.window_.innerHeight === 0 ? root.clientHeight : Math.min(this.window_.innerHeight, root.clientHeight || Infinity)) };
  }

  private changed(element: Element, extent: Extent): void {
    this.escapes_.changed(element, extent);
    this.mark(element, extent);
  }

  private mark(element: Element, extent: Extent): void {
    // When everything is painted anyway, nothing is kept: a pause may be long.
    if (this.full_) return this.touch();
    if (this.marks_.get(element) !== 'deep') this.marks_.set(element, extent);
    if (this.marks_.size > kMaxMarks) {
      this.full_ = true;
      this.marks_.clear();
    }
    this.touch();
  }

  private scrolled(target: Element | null, document_: Document): void {
    if (target && target !== this.document_.documentElement && target !== this.document_.body) this.changed(target, 'self');
    else if (document_ !== this.document_) {
      const frame = document_.defaultView?.frameElement;
      if (frame) this.changed(frame, 'self');
    } else this.touch();
  }

  private everything(): void {
    this.full_ = true;
    this.fonts_.forget();
    this.escapes_.everything();
    this.touch();
  }

  private touch(): void {
    if (!this.changedAt_) this.changedAt_ = performance.now();
    this.schedule();
  }

  private schedule(): void {
    if (this.timer_ || this.busy_ || this.stopped_ || !this.ready_) return;
    const now = performance.now();
    const interval = (this.options_.minInterval ?? kMinInterval) * this.slow_;
    const wait = Math.max(0, this.lastPaint_ + interval - now, this.freeAt_ - now);
    this.timer_ = window.setTimeout(() => {
      // After the page's own work for this frame; a page in the background has no frames and shows nothing new.
      const go = guarded('capture', () => {
        this.timer_ = 0;
        return this.tick();
      });
      if (this.document_.hidden) this.timer_ = 0;
      else this.window_.requestAnimationFrame(go);
    }, wait);
  }

  private poll(): void {
    this.hasten();
    if (this.document_.hidden) return;
    // What no change of the page tells of: addresses, states of fields.
    this.checkSensitive();
    if (this.paused_) return;
    this.escapes_.look(kLookIdle);
    // A picture of something else has looked at them just now.
    if (performance.now() - this.lastLook_ >= kVolatileMs / 2) this.look();
    if (performance.now() - this.lastFull_ > kRefreshMs) {
      this.full_ = true;
      this.schedule();
    }
  }

  /** Marks what changes without a word: canvases, videos, animations. */
  private look(): void {
    this.lastLook_ = performance.now();
    this.animated_ = this.watcher_.animated().slice(0, kMaxAnimated);
    for (const element of this.animated_) this.changed(element, 'deep');
    const { beyond } = this.watcher_;
    if (beyond.size > 0) this.ledger_.unsupported(this.document_.documentElement, 'changes in some components', `There are more than ${kMaxRoots} on the page: the others are looked at twice a second.`);
    for (const { host } of beyond) if (this.seen_.has(host)) this.changed(host, 'deep');
    for (const element of this.watcher_.volatile()) if (this.seen_.has(element)) this.changed(element, 'self');
  }

  private checkSensitive(): boolean {
    const now = this.privacy_.holds();
    if (now !== this.sensitive_) {
      this.sensitive_ = now;
      if (!now) this.full_ = this.wholeWanted_ = true;
      this.emit('sensitive', now);
    }
    return now;
  }

  private async tick(): Promise<void> {
    // Also in a pause: a private page is one, and ends when the page is private no more.
    if (this.stopped_ || this.busy_ || this.checkSensitive() || this.paused_) return;
    this.busy_ = true;
    try {
      await this.picture();
    } catch (fault) {
      // Whatever went wrong: viewers' pictures may not be what we think they are.
      this.full_ = this.wholeWanted_ = true;
      this.freeAt_ = performance.now() + 500;
      if (!this.stopped_) reportFault('capture', fault);
    } finally {
      this.busy_ = false;
    }
    this.goOn();
  }

  private goOn(): void {
    if (this.full_ || this.wholeWanted_ || this.marks_.size > 0 || this.hasScrolled()) this.schedule();
  }

  private hasScrolled(): boolean {
    return this.window_.scrollX !== this.scroll_.x || this.window_.scrollY !== this.scroll_.y;
  }

  private async picture(): Promise<void> {
    const began = performance.now();
    // One picture with both costs half of two.
    if (began - this.lastLook_ >= kVolatileMs / 2 && began - this.lastPaint_ >= kVolatileMs / 2) this.look();
    this.lastPaint_ = began;
    if (this.first_) await this.learn();
    this.escapes_.look(kLookPicture);
    this.measureWindow();
    const { x, y } = { x: this.window_.scrollX, y: this.window_.scrollY };
    const { scale_: s, size_: { w, h } } = this;
    // Only whole pixels can be copied: what scrolls lies on those of the picture (see `nudge`).
    const dx = Math.round(x * s) - Math.round(this.scroll_.x * s), dy = Math.round(y * s) - Math.round(this.scroll_.y * s);
    const scrolled = x !== this.scroll_.x || y !== this.scroll_.y;
    if (Math.abs(dx) >= Math.round(w * s) || Math.abs(dy) >= Math.round(h * s)) this.full_ = true;
    const { rects, whole, copies } = this.wanted(x - this.scroll_.x, y - this.scroll_.y, { x: dx, y: dy });
    // What was found meanwhile is in this picture, too.
    const { changedAt_: changedAt } = this;
    this.changedAt_ = 0;
    this.scroll_ = { x, y };
    if (rects.length === 0 && !scrolled && !this.wholeWanted_) return;
    const sliced = this.first_ && whole;
    const { patches, elements } = sliced ? await this.slices() : this.paint(rects, whole);
    this.first_ = false;
    const ms = performance.now() - began;
    this.tellView();
    const send = this.wholeWanted_;
    this.wholeWanted_ = false;
    const job = this.newJob(patches, sliced ? { whole: send } : { whole: send, dx, dy, copies });
    const bytes = this.deliver(await this.host_.run(job));
    const latency = bytes > 0 && changedAt ? performance.now() - changedAt : 0;
    this.emit('painted', { ms, whole, scrolled, rects: rects.length, elements, latency, bytes });
  }

  /** What escapes from its box, before anything is left out; of a very large page the rest comes later. */
  private async learn(): Promise<void> {
    for (let i = 0; i < kMaxFirstLooks && !this.escapes_.look(kLookFirst); i++) await nextTask();
  }

  /** A new size begins a new epoch. */
  private measureWindow(): void {
    const scale = scaleOf(this.options_.scale, this.portion_);
    if (scale !== this.scale_) {
      this.scale_ = scale;
      this.painter_ = new Painter(this.images_, this.fonts_, scale, this.ledger_.unsupported);
      this.size_ = { w: 0, h: 0 };
    }
    const { w, h } = this.viewport();
    if (w !== this.size_.w || h !== this.size_.h) {
      this.size_ = { w, h };
      this.epoch_ = (this.epoch_ + 1) >>> 0;
      this.full_ = true;
      this.scroll_ = { x: this.window_.scrollX, y: this.window_.scrollY };
    }
    this.tellView();
  }

  private tellView(): void {
    const view = this.view(), text = JSON.stringify(view);
    if (text === this.shownView_) return;
    this.shownView_ = text;
    this.emit('view', view);
  }

  private wanted(dx: number, dy: number, by: { x: number; y: number }): { rects: Rect[]; whole: boolean; copies: Rect[] } {
    const { w, h } = this.size_, width = Math.round(w * this.scale_), height = Math.round(h * this.scale_);
    const { marks_: marks } = this;
    this.marks_ = new Map();
    if (this.full_) {
      this.full_ = false;
      this.lastFull_ = performance.now();
      return { rects: [{ x: 0, y: 0, w, h }], whole: true, copies: scrolled(width, height, by.x, by.y, []).copies };
    }
    const found = dirtyRects({ scale: this.scale_, width, height, marks, seen: this.seen_, animated: this.animated_, dx, dy, by });
    return { rects: found.rects, whole: found.all, copies: found.copies };
  }

  private paint(rects: readonly Rect[], whole: boolean): { patches: Patch[]; elements: number } {
    if (whole) {
      this.seen_.clear();
      this.maskedNow_.clear();
    }
    if (rects.length === 0) return { patches: [], elements: 0 };
    const scan = new Scan({
      masks: this.masks_, fonts: this.fonts_, areas: rects, window: { x: 0, y: 0, ...this.size_ }, nudge: this.nudge(), scale: this.scale_, ignore: this.options_.ignore ?? kIgnore, seen: this.seen_, escapes: this.escapes_,
      onMasked: (element, rule) => (this.maskedNow_.add(element), this.ledger_.masked(element, rule)),
      onFault: (element, fault) => this.odd(element, fault),
    });
    const root = scan.page(this.document_);
    const s = this.scale_;
    const at = rects.map((r) => ({ x: Math.round(r.x * s), y: Math.round(r.y * s), w: Math.max(1, Math.round(r.w * s)), h: Math.max(1, Math.round(r.h * s)) }));
    const pack = packed(at), bitmap = this.painter_.paintAll(root, rects, pack).transferToImageBitmap();
    const patches = at.map((r, i) => ({ ...r, bitmap, from: pack.places[i]! }));
    return { patches, elements: scan.count };
  }

  /** What the page is shifted by, CSS pixels, so that what scrolls keeps its place on the picture's pixels: less than one of them. */
  private nudge(): { x: number; y: number } {
    const s = this.scale_, by = (at: number) => at - Math.round(at * s) / s;
    return { x: by(this.scroll_.x), y: by(this.scroll_.y) };
  }

  private odd(element: Element, fault: unknown): void {
    this.ledger_.unsupported(element, 'a part of the page', 'It cannot be painted.');
    if (!this.toldOdd_) reportFault('capture', fault);
    this.toldOdd_ = true;
  }

  /** The first picture, in parts with the page's own work between them; begun anew when the page was scrolled meanwhile. */
  private async slices(): Promise<{ patches: Patch[]; elements: number }> {
    const { w, h } = this.size_;
    for (let tries = 0; tries < 3; tries++) {
      const patches: Patch[] = [];
      let elements = 0;
      const part = Math.ceil(h / kFirstParts / 64) * 64;
      this.scroll_ = { x: this.window_.scrollX, y: this.window_.scrollY };
      for (let y = 0; y < h && !this.hasScrolled(); y += part) {
        const painted = this.paint([{ x: 0, y, w, h: Math.min(part, h - y) }], y === 0);
        patches.push(...painted.patches);
        elements += painted.elements;
        await nextTask();
      }
      if (!this.hasScrolled()) return { patches, elements };
      for (const patch of patches) patch.bitmap.close();
    }
    this.scroll_ = { x: this.window_.scrollX, y: this.window_.scrollY };
    return this.paint([{ x: 0, y: 0, w, h }], true);
  }

  private newJob(patches: Patch[], { whole = false, dx = 0, dy = 0, copies = [] as Rect[], sharp = false }): Job {
    const { w, h } = this.size_;
    return {
      id: ++this.job_, frame: (this.frame_ + 1) >>> 0, epoch: this.epoch_, width: Math.round(w * this.scale_), height: Math.round(h * this.scale_), scale: this.scale_,
      scrollX: Math.round(this.scroll_.x), scrollY: Math.round(this.scroll_.y), whole, dx, dy, copies, patches, quality: ((this.options_.quality ?? kQuality) * Math.sqrt(this.portion_)) / Math.sqrt(Math.min(this.slow_, 3)), sharp,
      sharpBytes: sharpMost(this.options_.sharpKbps),
    };
  }

  private deliver({ frame, blurred }: Encoded): number {
    this.blurred_ = blurred;
    if (!frame || this.stopped_ || this.paused_ || this.checkSensitive()) {
      // Pictures that nobody got: the next one is whole.
      if (frame) this.wholeWanted_ = true;
      return 0;
    }
    this.frame_ = (this.frame_ + 1) >>> 0;
    const { kbps } = this.pace_;
    if (kbps) this.freeAt_ = performance.now() + Math.min(2000, (frame.byteLength * 8) / kbps);
    this.options_.onFrame(frame);
    this.sharpenLater();
    return frame.byteLength;
  }

  private sharpenLater(): void {
    clearTimeout(this.sharpTimer_);
    if (this.blurred_ > 0 && !this.stopped_) this.sharpTimer_ = window.setTimeout(guarded('capture', () => this.sharpen()), kSharpAfterMs);
  }

  private async sharpen(): Promise<void> {
    // What was thrown away, of a page that is private, is in the encoder's picture until a whole one has gone out.
    if (this.busy_ || this.stopped_ || this.paused_ || this.sensitive_ || this.wholeWanted_ || this.slow_ > 1 || this.document_.hidden || performance.now() < this.sharpAt_) return this.sharpenLater();
    this.busy_ = true;
    try {
      const bytes = this.deliver(await this.host_.run(this.newJob([], { sharp: true })));
      this.sharpAt_ = performance.now() + sharpRest(bytes, this.options_.sharpKbps);
    } finally {
      this.busy_ = false;
    }
    this.goOn();
  }
}

/** Begins to share the page. The first picture comes as soon as it is painted. */
export function startCapture(options: CaptureOptions): Capture {
  const capture = new Capture(options);
  void capture.start();
  return capture;
}
