// What is loaded when sharing starts: pictures, acting and annotations of one page, under the orders of AssistSession.
import { guarded } from '../common/index';
import { createActor, type Actor, type ActResult } from './acting/index';
import { layerOverPage } from './annotations/index';
import { canCaptureTab, startCapture, startTabCapture, type Capture, type CaptureOptions, TabCapture } from './capture/index';
import { boxInRoot } from './acting/targets';
import type { AgentAction, Feature, FormField, Quality, SharedMessage, Unsupported } from './protocol';
import { knowAlso } from './early';
import type { Box, Sharer, SharerHost, SharerLoader } from './sharer';

/** Of the settings' size of the pictures, so much of each side. */
const kSizes: Record<Quality, number> = { sharp: 1, balanced: 0.75, light: 0.5 };
const kMaxBoxes = 300;
const kRetry = 1_000;
/** As many as the server keeps. */
const kMaxCarried = 200;
/** How often agents hear of the person's own pointer, and of what a box carries along, at most, ms. */
const kCursorEvery = 100;

class PageSharer implements Sharer {
  private readonly actor_: Actor;
  private readonly annotations_: ReturnType<typeof layerOverPage>;
  private readonly selectors_: string[];
  private capture_: Capture | TabCapture | null = null;
  private held_ = true;
  private size_ = 1;
  private actingParty_ = '';
  private retry_ = 0;
  private cursorTimer_ = 0;
  private cursor_ = { x: 0, y: 0 };
  private readonly carried_ = new Map<string, { id: string; dx: number; dy: number }>();
  private carriedTimer_ = 0;
  private watching_ = false;
  private filming_ = false;
  private filmFailed_: Unsupported[] = [];
  private stopped_ = false;
  private stopForm_: (() => void) | null = null;
  private readonly readers_ = new Set<string>();

  constructor(private readonly host_: SharerHost) {
    const { rules, settings } = host_;
    this.selectors_ = [...settings.maskSelectors, ...(rules.mask ?? [])];
    this.actor_ = createActor({
      isMasked: (element) => this.capture_?.isMasked(element) ?? true,
      barred: rules.bar ?? [],
      onActivity: ({ what, target }) => host_.activity({ type: 'activity', party: this.actingParty_, what, target }),
      onTouch: () => host_.touched(),
    });
    this.annotations_ = layerOverPage(window, host_.layer, (id, dx, dy) => this.carried(id, dx, dy));
  }

  get sensitive(): boolean {
    return this.capture_?.sensitive ?? false;
  }

  get canFilm(): boolean {
    return canCaptureTab();
  }

  async film(): Promise<void> {
    // A second press while the browser asks.
    if (this.filming_) return;
    this.filming_ = true;
    try {
      this.filmed(await startTabCapture(this.options()));
    } finally {
      this.filming_ = false;
    }
  }

  private filmed(film: TabCapture): void {
    if (this.stopped_) return film.stop();
    this.capture_?.stop();
    this.capture_ = film;
    film.resize(this.size_);
    // A film shows what could not be painted, and says itself what it does not show.
    this.filmFailed_ = [];
    film.tell();
    if (this.held_) film.pause();
    film.on('view', (view) => this.host_.viewChanged(view, 'capture'));
    film.on('sensitive', () => this.host_.sensitiveChanged());
    // The person ended it in the browser's own bar: the page is painted again.
    film.on('ended', (why) => this.unfilmed(film, why));
    this.host_.viewChanged(film.view(), 'capture');
  }

  private unfilmed(film: TabCapture, why: string): void {
    if (this.capture_ !== film) return;
    this.filmFailed_ = why ? [{ what: 'the film of the tab', why: `${why} The page is painted instead.` }] : [];
    this.host_.unsupported(this.filmFailed_);
    this.begin();
    if (this.held_) this.capture_.pause();
  }

  allow(features: readonly Feature[]): void {
    const { capture_: film } = this;
    if (film instanceof TabCapture && !features.includes('capture')) {
      film.stop();
      this.unfilmed(film, 'It was switched off.');
    }
    if (!features.includes('forms')) this.closeForm();
  }

  start(): void {
    this.held_ = false;
    if (this.capture_) this.capture_.resume();
    else this.begin();
    if (this.watching_) return;
    this.watching_ = true;
    document.addEventListener('pointermove', this.pointed, { capture: true, passive: true });
  }

  hold(): void {
    this.held_ = true;
    this.capture_?.pause();
    this.actor_.release();
    this.closeForm();
    this.unwatch();
  }

  release(): void {
    this.actor_.release();
  }

  stop(): void {
    this.stopped_ = true;
    this.closeForm();
    this.unwatch();
    window.clearTimeout(this.retry_);
    window.clearTimeout(this.carriedTimer_);
    this.capture_?.stop();
    this.capture_ = null;
    this.actor_.stop();
    this.annotations_.stop();
  }

  private unwatch(): void {
    this.watching_ = false;
    window.clearTimeout(this.cursorTimer_);
    this.cursorTimer_ = 0;
    document.removeEventListener('pointermove', this.pointed, { capture: true });
  }

  refresh(): void {
    this.capture_?.refresh();
  }

  quality(quality: Quality): void {
    if (kSizes[quality] === this.size_) return;
    this.size_ = kSizes[quality];
    this.capture_?.resize(this.size_);
  }

