import { ParleyError, reportFault } from '../../common/index';
import type { SharedMessage } from '../protocol';
import { ImageSource } from './image_source';
import { PdfSource } from './pdf_source';
import type { Brings } from './pdf_worker_of';
import { Pen, type PenStroke } from './pen';
import { Pointers, type Who } from './pointers';
import { StrokeLayer } from './strokes';
import { documentStyle } from './style';
import type { DocumentStroke, PagePoint, PageSource, Position, Size } from './types';

export interface DocumentViewOptions {
  /** The view fills it. It gets a shadow root. */
  container: HTMLElement;
  kind: 'document' | 'image';
  src: string;
  name: string;
  /** Address of `/assistserver/sdk/web/shared/pdf/` on the Parley server. */
  assets: string;
  /** How the page brings in what parses PDFs; default: as this script came. */
  brings?: Brings;
  /** The person here moved the document; not called for `goTo`. */
  moved: (position: Position) => void;
  opened: (pages: number) => void;
  failed: (error: ParleyError) => void;
}

interface Sheet {
  element: HTMLElement;
  strokes: StrokeLayer;
  size: Size;
  known: boolean;
  /** Scale of what is drawn; 0: nothing is. */
  drawn: number;
  job: AbortController | null;
}

const kGap = 12;
const kNear = 1;
const kMinZoom = 0.25;
const kMaxZoom = 5;
/** After `goTo` the scroll events that it causes are not the person's. */
const kSettle = 300;

/** A pushed document, for both sides: pages one below the other, drawn as they come into view, with what is drawn on them. */
export class DocumentView {
  private readonly root_: ShadowRoot;
  private readonly scroller_ = document.createElement('div');
  private readonly sheets_: Sheet[] = [];
  private readonly strokes_ = new Map<string, DocumentStroke>();
  private readonly resize_: ResizeObserver;
  private source_: PageSource | null = null;
  private zoom_ = 1;
  private quietUntil_ = 0;
  private closed_ = false;
  private pen_: Pen | null = null;
  private readonly pointers_ = new Pointers();
  private anchor_: Position = { page: 1, scroll: 0, zoom: 1 };

  constructor(private readonly options_: DocumentViewOptions) {
    this.root_ = options_.container.attachShadow({ mode: 'open' });
    documentStyle(this.root_);
    this.scroller_.className = 'scroller';
    this.scroller_.tabIndex = 0;
    this.scroller_.setAttribute('role', 'document');
    this.scroller_.setAttribute('aria-label', options_.name);
    this.scroller_.dataset.state = 'loading';
    this.scroller_.textContent = 'Opening…';
    this.root_.append(this.scroller_);
    this.scroller_.addEventListener('scroll', () => this.scrolled(), { passive: true });
    this.resize_ = new ResizeObserver(() => this.layout());
    this.resize_.observe(this.scroller_);
  }

  get pages(): number {
    return this.source_?.pages ?? 0;
  }
  get position(): Position {
    return { ...this.anchor_ };
  }

  async open(): Promise<void> {
    const { kind, src, assets, brings } = this.options_;
    try {
      const source = kind === 'image' ? await ImageSource.open(src) : await PdfSource.open(src, assets, brings);
      if (this.closed_) return source.close();
      this.source_ = source;
      this.build(source);
      this.options_.opened(source.pages);
    } catch (error) {
      if (this.closed_) return;
      const problem = ParleyError.from(error, 'document.unreadable');
      this.scroller_.dataset.state = 'failed';
      this.scroller_.textContent = problem.message;
      this.options_.failed(problem);
    }
  }

  /** Moves as the other side did. */
  goTo(position: Partial<Position>): void {
    // How many pages there are is not known before it is open.
    const last = this.source_ ? Math.max(1, this.pages) : Infinity;
    const page = Math.min(Math.max(1, Math.round(position.page ?? this.anchor_.page)), last);
    const scroll = Math.min(1, Math.max(0, position.scroll ?? 0));
    this.anchor_ = { page, scroll, zoom: clampZoom(position.zoom ?? this.zoom_) };
    this.zoom_ = this.anchor_.zoom;
    this.layout();
  }

  /** The person's own zooming. */
  zoomBy(factor: number): void {
    this.goTo({ ...this.anchor_, zoom: this.zoom_ * factor });
    this.options_.moved(this.position);
  }

  /** The person's own turning of pages. */
  turn(by: number): void {
    this.goTo({ page: this.anchor_.page + by, scroll: 0, zoom: this.zoom_ });
    this.options_.moved(this.position);
  }

  annotate(message: Extract<SharedMessage, { type: 'draw' | 'erase' }>): void {
    if (message.type === 'draw') {
      const known = this.strokes_.get(message.id);
      // The same id again adds to the shape; of two corners only the last counts.
      const points = known ? [...known.points, ...message.points] : message.points;
      const stroke: DocumentStroke = { ...message, page: known?.page ?? message.page ?? 1, points };
      this.strokes_.set(message.id, stroke);
      this.sheets_[stroke.page! - 1]?.strokes.put(stroke);
      return;
    }
    for (const id of message.all ? [...this.strokes_.keys()] : (message.ids ?? [])) {
      const stroke = this.strokes_.get(id);
      this.strokes_.delete(id);
      if (stroke) this.sheets_[(stroke.page ?? 1) - 1]?.strokes.remove(id);
    }
  }

  /** Gives the person a pen, and takes it away with null. What is drawn comes in pieces: `annotate` shows them. */
  usePen(drawn: ((stroke: PenStroke) => void) | null): void {
    this.pen_?.remove();
    this.pen_ = drawn && new Pen(this.scroller_, (x, y) => this.pointAt(x, y), drawn);
    if (this.pen_) this.root_.append(this.pen_.hand);
  }

