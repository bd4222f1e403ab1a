import { icons } from '@parley/components';
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { DocumentView, Position } from '../../../sdk/src/assist/documents/index';
import type { OpenDocument, Point, Stroke, Tool } from '../../../sdk/src/assist/protocol';
import { assistIcons } from './icons';
import { SessionElement } from './session_element';
import { isDrawing, kWidths, type Mode } from './tools';

const kAssets = '/assistserver/sdk/web/shared/pdf/';
const kMoveMs = 120;

/** A document or picture that consumer and agents look at together: where it stands is the same for all. */
@customElement('parley-document-view')
export class CoDocument extends SessionElement {
  @property() mode: Mode = 'look';
  @property() ink = '';
  @property({ type: Boolean }) readonly = false;
  @state() private problem_ = '';
  @state() private writing_: { page: number; at: Point; left: number; top: number } | null = null;
  @query('.pages') private pages_!: HTMLElement;
  private view_: DocumentView | null = null;
  private shown_ = '';
  private moveTimer_ = 0;
  private waiting_: Position | null = null;
  private stroke_: { id: string; tool: Tool; page: number; start: Point; last: Point; pointer: number } | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    const { cobrowse } = this;
    this.stops_.push(
      cobrowse.on('document', (message) => message.id === this.shown_ && !message.closed && this.view_?.goTo(message)),
      cobrowse.on('draw', (stroke) => stroke.on === this.shown_ && this.view_?.annotate({ type: 'draw', ...stroke })),
      cobrowse.on('erase', ({ ids, on }) => (!on || on === this.shown_) && this.view_?.annotate({ type: 'erase', ids, all: !ids })),
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.close();
  }

  private get document_(): OpenDocument | null {
    return this.cobrowse.session?.document ?? null;
  }

  private close(): void {
    clearTimeout(this.moveTimer_);
    this.view_?.close();
    this.view_ = null;
    this.shown_ = '';
  }

  protected override updated(_changed: PropertyValues): void {
    const document = this.document_;
    if (document && document.id !== this.shown_) this.open(document);
    this.querySelector<HTMLInputElement>('.writing')?.focus();
  }

  private open(document: OpenDocument): void {
    this.close();
    this.shown_ = document.id;
    // A view gives its container a shadow root, which an element has once.
    const container = globalThis.document.createElement('div');
    container.textContent = 'Opening…';
    this.problem_ = '';
    this.pages_.replaceChildren(container);
    void this.load(document, container);
  }

  /** The part that shows PDFs is large: it is fetched with the first document. */
  private async load(document: OpenDocument, container: HTMLElement): Promise<void> {
    let part: typeof import('../../../sdk/src/assist/documents/index');
    try {
      part = await import('../../../sdk/src/assist/documents/index');
    } catch {
      this.problem_ = 'The document cannot be shown: a part of this page did not load. Reload the page and try again.';
      return;
    }
    if (this.shown_ !== document.id || !this.isConnected) return;
    container.textContent = '';
    // Content comes from the server alone.
    if (new URL(document.src, location.href).origin !== location.origin) {
      this.problem_ = 'The document cannot be shown: it is not one of this service.';
      return;
    }
    const { DocumentView } = part;
    const view = new DocumentView({
      container, kind: document.kind, src: document.src, name: document.name, assets: location.origin + kAssets,
      moved: (position) => this.moved(position),
      opened: (pages) => {
        if (!document.pages) document.pages = pages;
        view.goTo(document);
        this.requestUpdate();
      },
      failed: () => undefined, // Said in the view itself.
    });
    this.view_ = view;
    for (const stroke of this.cobrowse.documentInk.of(document.id)) view.annotate({ type: 'draw', ...stroke });
    void view.open();
  }

  /** Where the agent scrolled to, a few times a second. */
  private moved(position: Position): void {
    const document = this.document_;
    if (!document) return;
    Object.assign(document, position);
    this.waiting_ = position;
    this.requestUpdate();
    if (this.readonly || this.moveTimer_) return;
    this.moveTimer_ = window.setTimeout(() => {
      this.moveTimer_ = 0;
      if (this.waiting_ && this.document_) this.cobrowse.moveDocument({ id: this.document_.id, ...this.waiting_ });
    }, kMoveMs);
  }

  // ---- drawing on it: points and widths in the page's own units

  private width(tool: Tool): number {
    const box = this.pages_.getBoundingClientRect();
    const [a, b] = [this.view_?.pointAt(box.left + box.width / 2, box.top + 40), this.view_?.pointAt(box.left + box.width / 2 + 10, box.top + 40)];
    const unit = a && b ? Math.abs(b.point[0] - a.point[0]) / 10 : 1;
    return Math.max(1, Math.round(kWidths[tool] * unit * 10) / 10);
  }

