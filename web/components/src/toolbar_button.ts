import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { controls } from './tokens';

/** A round button of a call's toolbar. `pressed` makes it a toggle. The click event is the native one. */
@customElement('parley-toolbar-button')
export class ToolbarButton extends LitElement {
  static override shadowRootOptions = { ...LitElement.shadowRootOptions, delegatesFocus: true };
  static override styles = [
    controls,
    css`
      :host { display: inline-flex; }
      button {
        display: grid; place-items: center; width: 48px; height: 48px; padding: 0; border-radius: 50%; cursor: pointer;
        border: 1px solid var(--p-line-strong); background: var(--p-surface); color: var(--p-text);
        transition: background .15s;
      }
      button:hover { background: var(--p-sunken); }
      button[aria-pressed='true'] { background: var(--p-text); border-color: var(--p-text); color: var(--p-surface); }
      button[aria-expanded='true'] { background: var(--p-accent-soft); border-color: var(--p-accent); color: var(--p-accent); }
      button.danger { width: 64px; border-radius: 999px; background: #b3261e; border-color: #b3261e; color: #fff; }
      button.danger:hover { background: #8f1d17; }
      button:disabled { opacity: .45; cursor: default; }
      button svg { width: 22px; height: 22px; }
    `,
  ];

  @property() label = '';
  @property({ attribute: 'test-id' }) testId = '';
  @property({ attribute: false }) icon: TemplateResult | null = null;
  @property({ attribute: false }) pressed: boolean | null = null;
  @property({ attribute: false }) expanded: boolean | null = null;
  @property({ type: Boolean }) danger = false;
  @property({ type: Boolean }) disabled = false;

  override render() {
    return html`<button
      type="button"
      class=${this.danger ? 'danger' : ''}
      data-test=${this.testId || nothing}
      aria-label=${this.label}
      title=${this.label}
      aria-pressed=${this.pressed === null ? nothing : String(this.pressed)}
      aria-expanded=${this.expanded === null ? nothing : String(this.expanded)}
      ?disabled=${this.disabled}
    >
      ${this.icon}
    </button>`;
  }
}
