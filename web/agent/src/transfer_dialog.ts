import { icons, peerName } from '@parley/components';
import type { Call } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { recentNumbers } from './recent_numbers';

/**
 * Whom to pass a call on to. Events: `blind` and `ask` (detail: the destination). Opened by `open`; while a blind transfer
 * is under way it says how it goes and lets the agent call it off.
 */
@customElement('parley-transfer-dialog')
export class TransferDialog extends LitElement {
  @property({ attribute: false }) call: Call | null = null;
  /** Another call runs already: only the blind transfer is possible. */
  @property({ type: Boolean }) full = false;
  @state() private to_ = '';
  @query('dialog') private dialog_!: HTMLDialogElement;
  @query('input') private field_!: HTMLInputElement;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  open(): void {
    this.to_ = '';
    this.requestUpdate(); // The call is another one, or knows its other side by now.
    this.dialog_.showModal();
    void this.updateComplete.then(() => this.field_.focus());
  }

  close(): void {
    if (this.dialog_?.open) this.dialog_.close();
  }

  private choose(how: 'blind' | 'ask'): void {
    const detail = this.to_.trim();
    if (!detail) return this.field_.focus();
    this.close();
    this.dispatchEvent(new CustomEvent(how, { detail }));
  }

  private submit(event: SubmitEvent): void {
    event.preventDefault();
    this.choose('blind');
  }

  override render() {
    const recent = recentNumbers().slice(0, 4);
    return html`<dialog class="card" aria-labelledby="transfer-title" data-test="transfer-dialog">
      <form @submit=${this.submit}>
        <h2 id="transfer-title">Transfer ${this.call ? peerName(this.call) : ''}</h2>
        <label>To
          <input
            data-test="transfer-to"
            placeholder="Number or name of a colleague"
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
            .value=${this.to_}
            @input=${(e: Event) => (this.to_ = (e.target as HTMLInputElement).value)}
          />
        </label>
        ${recent.length > 0
          ? html`<ul class="recent" aria-label="Called last">
              ${recent.map((n) => html`<li><button type="button" @click=${() => (this.to_ = n)}>${n}</button></li>`)}
            </ul>`
          : nothing}
        <div class="choices">
          <button class="button primary" data-test="transfer-blind" ?disabled=${!this.to_.trim()}>${icons.transfer} Transfer now</button>
          <button type="button" class="button" data-test="transfer-consult" ?disabled=${this.full || !this.to_.trim()} @click=${() => this.choose('ask')}>
            ${icons.phone} Ask first
          </button>
        </div>
        <p class="soft">
          <strong>Transfer now</strong> passes the call on at once. <strong>Ask first</strong> puts the customer on hold while you speak with your colleague.
        </p>
        <button type="button" class="button plain" data-test="transfer-close" @click=${this.close}>Close</button>
      </form>
    </dialog>`;
  }
}