  /** Somebody else points at a place of a page, or at none of this document. */
  pointer(who: Who, at: PagePoint | null): void {
    const sheet = at && this.sheets_[at.page - 1];
    this.pointers_.show(who, sheet ? sheet.element : null, sheet ? [at.point[0] / sheet.size.width, at.point[1] / sheet.size.height] : [0, 0]);
  }

  /** Which place of which page lies under a point of the window; null: none. */
  pointAt(clientX: number, clientY: number): PagePoint | null {
    for (const [i, sheet] of this.sheets_.entries()) {
      const box = sheet.element.getBoundingClientRect();
      if (clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom) continue;
      const unit = sheet.size.width / box.width;
      return { page: i + 1, point: [(clientX - box.left) * unit, (clientY - box.top) * unit] };
    }
    return null;
  }

  close(): void {
    this.closed_ = true;
    this.usePen(null);
    this.pointers_.clear();
    this.resize_.disconnect();
    for (const sheet of this.sheets_) sheet.job?.abort();
    this.source_?.close();
    this.root_.replaceChildren();
  }

  private build(source: PageSource): void {
    this.scroller_.replaceChildren();
    this.scroller_.dataset.state = 'open';
    for (let i = 0; i < source.pages; i++) {
      const element = document.createElement('div');
      element.className = 'page';
      element.dataset.page = String(i + 1);
      element.setAttribute('role', 'img');
      element.setAttribute('aria-label', `${this.options_.name}, page ${i + 1} of ${source.pages}`);
      const strokes = new StrokeLayer();
      strokes.resize(source.size);
      element.append(strokes.element);
      this.scroller_.append(element);
      this.sheets_.push({ element, strokes, size: source.size, known: false, drawn: 0, job: null });
    }
    for (const stroke of this.strokes_.values()) this.sheets_[(stroke.page ?? 1) - 1]?.strokes.put(stroke);
    this.goTo(this.anchor_);
  }

  /** Sizes all pages for the zoom and goes to where the document stands. */
  private layout(): void {
    if (!this.source_ || this.closed_) return;
    const width = Math.max(80, this.scroller_.clientWidth - 2 * kGap) * this.zoom_;
    for (const { element, size } of this.sheets_) {
      element.style.setProperty('width', `${width}px`);
      element.style.setProperty('height', `${(width * size.height) / size.width}px`);
    }
    const sheet = this.sheets_[this.anchor_.page - 1];
    if (sheet) {
      this.quietUntil_ = performance.now() + kSettle;
      this.scroller_.scrollTop = sheet.element.offsetTop - kGap + this.anchor_.scroll * sheet.element.offsetHeight;
    }
    this.drawVisible();
  }

  private scrolled(): void {
    if (!this.source_) return;
    const top = this.scroller_.scrollTop + kGap;
    const at = this.sheets_.findIndex(({ element }) => element.offsetTop + element.offsetHeight > top);
    const sheet = this.sheets_[Math.max(0, at)];
    if (!sheet) return;
    this.drawVisible();
    if (performance.now() < this.quietUntil_) return;
    const scroll = Math.min(1, Math.max(0, (top - sheet.element.offsetTop) / sheet.element.offsetHeight));
    this.anchor_ = { page: Math.max(0, at) + 1, scroll, zoom: this.zoom_ };
    this.options_.moved(this.position);
  }

  /** Draws what is in view and next to it; frees what is far away. */
  private drawVisible(): void {
    const { scrollTop, clientHeight } = this.scroller_;
    for (const [i, sheet] of this.sheets_.entries()) {
      const top = sheet.element.offsetTop;
      const margin = clientHeight * kNear;
      const near = top < scrollTop + clientHeight + margin && top + sheet.element.offsetHeight > scrollTop - margin;
      if (near) this.drawSheet(i, sheet);
      else this.dropSheet(sheet);
    }
  }

  private drawSheet(index: number, sheet: Sheet): void {
    const scale = (sheet.element.offsetWidth / sheet.size.width) * Math.min(3, devicePixelRatio || 1);
    if (sheet.job || Math.abs(sheet.drawn - scale) < 0.01) return;
    const job = (sheet.job = new AbortController());
    this.source_!.render(index + 1, scale, job.signal).then(
      ({ canvas, size }) => {
        if (sheet.job !== job) return;
        sheet.job = null;
        sheet.drawn = scale;
        sheet.element.querySelector('canvas')?.remove();
        sheet.element.prepend(canvas);
        sheet.element.dataset.drawn = 'yes';
        this.sized(sheet, size);
        this.drawVisible();
      },
      (error: unknown) => {
        if (sheet.job !== job) return;
        sheet.job = null;
        // Not tried again at this size: what failed once fails again.
        sheet.drawn = scale;
        sheet.element.dataset.drawn = 'failed';
        reportFault('page of a document', error);
      },
    );
  }

  private sized(sheet: Sheet, size: Size): void {
    if (sheet.known) return;
    sheet.known = true;
    if (Math.abs(size.width - sheet.size.width) < 0.5 && Math.abs(size.height - sheet.size.height) < 0.5) return;
    sheet.size = size;
    sheet.strokes.resize(size);
    this.layout();
  }

  private dropSheet(sheet: Sheet): void {
    sheet.job?.abort();
    sheet.job = null;
    if (sheet.drawn === 0) return;
    sheet.drawn = 0;
    sheet.element.querySelector('canvas')?.remove();
    delete sheet.element.dataset.drawn;
  }
}

const clampZoom = (zoom: number): number => Math.min(kMaxZoom, Math.max(kMinZoom, Number.isFinite(zoom) ? zoom : 1));
