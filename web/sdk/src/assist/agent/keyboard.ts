import type { Modifiers } from '../protocol';
import type { Cobrowse } from './cobrowse';

export const modifiers = (event: MouseEvent | KeyboardEvent): Modifiers => ({ shift: event.shiftKey, ctrl: event.ctrlKey, alt: event.altKey, meta: event.metaKey });

/** Keys that are more than the text they type. */
const kKeys = ['Enter', 'Tab', 'Backspace', 'Delete', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'];

/**
 * A field that nobody sees takes what is typed for the consumer's page: so input methods and pasting work as everywhere. `released`:
 * the keyboard was given back by Escape; Shift and Escape is the page's.
 */
export class RemoteKeyboard {
  readonly element = document.createElement('textarea');

  constructor(
    private readonly session_: Pick<Cobrowse, 'controlling' | 'type' | 'key'>,
    label: string,
    private readonly released_: () => void,
  ) {
    const field = this.element;
    field.className = 'keys';
    field.dataset.test = 'assist-keys';
    field.setAttribute('aria-label', label);
    for (const name of ['autocomplete', 'autocapitalize']) field.setAttribute(name, 'off');
    field.spellcheck = false;
    field.rows = 1;
    field.addEventListener('keydown', (event) => this.down(event));
    field.addEventListener('input', (event) => this.typed(event as InputEvent));
    field.addEventListener('compositionend', (event) => this.typed(event));
  }

  private down(event: KeyboardEvent): void {
    if (!this.session_.controlling || event.isComposing) return;
    event.stopPropagation();
    if (event.key === 'Escape' && !event.shiftKey) {
      event.preventDefault();
      return this.released_();
    }
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    // Pasting is text from this side's clipboard; the rest of the commands is the page's.
    if (command && event.key.toLowerCase() === 'v') return;
    if (!kKeys.includes(event.key) && event.key !== 'Escape' && !command) return;
    event.preventDefault();
    this.session_.key(event.key, event.code, { ...modifiers(event), shift: event.key === 'Escape' ? false : event.shiftKey });
  }

  private typed(event: InputEvent | CompositionEvent): void {
    if ('isComposing' in event && event.isComposing) return;
    const text = this.element.value;
    this.element.value = '';
    this.session_.type(text);
  }
}
