import { Emitter } from '../../common/index';
import { scriptOrigin, startWorker } from '../load_part';
import type { Point } from '../protocol';
import { Viewer, type Drawn } from '../viewer';
import type { Cobrowse } from './cobrowse';
import { magnification, toDocument, toViewport, viewport, type Zoom } from './geometry';
import { InkLayer } from './ink_layer';
import { modifiers, RemoteKeyboard } from './keyboard';
import { Pencil } from './pencil';
import { RemoteMouse } from './remote_mouse';
import { stageStyle } from './stage_style';
import { inkOf, isDrawing, type Mode } from './tools';
import { Writing } from './writing';

export interface StageTexts {
  /** What a screen reader says of the picture. */
  picture: (customer: string, title: string) => string;
  /** … of the field that takes the keyboard, … */
  keyboard: string;
  /** … and of the one that a text is written in. */
  writing: string;
}

export interface StageOptions {
  /** The stage fills it, and gives it a shadow root: give it a size, and nothing else in it. */
  container: HTMLElement;
  /** Default `look`. */
  mode?: Mode;
  /** Of what is drawn, `#rrggbb`; empty, as it is by default: the party's own. */
  color?: string;
  zoom?: Zoom;
  texts?: Partial<StageTexts>;
  /** Origin of the Parley server, where the worker that draws comes from; default: where agent.js came from, else the page's own. */
  server?: string;
}

export interface StageEvents {
  /** A picture is shown. */
  drawn: Drawn;
  /** Escape gave the keyboard back. */
  released: void;
}

const kTexts: StageTexts = {
  picture: (customer, title) => `Page of ${customer}${title ? `: ${title}` : ''}`,
  keyboard: 'What you type goes to the customer’s page. Escape gives the keyboard back.',
  writing: 'Text to write on the page',
};

/**
 * The consumer's page as a picture, with what is drawn on it, and the agent's hand and keyboard above it; for any page, without
 * a framework. Its look in the page is that of `container`; `--parley-line` and `--parley-focus` colour its edge.
 */
export class PageStage extends Emitter<StageEvents> {
  /** Drawn by a worker: copy it with `drawImage` to read it. */
  readonly canvas = document.createElement('canvas');
  private readonly texts_: StageTexts;
  private readonly root_: ShadowRoot;
  private readonly room_ = box('room');
  private readonly sheet_ = box('sheet');
  private readonly hand_ = box('hand', 'assist-hand');
  private readonly ink_ = new InkLayer();
  private readonly pencil_: Pencil;
  private readonly mouse_: RemoteMouse;
  private readonly viewer_: Viewer;
  private readonly keyboard_: RemoteKeyboard;
  private readonly stops_: (() => void)[];
  private readonly resized_ = new ResizeObserver(() => this.refresh());
  private readonly writing_: Writing;
  private mode_: Mode;
  private color_: string;
  private zoom_: Zoom;
  /** The finger or button that draws. */
  private pen_: number | null = null;

  constructor(private readonly session_: Cobrowse, options: StageOptions) {
    super();
    this.texts_ = { ...kTexts, ...options.texts };
    this.mode_ = options.mode ?? 'look';
    this.color_ = options.color ?? '';
    this.zoom_ = options.zoom ?? 'fit';
    this.root_ = options.container.attachShadow({ mode: 'open' });
    stageStyle(this.root_);
    this.canvas.className = 'picture';
    this.canvas.dataset.test = 'assist-picture';
    this.canvas.setAttribute('role', 'img');
    this.hand_.tabIndex = -1;
    this.sheet_.append(this.canvas, this.ink_.element, this.hand_);
    this.room_.append(this.sheet_);
    this.root_.append(this.room_);
    this.pencil_ = new Pencil(session_, this.ink_);
    this.writing_ = new Writing(this.sheet_, this.texts_.writing);
    this.mouse_ = new RemoteMouse(session_);
    this.keyboard_ = new RemoteKeyboard(session_, this.texts_.keyboard, () => this.giveBack());
    const script = new URL('/assistserver/sdk/web/shared/viewer-worker.js', options.server ?? (scriptOrigin || location.origin)).href;
    this.viewer_ = new Viewer(this.canvas, { worker: () => startWorker(script) });
    this.stops_ = [...this.hear(), ...this.watch()];
    this.listen();
    this.resized_.observe(this.room_);
    this.refresh();
    // Parts of pictures that came before have nothing here to be drawn on.
    if (session_.sharing) session_.spoiled('new');
  }

