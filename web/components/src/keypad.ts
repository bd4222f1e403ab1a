import { css, html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { controls } from './tokens';

const kKeys: [digit: string, letters: string, test: string][] = [
  ['1', '', '1'], ['2', 'ABC', '2'], ['3', 'DEF', '3'],
  ['4', 'GHI', '4'], ['5', 'JKL', '5'], ['6', 'MNO', '6'],
  ['7', 'PQRS', '7'], ['8', 'TUV', '8'], ['9', 'WXYZ', '9'],
  ['*', '', 'star'], ['0', '+', '0'], ['#', '', 'hash'],
];

/** The keys of a telephone. Event `digit` (detail: the key). Digits on the keyboard work while it has the focus. */
@customElement('parley-keypad')
export class Keypad extends LitElement {
  static override shadowRootOptions = { ...LitElement.shadowRootOptions, delegatesFocus: true };
  static override styles = [
    controls,
    css`
      :host { display: block; }
      .keys { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; }
      button {
        display: grid; place-content: center; min-height: 52px; border: 1px solid var(--p-line); border-radius: var(--p-radius-small);
        background: var(--p-surface); color: var(--p-text); font-size: 20px; font-weight: 600; line-height: 1.1; cursor: pointer;
      }
      button:hover { background: var(--p-sunken); }
      button:active { background: var(--p-accent-soft); }
      small { display: block; min-height: 11px; font-size: 10px; font-weight: 600; letter-spacing: .08em; color: var(--p-soft); }
    `,
  ];

  private press(digit: string): void {
    this.dispatchEvent(new CustomEvent('digit', { detail: digit }));
  }

  private typed(event: KeyboardEvent): void {
    if (!/^[0-9*#]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    this.press(event.key);
  }

  override render() {
    return html`<div class="keys" role="group" aria-label="Keypad" data-test="keypad" @keydown=${this.typed}>
      ${kKeys.map(
        ([digit, letters, test]) => html`<button
          type="button"
          data-test="key-${test}"
          aria-label=${digit === '*' ? 'star' : digit === '#' ? 'hash' : nothing}
          @click=${() => this.press(digit)}
        >
          ${digit} <small>${letters}</small>
        </button>`,
      )}
    </div>`;
  }
}