  pace({ behind, kbps }: { behind: boolean; kbps?: number }): void {
    this.capture_?.pace(kbps === undefined ? { behind } : { behind, kbps });
  }

  annotate(message: SharedMessage): void {
    if (message.type === 'draw') this.annotations_.layer.draw(message);
    else if (message.type === 'erase') this.annotations_.layer.erase(message);
  }

  act(action: AgentAction): void {
    const party = action.party ?? '';
    this.actingParty_ = party;
    switch (action.type) {
      case 'pointer':
        this.actor_.pointer(action);
        return;
      case 'click':
        return this.outcome(this.actor_.click(action));
      case 'scroll':
        return this.outcome(this.actor_.scroll(action));
      case 'text':
        return this.outcome(this.actor_.text(action));
      case 'key':
        return this.outcome(this.actor_.key({ ...action, mods: action.mods }));
      case 'form-get':
        return this.openForm(party, action.request);
      case 'form-close':
        this.readers_.delete(party);
        if (this.readers_.size === 0) this.closeForm();
        return;
      case 'form-set': {
        const result = this.actor_.formSet(action);
        return this.host_.reply({ ...result, type: 'form-result', request: action.request, to: party });
      }
    }
  }

  masked(): Box[] {
    const boxes: Box[] = [];
    for (const element of this.capture_?.maskedElements() ?? []) {
      if (boxes.length >= kMaxBoxes) break;
      const box = boxInRoot(element);
      if (box.w > 0 && box.h > 0) boxes.push({ ...box, label: '' });
    }
    return boxes;
  }

  private begin(): void {
    const capture = startCapture(this.options());
    this.capture_ = capture;
    capture.resize(this.size_);
    capture.on('view', (view) => this.host_.viewChanged(view, 'painter'));
    capture.on('sensitive', () => this.host_.sensitiveChanged());
    this.host_.viewChanged(capture.view(), 'painter');
  }

  private options(): CaptureOptions {
    const { host_: host } = this;
    const { rules, settings } = host;
    return {
      scale: rules.imageScale ?? settings.imageScale,
      masks: { selectors: this.selectors_, denyByDefault: settings.maskDefault === 'all' || rules.maskAll === true, allow: rules.allow ?? [] },
      sensitive: rules.sensitive ?? [],
      workerUrl: `${host.server}/assistserver/sdk/web/shared/assist-worker.js`,
      startWorker: host.startWorker,
      onFrame: (frame) => {
        if (!host.sendFrame(frame)) this.lost();
      },
      onUnsupported: (list) => host.unsupported([...this.filmFailed_, ...list]),
      onReceipt: ({ masked, withheld }) => host.receipt(masked, withheld || undefined),
    };
  }

  /** Where the person points: what is said in a call ("this here") has a place. */
  private readonly pointed = (event: PointerEvent): void => {
    this.cursor_ = { x: Math.round(event.clientX), y: Math.round(event.clientY) };
    if (!event.isTrusted || this.cursorTimer_) return;
    this.cursorTimer_ = window.setTimeout(guarded('cursor', () => {
      this.cursorTimer_ = 0;
      if (this.watching_) this.host_.replyNow({ type: 'cursor', ...this.cursor_ });
    }), kCursorEvery);
  };

  /** A box of the page was scrolled with what is drawn on it. */
  private carried(id: string, dx: number, dy: number): void {
    this.carried_.set(id, { id, dx: Math.round(dx), dy: Math.round(dy) });
    this.carriedTimer_ ||= window.setTimeout(guarded('drawings', () => {
      this.carriedTimer_ = 0;
      const { ids } = this.annotations_.layer;
      for (const known of this.carried_.keys()) if (!ids.includes(known)) this.carried_.delete(known);
      this.host_.reply({ type: 'carried', shapes: [...this.carried_.values()].slice(0, kMaxCarried) });
    }), kCursorEvery);
  }

  /** A picture could not be sent. The next ones are of no use without it: after a moment everything is sent anew. */
  private lost(): void {
    if (this.retry_) return;
    this.retry_ = window.setTimeout(guarded('capture', () => {
      this.retry_ = 0;
      this.capture_?.refresh();
    }), kRetry);
  }

  /** What was refused is told to the agent; what was done is told by the actor. */
  private outcome(result: ActResult): void {
    if (!result.ok) this.host_.reply({ type: 'activity', party: this.actingParty_, what: 'refused', target: result.text ?? '' });
  }

  private openForm(party: string, request: string | undefined): void {
    this.readers_.add(party);
    this.host_.reply({ type: 'form', fields: this.actor_.formGet(), request, to: party });
    this.stopForm_ ??= this.actor_.watchForm(guarded('form', (fields) => this.formChanged(fields)));
  }

  /** Nobody reads on once the last one who did has left. */
  private formChanged(fields: FormField[]): void {
    for (const party of this.readers_) if (!this.host_.party(party)) this.readers_.delete(party);
    if (this.readers_.size === 0) return this.closeForm();
    this.host_.reply({ type: 'form', fields });
  }

  private closeForm(): void {
    this.readers_.clear();
    this.stopForm_?.();
    this.stopForm_ = null;
  }
}

export const createSharer: SharerLoader = async (host, early) => {
  if (early) knowAlso(early);
  return new PageSharer(host);
};
