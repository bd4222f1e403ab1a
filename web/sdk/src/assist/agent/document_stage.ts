import { Emitter } from '../../common/index';
import type { DocumentView, DocumentViewOptions, Position } from '../documents/index';
import { loadPart, loadScript, scriptOrigin, startWorker } from '../load_part';
import type { OpenDocument, Point, Stroke, Tool } from '../protocol';
import type { Cobrowse } from './cobrowse';
import { documentStageStyle } from './stage_style';
import { inkOf, isDrawing, kDocumentWidths, type Mode } from './tools';
import { Writing } from './writing';

export interface DocumentStageOptions {
  /** The stage fills it, and gives it a shadow root. It is empty while no document is open. */
  container: HTMLElement;
  /** Tools that draw do something here, and `point` and `control` point. Default `look`. */
  mode?: Mode;
  color?: string;
  /** Looks, and moves the document for nobody else. */
  readonly?: boolean;
  /** Origin of the Parley server; default: where agent.js came from, else the page's own. */
  server?: string;
  texts?: Partial<DocumentStageTexts>;
}

export interface DocumentStageTexts {
  opening: string;
  writing: string;
  /** A part of the SDK did not load. */
  unloaded: string;
  /** The document is not one of the Parley server. */
  foreign: string;
}

export interface DocumentStageEvents {
  /** Another document, another page, or a `problem`. */
  changed: void;
}

const kMoveMs = 120;
/** Of a line, in units of the page: the server takes no more. */
const kMaxWidth = 64;
const kTexts: DocumentStageTexts = {
  opening: 'Opening…',
  writing: 'Text to write on the document',
  unloaded: 'The document cannot be shown: a part of this page did not load. Reload the page and try again.',
  foreign: 'The document cannot be shown: it is not one of this service.',
};

type ViewClass = new (options: DocumentViewOptions) => DocumentView;

interface Line {
  id: string;
  tool: Tool;
  page: number;
  start: Point;
  last: Point;
  pointer: number;
}

/** The document or picture that customer and agents look at together, whichever is open in the session: where it stands is the same for all. */
export class DocumentStage extends Emitter<DocumentStageEvents> {
  /** Why it cannot be seen; empty: it can. */
  problem = '';
  private readonly texts_: DocumentStageTexts;
  private readonly server_: string;
  private readonly pages_ = document.createElement('div');
  private readonly hand_ = document.createElement('div');
  private readonly writing_: Writing;
  private readonly stops_: (() => void)[];
  private mode_: Mode;
  private color_: string;
  private view_: DocumentView | null = null;
  private shown_ = '';
  private moveTimer_ = 0;
  private waiting_: Position | null = null;
  private line_: Line | null = null;

  constructor(private readonly session_: Cobrowse, private readonly options_: DocumentStageOptions) {
    super();
    this.texts_ = { ...kTexts, ...options_.texts };
    this.server_ = options_.server ?? (scriptOrigin || location.origin);
    this.color_ = options_.color ?? '';
    this.mode_ = options_.mode ?? 'look';
    const root = options_.container.attachShadow({ mode: 'open' });
    documentStageStyle(root);
    this.pages_.className = 'pages';
    this.hand_.className = 'hand draws';
    this.hand_.dataset.test = 'document-hand';
    const paper = document.createElement('div');
    paper.className = 'paper';
    paper.append(this.pages_, this.hand_);
    root.append(paper);
    this.writing_ = new Writing(paper, this.texts_.writing);
    this.listen();
    this.stops_ = [
      session_.on('changed', () => this.refresh()),
      session_.on('document', (message) => message.id === this.shown_ && !message.closed && this.view_?.goTo(message)),
      session_.on('pointer', ({ on, page = 1, x, y, gone, ...who }) => this.view_?.pointer(who, !gone && on === this.shown_ ? { page, point: [x, y] } : null)),
      session_.on('draw', (stroke) => stroke.on === this.shown_ && this.view_?.annotate({ type: 'draw', ...stroke })),
      session_.on('erase', ({ ids, on }) => (!on || on === this.shown_) && this.view_?.annotate({ type: 'erase', ids, all: !ids })),
    ];
    this.refresh();
  }

  /** What is open, and where it stands. */
  get document(): OpenDocument | null {
    return this.session_.phase === 'joined' ? (this.session_.session?.document ?? null) : null;
  }

  get color(): string {
    return inkOf(this.session_, this.color_);
  }
  set color(color: string) {
    this.color_ = color;
  }

  get mode(): Mode {
    return this.mode_;
  }
  set mode(mode: Mode) {
    if (mode === this.mode_) return;
    if (mode !== 'point' && mode !== 'control') this.pointed(null);
    this.mode_ = mode;
    this.writing_.close();
    this.refresh();
  }

  /** Pages on or back, for all. */
  turn(by: number): void {
    if (!this.options_.readonly) this.view_?.turn(by);
  }
  zoomBy(factor: number): void {
    if (!this.options_.readonly) this.view_?.zoomBy(factor);
  }

  /** For good; the document stays open for the others (`session.closeDocument()` closes it for all). */
  close(): void {
    for (const stop of this.stops_) stop();
    this.drop();
    this.hand_.parentElement?.remove();
    this.removeAllListeners();
  }

  private refresh(): void {
    const { document: open } = this;
    if ((open?.id ?? '') !== this.shown_) {
      this.drop();
      if (open) void this.load(open);
    }
    this.hand_.hidden = !open || !isDrawing(this.mode_);
  }

  private drop(): void {
    clearTimeout(this.moveTimer_);
    this.moveTimer_ = 0;
    this.waiting_ = this.line_ = null;
    this.writing_.close();
    this.view_?.close();
    this.view_ = null;
    this.shown_ = '';
    this.pages_.replaceChildren();
  }

