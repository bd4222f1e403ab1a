import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { controls } from './tokens';

/** A round button of a call's toolbar, with a word below it. `pressed` makes it a toggle. The click event is the native one. */
@customElement('parley-toolbar-button')
export class ToolbarButton extends LitElement {
  static override shadowRootOptions = { ...LitElement.shadowRootOptions, delegatesFocus: true };
  static override styles = [
    controls,
    css`
      :host { display: inline-flex; }
      button {
        display: grid; justify-items: center; gap: 5px; min-width: 56px; padding: 0; border: 0; border-radius: 12px; background: none; color: var(--p-text);
        font-size: 12.5px; line-height: 1; cursor: pointer;
      }
      .disc {
        display: grid; place-items: center; width: 48px; height: 48px; border: 1px solid var(--p-line-strong); border-radius: 24px;
        background: var(--p-surface); transition: background .15s;
      }
      button:hover .disc { background: var(--p-sunken); }
      [aria-pressed='true'] .disc { background: var(--p-text); border-color: var(--p-text); color: var(--p-surface); }
      button[aria-pressed='true']:hover .disc { background: var(--p-soft); }
      [aria-expanded='true'] .disc { background: var(--p-accent-soft); border-color: var(--p-accent); color: var(--p-accent); }
      .danger .disc { width: 60px; background: #b3261e; border-color: #b3261e; color: #fff; }
      .danger:hover .disc { background: #8f1d17; }
      button:disabled { opacity: .45; cursor: default; }
      svg { width: 22px; height: 22px; }
      /* Seven of them side by side on a telephone: the words are left to screen readers and tooltips. */
      @container (max-width: 460px) {
        :host([tight]) button { min-width: 0; }
        :host([tight]) .word { display: none; }
        :host([tight]) .disc { width: 44px; height: 44px; }
      }
      @container (max-width: 350px) { :host([tight]) .disc { width: 38px; height: 38px; } }
    `,
  ];

  @property() label = '';
  /** What stands below it: part of the label. */
  @property() word = '';
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
      <span class="disc">${this.icon}</span><span class="word" aria-hidden="true">${this.word}</span>
    </button>`;
  }
}