  /** What the hand does. Control has to be asked for besides: `session.askControl()`. */
  get mode(): Mode {
    return this.mode_;
  }
  set mode(mode: Mode) {
    if (mode === this.mode_) return;
    if (this.points && mode !== 'point' && mode !== 'control') this.session_.pointerGone();
    this.mode_ = mode;
    this.writing_.close();
    this.endStroke();
    this.mouse_.letGo();
    this.refresh();
    if (mode === 'control' && this.session_.controlling) this.takeKeyboard();
  }

  get color(): string {
    return inkOf(this.session_, this.color_);
  }
  set color(color: string) {
    this.color_ = color;
  }

  /** `fit`: the whole page is seen; 1: as large as the consumer's, to be scrolled. */
  get zoom(): Zoom {
    return this.zoom_;
  }
  set zoom(zoom: Zoom) {
    this.zoom_ = zoom;
    this.refresh();
  }

  /** The keyboard goes to the consumer's page, while the agent has control. A click on the picture does the same. */
  takeKeyboard(): void {
    if (this.keyboard_.element.isConnected) this.keyboard_.element.focus({ preventScroll: true });
  }

  /** For good: the container is empty afterwards, and not to be used for another stage. */
  close(): void {
    for (const stop of this.stops_) stop();
    this.resized_.disconnect();
    this.pencil_.stop();
    this.mouse_.letGo();
    this.viewer_.close();
    this.ink_.only([]);
    this.room_.remove();
    this.removeAllListeners();
  }

  // ---- what the session and the viewer say

  private hear(): (() => void)[] {
    const { session_: session, ink_: ink } = this;
    return [
      session.on('changed', () => this.refresh()),
      session.on('frame', (frame) => this.viewer_.push(frame)),
      session.on('blank', () => {
        this.viewer_.clear();
        this.mouse_.letGo();
        ink.cursor(null);
      }),
      session.on('draw', (stroke) => !stroke.on && ink.draw(stroke)),
      session.on('erase', ({ ids, on }) => !on && ink.erase(ids)),
      session.on('carried', (shapes) => ink.carried(shapes)),
      session.on('cursor', (at) => ink.cursor(at, session.customer)),
      session.on('pointer', (pointer) => ink.pointer(pointer)),
    ];
  }

  private watch(): (() => void)[] {
    return [
      this.viewer_.on('drawn', (drawn) => {
        this.session_.drawn(drawn.frame, drawn, drawn.bytes);
        this.canvas.dataset.frame = String(drawn.frame);
        this.canvas.dataset.lossless = String(drawn.lossless);
        this.emit('drawn', drawn);
      }),
      this.viewer_.on('spoiled', ({ why }) => this.session_.spoiled(why)),
    ];
  }

  /** What is seen follows what is known. */
  private refresh(): void {
    const { session_: session, mode_: mode, sheet_: sheet } = this;
    const { view } = session;
    const size = viewport(view);
    const factor = magnification(view, { w: this.room_.clientWidth, h: this.room_.clientHeight }, this.zoom_);
    this.room_.classList.toggle('full', this.zoom_ === 1);
    sheet.style.width = `${Math.max(1, size.w * factor)}px`;
    sheet.style.height = `${Math.max(1, size.h * factor)}px`;
    sheet.hidden = !session.seeing;
    this.canvas.setAttribute('aria-label', this.texts_.picture(session.customer, session.session?.view.title ?? ''));
    const acts = mode === 'control' && session.controlling;
    this.hand_.className = `hand ${acts ? 'acts' : isDrawing(mode) ? 'draws' : mode}`;
    const keys = this.keyboard_.element;
    if (acts && !keys.isConnected) sheet.append(keys);
    else if (!acts) keys.remove();
    this.ink_.only(session.sharing ? session.others.map(({ party }) => party) : []);
    this.ink_.view(view.scrollX, view.scrollY, size);
  }

