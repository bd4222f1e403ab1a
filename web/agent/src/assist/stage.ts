import { InkLayer, magnification, RemoteMouse, toDocument, toViewport, viewport, type Zoom } from '@parley/agents';
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { styleMap } from 'lit/directives/style-map.js';
import type { Modifiers, Point, Stroke, Tool } from '../../../sdk/src/assist/protocol';
import { Viewer } from '../../../sdk/src/assist/viewer';
import { SessionElement } from './session_element';
import { isDrawing, kWidths, type Mode } from './tools';

/** Points of a stroke go out so often; the server takes 50 messages a second. */
const kStrokeMs = 60;
/** The server takes 2,000 points a shape; longer strokes go on as a new one. */
const kMaxPoints = 1_900;

const makeWorker = () => new Worker(new URL('../../../sdk/src/assist/viewer_worker.ts', import.meta.url), { type: 'module' });

const modifiers = (event: MouseEvent | KeyboardEvent): Modifiers => ({ shift: event.shiftKey, ctrl: event.ctrlKey, alt: event.altKey, meta: event.metaKey });

/** Keys that are more than the text they type. */
const kKeys = ['Enter', 'Tab', 'Backspace', 'Delete', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'];

/**
 * The consumer's page as a picture, with what is drawn on it and the agent's hand above it. Events: `release` (the keyboard was
 * given back by Escape).
 */
@customElement('parley-assist-stage')
export class AssistStage extends SessionElement {
  @property() mode: Mode = 'look';
  @property() ink = '#d92d20';
  @property({ attribute: false }) zoom: Zoom = 'fit';
  @state() private room_ = { w: 0, h: 0 };
  @state() private writing_: { at: Point; left: number; top: number } | null = null;
  @query('.hand') private hand_!: HTMLElement;
  @query('.keys') private keys_!: HTMLTextAreaElement;
  private readonly canvas_ = document.createElement('canvas');
  private readonly inkLayer_ = new InkLayer();
  private viewer_: Viewer | null = null;
  private mouse_!: RemoteMouse;
  private stroke_: { id: string; tool: Tool; start: Point; waiting: Point[]; sent: number; pointer: number } | null = null;
  private strokeTimer_ = 0;
  private readonly resized_ = new ResizeObserver(([entry]) => {
    if (entry) this.room_ = { w: entry.contentRect.width, h: entry.contentRect.height };
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.canvas_.className = 'picture';
    this.canvas_.dataset.test = 'assist-picture';
    this.canvas_.setAttribute('role', 'img');
    const { cobrowse } = this;
    this.mouse_ ??= new RemoteMouse(cobrowse);
    // A canvas can be given to a worker once: this element lives as long as its session is shown.
    const viewer = (this.viewer_ ??= new Viewer(this.canvas_, { worker: makeWorker }));
    this.stops_.push(
      cobrowse.on('frame', (frame) => viewer.push(frame)),
      cobrowse.on('blank', () => {
        viewer.clear();
        this.mouse_.letGo();
        this.inkLayer_.cursor(null);
      }),
      cobrowse.on('draw', (stroke) => !stroke.on && this.inkLayer_.draw(stroke)),
      cobrowse.on('erase', ({ ids, on }) => !on && this.inkLayer_.erase(ids)),
      cobrowse.on('carried', (shapes) => this.inkLayer_.carried(shapes)),
      cobrowse.on('cursor', (at) => this.inkLayer_.cursor(at, cobrowse.customer)),
      viewer.on('drawn', (drawn) => {
        cobrowse.drawn(drawn.frame, drawn, drawn.bytes);
        this.canvas_.dataset.frame = String(drawn.frame);
        this.canvas_.dataset.lossless = String(drawn.lossless);
      }),
      viewer.on('spoiled', ({ why }) => cobrowse.spoiled(why)),
    );
    this.resized_.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized_.disconnect();
    clearTimeout(this.strokeTimer_);
    this.viewer_?.close();
  }

  /** Where the picture lies in this element, for what floats above it. */
  get picture(): DOMRect {
    return this.canvas_.getBoundingClientRect();
  }

  takeKeyboard(): void {
    this.keys_?.focus({ preventScroll: true });
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('mode')) {
      this.writing_ = null;
      if (changed.get('mode') === undefined) return;
      this.endStroke();
      this.mouse_.letGo();
    }
  }

  protected override updated(changed: PropertyValues): void {
    const { view } = this.cobrowse;
    this.inkLayer_.view(view.scrollX, view.scrollY, viewport(view));
    if (changed.has('mode') && this.mode === 'control' && this.cobrowse.controlling) this.takeKeyboard();
    if (this.writing_) this.querySelector<HTMLInputElement>('.writing')?.focus();
  }

  // ---- the hand

  private at(event: MouseEvent): { x: number; y: number } | null {
    return toViewport(this.cobrowse.view, this.hand_.getBoundingClientRect(), event.clientX, event.clientY);
  }
  private onDocument(event: MouseEvent): Point {
    return toDocument(this.cobrowse.view, this.hand_.getBoundingClientRect(), event.clientX, event.clientY);
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0 || !isDrawing(this.mode)) {
      if (this.mode === 'control') {
        event.preventDefault(); // The focus stays with the keyboard's field.
        this.takeKeyboard();
        if (event.button === 0) {
          this.hand_.setPointerCapture(event.pointerId); // A drag may leave the picture for a moment.
          this.mouse_.down(event, this.at(event));
        }
      }
      return;
    }
    event.preventDefault();
    const point = this.onDocument(event);
    if (this.mode === 'text') {
      const box = this.hand_.getBoundingClientRect();
      this.writing_ = { at: point, left: event.clientX - box.left, top: event.clientY - box.top };
      return;
    }
    this.hand_.setPointerCapture(event.pointerId);
    this.stroke_ = { id: this.cobrowse.newId(this.mode), tool: this.mode, start: point, waiting: [point], sent: 0, pointer: event.pointerId };
  }

  private moved(event: PointerEvent): void {
    const stroke = this.stroke_;
    if (stroke && stroke.pointer === event.pointerId) {
      // A browser may gather several movements into one event.
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length > 0 ? events : [event]) stroke.waiting.push(this.onDocument(each));
      if (stroke.tool !== 'pen' && stroke.tool !== 'highlighter') this.preview();
      else if (!this.strokeTimer_) this.strokeTimer_ = window.setTimeout(() => this.sendPoints(false), kStrokeMs);
      return;
    }
    if (this.mode !== 'point' && this.mode !== 'control') return;
    this.mouse_.moved(event, this.at(event));
  }

  private up(event: PointerEvent): void {
    if (this.stroke_?.pointer === event.pointerId) this.endStroke();
    this.mouse_.up(event, this.at(event));
  }

  private left(): void {
    if (this.mode === 'point' || this.mode === 'control') this.cobrowse.pointerGone();
  }

  private clicked(event: MouseEvent): void {
    event.preventDefault();
    if (this.mode === 'control') this.mouse_.clicked(event, this.at(event), modifiers(event));
  }

  private wheel(event: WheelEvent): void {
    if (this.mode !== 'control' || !this.cobrowse.controlling || event.ctrlKey) return;
    event.preventDefault();
    const at = this.at(event);
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? viewport(this.cobrowse.view).h : 1;
    if (at) this.cobrowse.scroll(at.x, at.y, event.deltaX * unit, event.deltaY * unit);
  }

  // ---- strokes

  private get stroke(): Omit<Stroke, 'points' | 'done'> | null {
    return this.stroke_ && { id: this.stroke_.id, tool: this.stroke_.tool, color: this.ink, width: kWidths[this.stroke_.tool] };
  }

  /** Of a shape with two corners the others get the finished one only. */
  private preview(): void {
    const { waiting, start } = this.stroke_!;
    this.inkLayer_.draw({ ...this.stroke!, points: [start, waiting[waiting.length - 1]!], done: false });
  }

  private sendPoints(done: boolean): void {
    clearTimeout(this.strokeTimer_);
    this.strokeTimer_ = 0;
    const current = this.stroke_;
    if (!current || (current.waiting.length === 0 && !done)) return;
    const points = current.waiting;
    current.waiting = [];
    current.sent += points.length;
    this.cobrowse.draw({ ...this.stroke!, points, done });
    if (done || current.sent < kMaxPoints) return;
    // It goes on as another one from where it is.
    this.cobrowse.draw({ ...this.stroke!, points: [], done: true });
    Object.assign(current, { id: this.cobrowse.newId(current.tool), waiting: points.slice(-1), sent: 0 });
  }

  private endStroke(): void {
    const current = this.stroke_;
    if (!current) return;
    if (current.tool === 'pen' || current.tool === 'highlighter') {
      this.sendPoints(true);
    } else {
      const end = current.waiting[current.waiting.length - 1]!;
      this.inkLayer_.erase([current.id]);
      // A click without a drag is a slip of the hand; a spotlight has a size of its own.
      const far = Math.abs(end[0] - current.start[0]) + Math.abs(end[1] - current.start[1]) > 6;
      const around: Point[] = [[current.start[0] - 80, current.start[1] - 50], [current.start[0] + 80, current.start[1] + 50]];
      if (far || current.tool === 'spot') this.cobrowse.draw({ ...this.stroke!, points: far ? [current.start, end] : around, done: true });
    }
    this.stroke_ = null;
  }

  private written(event: SubmitEvent | FocusEvent): void {
    event.preventDefault();
    const place = this.writing_;
    const text = this.querySelector<HTMLInputElement>('.writing')?.value.trim() ?? '';
    this.writing_ = null;
    if (place && text) this.cobrowse.draw({ id: this.cobrowse.newId('text'), tool: 'text', color: this.ink, width: kWidths.text, points: [place.at], text, done: true });
  }

  // ---- the keyboard

  private keyDown(event: KeyboardEvent): void {
    if (!this.cobrowse.controlling || event.isComposing) return;
    event.stopPropagation();
    if (event.key === 'Escape' && !event.shiftKey) {
      event.preventDefault();
      this.hand_.focus();
      this.dispatchEvent(new CustomEvent('release'));
      return;
    }
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    // Pasting is text from this side's clipboard; the rest of the commands is the page's.
    if (command && event.key.toLowerCase() === 'v') return;
    if (!kKeys.includes(event.key) && event.key !== 'Escape' && !command) return;
    event.preventDefault();
    this.cobrowse.key(event.key, event.code, { ...modifiers(event), shift: event.key === 'Escape' ? false : event.shiftKey });
  }

  private typed(event: InputEvent): void {
    if (event.isComposing) return;
    const field = this.keys_;
    const text = field.value;
    field.value = '';
    this.cobrowse.type(text);
  }

  // ---- drawing

  override render() {
    const { cobrowse, mode } = this;
    const { view } = cobrowse;
    const size = viewport(view);
    const factor = magnification(view, this.room_, this.zoom);
    const box = { width: `${Math.max(1, size.w * factor)}px`, height: `${Math.max(1, size.h * factor)}px` };
    const title = cobrowse.session?.view.title;
    this.canvas_.setAttribute('aria-label', `Page of ${cobrowse.customer}${title ? `: ${title}` : ''}`);
    const acts = mode === 'control' && cobrowse.controlling;
    return html`<div class="sheet" style=${styleMap(box)} ?hidden=${!cobrowse.seeing}>
      ${this.canvas_}${this.inkLayer_.element}
      <div
        class="hand ${acts ? 'acts' : isDrawing(mode) ? 'draws' : mode}"
        data-test="assist-hand"
        tabindex="-1"
        @pointerdown=${this.down}
        @pointermove=${this.moved}
        @pointerup=${this.up}
        @pointercancel=${this.up}
        @pointerleave=${this.left}
        @click=${this.clicked}
        @contextmenu=${this.clicked}
        @auxclick=${(event: MouseEvent) => event.button === 1 && this.clicked(event)}
        @wheel=${this.wheel}
      ></div>
      ${acts
        ? html`<textarea
            class="keys"
            data-test="assist-keys"
            aria-label="What you type goes to the customer’s page. Escape gives the keyboard back."
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            rows="1"
            @keydown=${this.keyDown}
            @input=${this.typed}
            @compositionend=${this.typed}
          ></textarea>`
        : nothing}
      ${this.writing_
        ? html`<form @submit=${this.written} style=${styleMap({ left: `${this.writing_.left}px`, top: `${this.writing_.top}px` })}>
            <input class="writing" data-test="assist-writing" aria-label="Text to write on the page" maxlength="200" style=${styleMap({ color: this.ink })}
              @blur=${this.written}
              @keydown=${(event: KeyboardEvent) => {
                event.stopPropagation();
                if (event.key === 'Escape') this.writing_ = null;
              }} />
          </form>`
        : nothing}
    </div>`;
  }
}
