import { ParleyError, reportFault } from '@parley/sdk';
import type { AssistSession, OpenDocument, Push, SharedMessage } from '@parley/assist';
import { html, nothing, render } from 'lit';
import { DocumentInk } from '../../../sdk/src/assist/agent/document_ink';
import type { DocumentView, Position } from '../../../sdk/src/assist/documents/index';
import { icons } from '../icons';
import { assistIcons } from './icons';
import { loadPart, loadScript, startWorker } from '../../../sdk/src/assist/load_part';
import { webHost } from './texts';

const kMaxCards = 4;
/** A position that the other side hears of at most this often. */
const kTellEvery = 120;

type DocumentMessage = Extract<SharedMessage, { type: 'document' }>;

/** What agents pushed: cards for links and videos, and the document that is looked at together. */
export class PushShelf {
  private cards_: Push[] = [];
  private open_: { id: string; name: string; by: string; view: DocumentView | null; pages: number; problem: string; pen: boolean } | null = null;
  private readonly stops_: (() => void)[];
  private tellTimer_ = 0;
  private position_: Position | null = null;
  private focusBefore_: Element | null = null;
  /** What the server said last: a document that it does not know yet is not one that was closed. */
  private known_ = '';
  /** What is drawn on the document, also before it is open here. */
  private readonly ink_ = new DocumentInk();

  constructor(
    private readonly session_: AssistSession,
    private readonly changed_: () => void,
    private readonly root_: HTMLElement,
  ) {
    this.stops_ = [
      session_.on('push', (push) => this.arrived(push)),
      session_.on('document', (message) => this.moved(message)),
      session_.on('annotation', (message) => this.annotated(message)),
      session_.on('pointer', (pointer) => this.pointed(pointer)),
      session_.on('changed', () => this.synchronise()),
      session_.on('ended', () => this.close()),
    ];
    // What the page before had not answered.
    this.cards_ = session_.record.cards.filter((push) => webHost(push.src));
  }

  close(): void {
    for (const stop of this.stops_) stop();
    this.cards_ = [];
    this.closeDocument();
  }

  cards() {
    return html`<div class="cards" data-test="pushes">${this.cards_.map((push) => this.card(push))}</div>`;
  }

  private arrived(push: Push): void {
    if (push.kind === 'document' || push.kind === 'image') {
      void this.openDocument({ id: push.id, kind: push.kind, src: push.src, name: push.name, page: 1, scroll: 0, zoom: 1, pages: 0 }, push.by);
      return;
    }
    // The server has judged the address; a page trusts nobody with its person's clicks.
    if (!webHost(push.src)) {
      this.session_.reply({ type: 'push-result', id: push.id, what: 'failed', text: 'The address is not allowed.' });
      return;
    }
    this.keep([...this.cards_.filter((c) => c.id !== push.id), push].slice(-kMaxCards));
  }

  private dismiss(push: Push, what: 'opened' | 'declined'): void {
    this.session_.reply({ type: 'push-result', id: push.id, what });
    this.keep(this.cards_.filter((c) => c !== push));
  }

  private keep(cards: Push[]): void {
    this.cards_ = this.session_.record.cards = cards;
    this.session_.keep();
    this.changed_();
  }

  private card(push: Push) {
    const video = push.kind === 'video';
    const host = webHost(push.src);
    return html`<div class="card" data-test="push-card" data-kind=${push.kind} data-id=${push.id} role="group" aria-label=${video ? 'A video' : 'A link'}>
      <div class="row">
        ${video ? assistIcons.film : assistIcons.link}
        <div>
          <small>${this.session_.nameOf(push.by)} ${video ? 'shows you a video' : 'shows you a page'}</small>
          <b>${push.name || host}</b>
          <small>${host}</small>
        </div>
      </div>
      <div class="answers">
        <button type="button" class="small" data-test="push-decline" @click=${() => this.dismiss(push, 'declined')}>No, thank you</button>
        <a class="small go" data-test="push-open" href=${push.src} target="_blank" rel="noopener noreferrer" @click=${() => this.dismiss(push, 'opened')}>
          ${video ? 'Watch' : 'Open'} in a new tab
        </a>
      </div>
    </div>`;
  }

  /** After a page change the document that is looked at together is there again. */
  private synchronise(): void {
    const { document } = this.session_.state;
    if (this.open_?.pen && !this.session_.allowed('annotate')) this.togglePen();
    if (document && this.session_.phase === 'open' && document.id !== this.open_?.id) void this.openDocument(document, '');
    else if (!document && this.open_?.view && this.session_.phase === 'open' && this.known_ === this.open_.id) this.closeDocument();
    this.known_ = document?.id ?? '';
  }

  private async openDocument(open: OpenDocument, by: string): Promise<void> {
    const { server } = this.session_;
    const src = parsed(open.src, server);
    // Content comes from the Parley server alone.
    if (src?.origin !== new URL(server).origin) {
      this.session_.reply({ type: 'push-result', id: open.id, what: 'failed', text: 'The address is not allowed.' });
      return;
    }
    this.closeDocument();
    const state = (this.open_ = { id: open.id, name: open.name, by, view: null as DocumentView | null, pages: 0, problem: '', pen: false });
    this.focusBefore_ = document.activeElement;
    this.draw();
    try {
      const View = await loadPart<typeof DocumentView>(server, 'documents.js', 'DocumentView');
      if (this.open_ !== state) return;
      const view = new View({
        container: this.root_.querySelector('.sheet')!, kind: open.kind, src: src.href, name: open.name,
        assets: `${server}/assistserver/sdk/web/shared/pdf/`, brings: { startWorker, loadScript },
        moved: (position) => this.tell(position),
        opened: (pages) => {
          state.pages = pages;
          this.session_.reply({ type: 'document', id: open.id, pages });
          this.session_.reply({ type: 'push-result', id: open.id, what: 'opened' });
          this.draw();
        },
        failed: (error) => this.failed(state, error),
      });
      state.view = view;
      view.goTo(open);
      for (const stroke of this.ink_.of(open.id)) view.annotate({ ...stroke, type: 'draw' });
      await view.open();
    } catch (error) {
      reportFault('document', error);
      this.failed(state, new ParleyError('document.not_loaded', { text: 'The document cannot be shown on this page.', cause: error }));
    }
  }