  // ---- the hand

  private listen(): void {
    const hand = this.hand_;
    hand.addEventListener('pointerdown', (event) => this.down(event));
    hand.addEventListener('pointermove', (event) => this.moved(event));
    for (const name of ['pointerup', 'pointercancel'] as const) hand.addEventListener(name, (event) => this.up(event));
    hand.addEventListener('pointerleave', () => this.left());
    for (const name of ['click', 'contextmenu'] as const) hand.addEventListener(name, (event) => this.clicked(event));
    hand.addEventListener('auxclick', (event) => event.button === 1 && this.clicked(event));
    hand.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
  }

  private get points(): boolean {
    return this.mode_ === 'point' || this.mode_ === 'control';
  }

  private at(event: MouseEvent): { x: number; y: number } | null {
    return toViewport(this.session_.view, this.hand_.getBoundingClientRect(), event.clientX, event.clientY);
  }
  private onDocument(event: MouseEvent): Point {
    return toDocument(this.session_.view, this.hand_.getBoundingClientRect(), event.clientX, event.clientY);
  }

  private down(event: PointerEvent): void {
    const mode = this.mode_;
    if (mode === 'control') return this.takeHold(event);
    if (event.button !== 0 || !isDrawing(mode)) return;
    event.preventDefault();
    if (mode === 'text') return this.write(event);
    this.hand_.setPointerCapture(event.pointerId);
    this.pen_ = event.pointerId;
    this.pencil_.start(mode, this.color, this.onDocument(event));
  }

  private takeHold(event: PointerEvent): void {
    event.preventDefault(); // The focus stays with the keyboard's field.
    this.takeKeyboard();
    if (event.button !== 0) return;
    this.hand_.setPointerCapture(event.pointerId); // A drag may leave the picture for a moment.
    this.mouse_.down(event, this.at(event));
  }

  private moved(event: PointerEvent): void {
    if (this.pen_ === event.pointerId) {
      // A browser may gather several movements into one event.
      const events = event.getCoalescedEvents?.() ?? [];
      return this.pencil_.moved((events.length > 0 ? events : [event]).map((each) => this.onDocument(each)));
    }
    if (this.points) this.mouse_.moved(event, this.at(event));
  }

  private up(event: PointerEvent): void {
    if (this.pen_ === event.pointerId) this.endStroke();
    this.mouse_.up(event, this.at(event));
  }

  private endStroke(): void {
    this.pen_ = null;
    this.pencil_.end();
  }

  private left(): void {
    if (this.points) this.session_.pointerGone();
  }

  private clicked(event: MouseEvent): void {
    event.preventDefault();
    if (this.mode_ === 'control') this.mouse_.clicked(event, this.at(event), modifiers(event));
  }

  private wheel(event: WheelEvent): void {
    if (this.mode_ !== 'control' || !this.session_.controlling || event.ctrlKey) return;
    event.preventDefault();
    const at = this.at(event);
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? viewport(this.session_.view).h : 1;
    if (at) this.session_.scroll(at.x, at.y, event.deltaX * unit, event.deltaY * unit);
  }

  private giveBack(): void {
    this.hand_.focus();
    this.emit('released', undefined);
  }

  private write(event: PointerEvent): void {
    const edge = this.hand_.getBoundingClientRect();
    const at = this.onDocument(event);
    const { color } = this;
    this.writing_.open(event.clientX - edge.left, event.clientY - edge.top, color, (text) => this.pencil_.write(text, color, at));
  }
}

function box(name: string, test?: string): HTMLDivElement {
  const element = document.createElement('div');
  element.className = name;
  if (test) element.dataset.test = test;
  return element;
}