  private put(points: Point[], done: boolean, more: Partial<Stroke> = {}): void {
    const { id, tool, page } = this.stroke_!;
    this.cobrowse.draw({ id, tool, color: this.ink, width: this.width(tool), points, done, on: this.shown_, page, ...more });
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0 || !isDrawing(this.mode)) return;
    const at = this.view_?.pointAt(event.clientX, event.clientY);
    if (!at) return;
    event.preventDefault();
    const hand = event.currentTarget as HTMLElement;
    if (this.mode === 'text') {
      const box = hand.getBoundingClientRect();
      this.writing_ = { page: at.page, at: at.point, left: event.clientX - box.left, top: event.clientY - box.top };
      return;
    }
    hand.setPointerCapture(event.pointerId);
    this.stroke_ = { id: this.cobrowse.newId(this.mode), tool: this.mode, page: at.page, start: at.point, last: at.point, pointer: event.pointerId };
  }

  private drawn(event: PointerEvent): void {
    const stroke = this.stroke_;
    if (stroke?.pointer !== event.pointerId) return;
    const at = this.view_?.pointAt(event.clientX, event.clientY);
    if (at?.page !== stroke.page) return;
    if (stroke.tool === 'pen' || stroke.tool === 'highlighter') this.put([stroke.last, at.point], false);
    stroke.last = at.point;
  }

  /** The hand lies over what scrolls. */
  private wheel(event: WheelEvent): void {
    this.pages_.firstElementChild?.shadowRoot?.querySelector('.scroller')?.scrollBy(event.deltaX, event.deltaY);
  }

  private up(event: PointerEvent): void {
    const stroke = this.stroke_;
    if (stroke?.pointer !== event.pointerId) return;
    const free = stroke.tool === 'pen' || stroke.tool === 'highlighter';
    this.put(free ? [stroke.last] : [stroke.start, stroke.last], true);
    this.stroke_ = null;
  }

  private written(event: Event): void {
    event.preventDefault();
    const place = this.writing_;
    const text = this.querySelector<HTMLInputElement>('.writing')?.value.trim() ?? '';
    this.writing_ = null;
    if (!place || !text) return;
    this.cobrowse.draw({ id: this.cobrowse.newId('text'), tool: 'text', color: this.ink, width: this.width('text'), points: [place.at], text, done: true, on: this.shown_, page: place.page });
  }

  override render() {
    const document = this.document_;
    if (!document) return nothing;
    const { name, page, pages, zoom, kind } = document;
    const draws = isDrawing(this.mode);
    return html`<section class="document" aria-label="Document: ${name}" data-test="document" data-id=${document.id} data-page=${page} data-pages=${pages}>
      <header>
        <span class="icon" aria-hidden="true">${kind === 'image' ? assistIcons.image : assistIcons.document}</span>
        <strong>${name || 'Document'}</strong>
        ${kind === 'document'
          ? html`<span class="pager"><button class="tool" data-test="document-previous" aria-label="Page before" ?disabled=${this.readonly || page <= 1} @click=${() => this.view_?.turn(-1)}>${assistIcons.previous}</button>
              <span data-test="document-page">${page}${pages ? ` / ${pages}` : ''}</span>
              <button class="tool" data-test="document-next" aria-label="Next page" ?disabled=${this.readonly || (pages > 0 && page >= pages)} @click=${() => this.view_?.turn(1)}>${assistIcons.next}</button></span>`
          : nothing}
        <span class="pager"><button class="tool" aria-label="Smaller" ?disabled=${this.readonly} @click=${() => this.view_?.zoomBy(0.8)}>${assistIcons.minus}</button>
          <span>${Math.round(zoom * 100)} %</span>
          <button class="tool" aria-label="Larger" ?disabled=${this.readonly} @click=${() => this.view_?.zoomBy(1.25)}>${assistIcons.plus}</button></span>
        ${this.readonly ? nothing : html`<button class="button small" data-test="document-close" @click=${() => this.cobrowse.closeDocument()}>${icons.close} Close for both</button>`}
      </header>
      <div class="paper">
        <div class="pages"></div>
        ${this.problem_ ? html`<p class="error" role="alert" data-test="document-error">${this.problem_}</p>` : nothing}
        ${draws ? html`<div class="hand draws" data-test="document-hand" @wheel=${{ handleEvent: (event: WheelEvent) => this.wheel(event), passive: true }} @pointerdown=${this.down} @pointermove=${this.drawn} @pointerup=${this.up} @pointercancel=${this.up}></div>` : nothing}
        ${this.writing_
          ? html`<form @submit=${this.written} style="left: ${this.writing_.left}px; top: ${this.writing_.top}px">
              <input class="writing" aria-label="Text to write on the document" maxlength="200" style="color: ${this.ink}" @blur=${this.written} @keydown=${(event: KeyboardEvent) => event.key === 'Escape' && (this.writing_ = null)} />
            </form>`
          : nothing}
      </div>
    </section>`;
  }
}