  private failed(state: NonNullable<PushShelf['open_']>, error: ParleyError): void {
    if (this.open_ !== state) return;
    state.problem = error.message;
    this.session_.reply({ type: 'push-result', id: state.id, what: 'failed', text: error.message });
    this.draw();
  }

  private moved(message: DocumentMessage): void {
    if (message.id !== this.open_?.id) return;
    if (message.closed) return this.closeDocument();
    const { page, scroll, zoom } = message;
    if (page !== undefined || scroll !== undefined || zoom !== undefined) this.open_.view?.goTo({ page, scroll, zoom });
    this.draw();
  }

  private annotated(message: Extract<SharedMessage, { type: 'draw' | 'erase' }>): void {
    if (message.type === 'draw') {
      if (!message.on) return; // On the page.
      this.ink_.draw(message);
    } else {
      this.ink_.erase(message);
    }
    // An erase that names no document is of everything: somebody joined, a hold is over, or all is drawn anew after a break.
    if (!message.on || message.on === this.open_?.id) this.open_?.view?.annotate(message);
  }

  /** An agent points at a place of the document, or somewhere else. */
  private pointed({ party, x, y, gone, on, page = 1 }: { party: string; x: number; y: number; gone: boolean; on?: string; page?: number }): void {
    const known = this.session_.party(party);
    const here = !gone && on === this.open_?.id && this.session_.sharing === 'on';
    if (known) this.open_?.view?.pointer({ party, name: this.session_.nameOf(party), color: known.color }, here ? { page, point: [x, y] } : null);
  }

  /** The newest position, a few times a second. */
  private tell(position: Position): void {
    this.position_ = position;
    this.draw();
    if (this.tellTimer_) return;
    this.tellTimer_ = window.setTimeout(() => {
      this.tellTimer_ = 0;
      if (this.open_ && this.position_) this.session_.replyNow({ type: 'document', id: this.open_.id, ...this.position_ });
    }, kTellEvery);
  }

  /** The person draws on it, too: the others see it as it is drawn. */
  private togglePen(): void {
    const open = this.open_;
    if (!open?.view) return;
    open.pen = !open.pen;
    open.view.usePen(open.pen ? (stroke) => {
      // The end of a line may come after the pen was taken away.
      if (!this.session_.allowed('annotate')) return;
      const message = { type: 'draw' as const, ...stroke, on: open.id };
      this.session_.replyNow(message);
      this.annotated(message);
    } : null);
    this.draw();
  }

  private putAway(): void {
    if (this.open_) this.session_.reply({ type: 'document', id: this.open_.id, closed: true });
    this.closeDocument();
  }

  private closeDocument(): void {
    if (!this.open_) return;
    this.open_.view?.close();
    this.open_ = null;
    window.clearTimeout(this.tellTimer_);
    this.tellTimer_ = 0;
    render(nothing, this.root_);
    if (this.focusBefore_ instanceof HTMLElement) this.focusBefore_.focus({ preventScroll: true });
  }

  private draw(): void {
    const open = this.open_;
    if (!open) return;
    const { view } = open;
    const page = view?.position.page ?? 1;
    const who = open.by ? `${this.session_.nameOf(open.by)} shows you` : 'You look at this together';
    render(
      html`<section class="document" role="region" aria-label=${`Document: ${open.name}`} data-test="document" data-id=${open.id}
        data-pages=${open.pages} data-page=${page} data-state=${open.problem ? 'failed' : open.pages ? 'open' : 'loading'}
        @keydown=${(event: KeyboardEvent) => event.key === 'Escape' && this.putAway()}>
        <div class="document-head">
          <div class="title"><small>${who}</small><b>${open.name}</b></div>
          ${open.pages > 1
            ? html`<button type="button" class="small" data-test="document-back" aria-label="Page before" ?disabled=${page <= 1} @click=${() => view?.turn(-1)}>‹</button>
                <span class="page-of" data-test="document-page">${page} / ${open.pages}</span>
                <button type="button" class="small" data-test="document-next" aria-label="Next page" ?disabled=${page >= open.pages} @click=${() => view?.turn(1)}>›</button>`
            : nothing}
          ${this.session_.allowed('annotate') && open.pages
            ? html`<button type="button" class="small" data-test="document-pen" aria-pressed=${String(open.pen)} @click=${() => this.togglePen()}>Draw</button>`
            : nothing}
          <button type="button" class="small" aria-label="Smaller" data-test="document-smaller" @click=${() => view?.zoomBy(0.8)}>${assistIcons.minus}</button>
          <button type="button" class="small" aria-label="Larger" data-test="document-larger" @click=${() => view?.zoomBy(1.25)}>${assistIcons.plus}</button>
          <button type="button" class="small" aria-label="Close the document" data-test="document-close" @click=${() => this.putAway()}>${icons.close}</button>
        </div>
        <div class="sheet"></div>
      </section>`,
      this.root_,
    );
  }
}

function parsed(src: string, server: string): URL | null {
  try {
    return new URL(src, `${server}/`);
  } catch {
    return null;
  }
}
