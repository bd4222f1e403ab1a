import { ParleyError } from '@parley/sdk';
import { css, html, LitElement } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { icons } from './icons';
import { controls } from './tokens';

interface Toast {
  id: number;
  code: string;
  text: string;
  level: 'info' | 'error';
}

const kMaxToasts = 4;

/** Remarks and errors in words; a live region, so that screen readers speak them. */
@customElement('parley-toasts')
export class Toasts extends LitElement {
  static override styles = [
    controls,
    css`
      :host { position: fixed; z-index: 50; right: 16px; bottom: 16px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 8px; width: min(380px, calc(100vw - 32px)); }
      .toast {
        display: flex; gap: 12px; align-items: flex-start; padding: 12px 8px 12px 16px; border-radius: var(--p-radius);
        background: var(--p-surface); border: 1px solid var(--p-line); border-left: 5px solid var(--p-accent); box-shadow: var(--p-shadow);
        color: var(--p-text); line-height: 1.4;
      }
      .error { border-left-color: var(--p-bad); }
      span { flex: 1; min-width: 0; padding-top: 4px; overflow-wrap: anywhere; }
      button { display: grid; place-items: center; width: 32px; height: 32px; border: 0; border-radius: 50%; background: none; cursor: pointer; }
      button:hover { background: var(--p-sunken); }
      button svg { width: 16px; height: 16px; }
    `,
  ];

  @state() private toasts_: Toast[] = [];
  private next_ = 1;

  show(text: string, options: { code?: string; level?: 'info' | 'error'; seconds?: number } = {}): void {
    const { code = '', level = 'info', seconds = 8 } = options;
    const toast: Toast = { id: this.next_++, code, text, level };
    // The same sentence twice says nothing more.
    this.toasts_ = [...this.toasts_.filter((t) => t.text !== text), toast].slice(-kMaxToasts);
    if (seconds > 0) setTimeout(() => this.dismiss(toast.id), seconds * 1000);
  }

  error(thrown: unknown): void {
    const error = ParleyError.from(thrown);
    this.show(error.message, { code: error.code, level: 'error', seconds: 12 });
  }

  private dismiss(id: number): void {
    this.toasts_ = this.toasts_.filter((toast) => toast.id !== id);
  }

  override render() {
    return html`<div role="status" aria-live="polite">
      ${repeat(
        this.toasts_,
        (toast) => toast.id,
        (toast) => html`<div class="toast ${toast.level}" data-test="toast" data-code=${toast.code}>
          <span>${toast.text}</span>
          <button type="button" aria-label="Dismiss" @click=${() => this.dismiss(toast.id)}>${icons.close}</button>
        </div>`,
      )}
    </div>`;
  }
}
