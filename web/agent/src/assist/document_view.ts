import { DocumentStage, type Mode } from '@parley/agents';
import { icons } from '@parley/components';
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import { assistIcons } from './icons';
import { SessionElement } from './session_element';

/** A document or picture that consumer and agents look at together: where it stands is the same for all. */
@customElement('parley-document-view')
export class CoDocument extends SessionElement {
  @property() mode: Mode = 'look';
  @property() ink = '';
  @property({ type: Boolean }) readonly = false;
  @query('.paper') private paper_!: HTMLElement | null;
  private stage_: DocumentStage | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.drop();
  }

  private drop(): void {
    this.stage_?.close();
    this.stage_ = null;
  }

  protected override updated(_changed: PropertyValues): void {
    if (!this.paper_) this.drop();
    else if (!this.stage_) {
      this.stage_ = new DocumentStage(this.cobrowse, { container: this.paper_, readonly: this.readonly });
      this.stage_.on('changed', () => this.requestUpdate());
    }
    if (!this.stage_) return;
    this.stage_.mode = this.mode;
    this.stage_.color = this.ink;
  }

  override render() {
    const { document } = this.cobrowse.session ?? {};
    if (!document) return nothing;
    const { name, page, pages, zoom, kind } = document;
    return html`<section class="document" aria-label="Document: ${name}" data-test="document" data-id=${document.id} data-page=${page} data-pages=${pages}>
      <header>
        <span class="icon" aria-hidden="true">${kind === 'image' ? assistIcons.image : assistIcons.document}</span>
        <strong>${name || 'Document'}</strong>
        ${kind === 'document'
          ? html`<span class="pager"><button class="tool" data-test="document-previous" aria-label="Page before" ?disabled=${this.readonly || page <= 1} @click=${() => this.stage_?.turn(-1)}>${assistIcons.previous}</button>
              <span data-test="document-page">${page}${pages ? ` / ${pages}` : ''}</span>
              <button class="tool" data-test="document-next" aria-label="Next page" ?disabled=${this.readonly || (pages > 0 && page >= pages)} @click=${() => this.stage_?.turn(1)}>${assistIcons.next}</button></span>`
          : nothing}
        <span class="pager"><button class="tool" aria-label="Smaller" ?disabled=${this.readonly} @click=${() => this.stage_?.zoomBy(0.8)}>${assistIcons.minus}</button>
          <span>${Math.round(zoom * 100)} %</span>
          <button class="tool" aria-label="Larger" ?disabled=${this.readonly} @click=${() => this.stage_?.zoomBy(1.25)}>${assistIcons.plus}</button></span>
        ${this.readonly ? nothing : html`<button class="button small" data-test="document-close" @click=${() => this.cobrowse.closeDocument()}>${icons.close} Close for both</button>`}
      </header>
      <div class="paper"></div>
    </section>`;
  }
}