  /** The part that shows PDFs is large: it is fetched with the first document. */
  private async load(open: OpenDocument): Promise<void> {
    this.shown_ = open.id;
    this.problem = '';
    // A view gives its container a shadow root, which an element has once.
    const container = document.createElement('div');
    container.textContent = this.texts_.opening;
    this.pages_.replaceChildren(container);
    const src = new URL(open.src, this.server_);
    // Content comes from the server alone.
    if (src.origin !== new URL(this.server_).origin) return this.failed(container, this.texts_.foreign);
    let View: ViewClass;
    try {
      View = await loadPart<ViewClass>(this.server_, 'documents.js', 'DocumentView');
    } catch {
      if (this.shown_ === open.id) this.failed(container, this.texts_.unloaded);
      return;
    }
    if (this.shown_ !== open.id) return;
    container.textContent = '';
    this.show(new View({
      container, kind: open.kind, src: src.href, name: open.name, assets: `${this.server_}/assistserver/sdk/web/shared/pdf/`, brings: { startWorker, loadScript },
      moved: (position) => this.moved(position),
      opened: (pages) => {
        if (!open.pages) open.pages = pages;
        this.view_?.goTo(open);
        this.emit('changed', undefined);
      },
      failed: () => undefined, // Said in the view itself.
    }), open);
  }

  private show(view: DocumentView, open: OpenDocument): void {
    this.view_ = view;
    for (const stroke of this.session_.documentInk.of(open.id)) view.annotate({ type: 'draw', ...stroke });
    void view.open();
    this.emit('changed', undefined);
  }

  private failed(container: HTMLElement, problem: string): void {
    this.problem = problem;
    container.dataset.test = 'document-error';
    container.setAttribute('role', 'alert');
    container.textContent = problem;
    this.emit('changed', undefined);
  }

  /** Where the agent scrolled to, a few times a second. */
  private moved(position: Position): void {
    const { document: open } = this;
    if (!open) return;
    Object.assign(open, position);
    this.waiting_ = position;
    this.emit('changed', undefined);
    if (this.options_.readonly || this.moveTimer_) return;
    this.moveTimer_ = window.setTimeout(() => {
      this.moveTimer_ = 0;
      if (this.waiting_ && this.document) this.session_.moveDocument({ id: this.document.id, ...this.waiting_ });
    }, kMoveMs);
  }

  // ---- drawing on it: points and widths in the page's own units

  private listen(): void {
    const hand = this.hand_;
    // The hand lies over what scrolls.
    hand.addEventListener('wheel', (event) => this.pages_.firstElementChild?.shadowRoot?.querySelector('.scroller')?.scrollBy(event.deltaX, event.deltaY), { passive: true });
    hand.addEventListener('pointerdown', (event) => this.down(event));
    hand.addEventListener('pointermove', (event) => this.dragged(event));
    for (const name of ['pointerup', 'pointercancel'] as const) hand.addEventListener(name, (event) => this.up(event));
    this.pages_.addEventListener('pointermove', (event) => this.pointed(event));
    this.pages_.addEventListener('pointerleave', () => this.pointed(null));
  }

  /** Who points on the page points here, too: at the same place of the document. */
  private pointed(event: PointerEvent | null): void {
    if (this.mode_ !== 'point' && this.mode_ !== 'control') return;
    const at = event && this.view_?.pointAt(event.clientX, event.clientY);
    if (!at) return this.session_.pointerGone();
    const [x, y] = at.point.map((unit) => Math.round(unit * 10) / 10);
    this.session_.pointer(x!, y!, { on: this.shown_, page: at.page });
  }

  private width(tool: Tool): number {
    const edge = this.pages_.getBoundingClientRect();
    const [a, b] = [0, 10].map((dx) => this.view_?.pointAt(edge.left + edge.width / 2 + dx, edge.top + 40));
    const unit = a && b ? Math.abs(b.point[0] - a.point[0]) / 10 : 1;
    return Math.min(kMaxWidth, Math.max(1, Math.round(kDocumentWidths[tool] * unit * 10) / 10));
  }

  private put(line: Pick<Line, 'id' | 'tool' | 'page'>, points: Point[], done: boolean, more: Partial<Stroke> = {}): void {
    const { id, tool, page } = line;
    this.session_.draw({ id, tool, color: this.color, width: this.width(tool), points, done, on: this.shown_, page, ...more });
  }

  private down(event: PointerEvent): void {
    const { mode_: tool } = this;
    if (event.button !== 0 || !isDrawing(tool)) return;
    const at = this.view_?.pointAt(event.clientX, event.clientY);
    if (!at) return;
    event.preventDefault();
    const line = { id: this.session_.newId(tool), tool, page: at.page, start: at.point, last: at.point, pointer: event.pointerId };
    if (tool === 'text') {
      const edge = this.hand_.getBoundingClientRect();
      return this.writing_.open(event.clientX - edge.left, event.clientY - edge.top, this.color, (text) => this.put(line, [at.point], true, { text }));
    }
    this.hand_.setPointerCapture(event.pointerId);
    this.line_ = line;
  }

  private dragged(event: PointerEvent): void {
    const line = this.line_;
    if (line?.pointer !== event.pointerId) return;
    const at = this.view_?.pointAt(event.clientX, event.clientY);
    if (at?.page !== line.page) return;
    if (line.tool === 'pen' || line.tool === 'highlighter') this.put(line, [line.last, at.point], false);
    line.last = at.point;
  }

  private up(event: PointerEvent): void {
    const line = this.line_;
    if (line?.pointer !== event.pointerId) return;
    const free = line.tool === 'pen' || line.tool === 'highlighter';
    this.put(line, free ? [line.last] : [line.start, line.last], true);
    this.line_ = null;
  }
}
