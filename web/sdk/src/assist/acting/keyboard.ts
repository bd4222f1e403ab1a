// The remote keyboard: the page hears the key; unless it prevents that, the key does what it does in a browser.
import type { Bars } from './barred';
import { select, selectionOf, step, wordLeft, wordRight, type Step } from './caret';
import {
  controlsOf, deepActive, fire, formOf, isDisabled, isEditable, isHtml, isInput, isPicked, isSelect, isTextArea, isTextField, isToggle, realmOf, requestSubmit,
  setNatively, type TextField,
} from './dom';
import { moveFocus, nextStop, radioGroup, tabOrder } from './focus';
import { scrollAt, scrolls } from './scrolling';
import type { Scene } from './targets';
import type { Modifiers, Refusal } from './types';
import { contentOf, edit, type ChangeWatch, type Typed } from './typing';

export interface KeyboardContext {
  scene: Scene;
  bars: Bars;
  changes: ChangeWatch;
  /** Opens our own list or calendar for an element that has one; `not_editable`: it has none. */
  openPicker: (element: HTMLInputElement | HTMLSelectElement) => KeyOutcome;
}

/** Done, or why not. */
export type KeyOutcome = 'done' | Refusal;

const kSteps: Record<string, Step> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down', Home: 'home', End: 'end' };
const kButtons = /^(?:button|submit|reset|image)$/;
const kNamed =
  /^(?:Enter|Tab|Escape|Backspace|Delete|Home|End|PageUp|PageDown|Arrow(?:Left|Right|Up|Down)|F[1-9]|F1[0-2]|Shift|Control|Alt|Meta|Insert|ContextMenu)$/;

export class RemoteKeyboard {
  constructor(private readonly context_: KeyboardContext) {}

  /** The focused element, wherever it is. */
  get active(): Element {
    const { document } = this.context_.scene.root;
    return deepActive(document, this.context_.scene.shadowOf) ?? document.body ?? document.documentElement;
  }

  press(key: string, code = '', mods: Modifiers = {}): KeyOutcome {
    const single = [...key].length === 1;
    if (!single && !kNamed.test(key)) return 'bad_message';
    const element = this.active;
    // Out of a barred field the keys still lead.
    if (this.context_.bars.why(element)) return key === 'Tab' ? this.tab(element, mods.shift === true) : 'barred';
    const command = mods.ctrl === true || mods.meta === true;
    if (command && single && !/^[azy]$/i.test(key)) return 'key_refused';
    if (!this.event(element, 'keydown', key, code, mods)) return this.released(key, code, mods);
    const pressed = (!single && key !== 'Enter') || command || this.event(element, 'keypress', key, code, mods);
    const outcome = pressed ? this.act(element, key, mods, single, command) : 'done';
    this.released(key, code, mods);
    return outcome;
  }

  /** One visible character, as `press` does it. */
  type(text: string): KeyOutcome {
    const element = this.active;
    const refusal = this.refusal(element);
    if (refusal) return refusal;
    if (!this.event(element, 'keydown', text, '', {})) return this.released(text, '', {});
    if (this.event(element, 'keypress', text, '', {})) this.insert(element, text);
    return this.released(text, '', {});
  }

  /** A longer text at once, as if it was pasted. */
  paste(text: string): KeyOutcome {
    const element = this.active;
    const refusal = this.refusal(element);
    if (refusal) return refusal;
    return outcomeOf(this.insert(element, text));
  }

  refusal(element: Element): Refusal | null {
    if (this.context_.bars.why(element)) return 'barred';
    if (isEditable(element)) return null;
    if (!isTextField(element)) return 'not_editable';
    if (isDisabled(element)) return 'disabled';
    return element.readOnly ? 'readonly' : null;
  }

  private released(key: string, code: string, mods: Modifiers): 'done' {
    this.event(this.active, 'keyup', key, code, mods);
    return 'done';
  }

  private event(element: Element, type: string, key: string, code: string, mods: Modifiers): boolean {
    const realm = realmOf(element);
    const keyCode = kKeyCodes[key] ?? (key.length === 1 ? key.toUpperCase().charCodeAt(0) : 0);
    return element.dispatchEvent(
      new realm.KeyboardEvent(type, {
        bubbles: true, cancelable: true, composed: true, view: realm, key, code,
        // Old pages still look at these.
        keyCode: type === 'keypress' ? key.charCodeAt(0) : keyCode, which: type === 'keypress' ? key.charCodeAt(0) : keyCode,
        ctrlKey: mods.ctrl === true, shiftKey: mods.shift === true, altKey: mods.alt === true, metaKey: mods.meta === true,
      } as KeyboardEventInit),
    );
  }

  private insert(element: Element, text: string): Typed {
    if (isTextField(element)) this.context_.changes.note(element);
    return edit(element, 'insertText', isInput(element) ? text.replace(/[\r\n]+/g, ' ') : text);
  }

  private act(element: Element, key: string, mods: Modifiers, single: boolean, command: boolean): KeyOutcome {
    if (command && single) return this.command(element, key.toLowerCase(), mods);
    const spaced = key === ' ' ? this.space(element, mods) : null;
    if (spaced) return spaced;
    if (single) return this.refusal(element) ?? outcomeOf(this.insert(element, key));
    switch (key) {
      case 'Enter':
        return this.enter(element, mods);
      case 'Tab':
        return this.tab(element, mods.shift === true);
      case 'Backspace':
      case 'Delete':
        return this.erase(element, key, mods);
      case 'Escape':
        return this.escape(element);
      case 'PageUp':
      case 'PageDown':
        return this.scroll(element, key === 'PageUp' ? -0.9 : 0.9);
      default:
        return kSteps[key] ? this.arrow(element, kSteps[key], mods) : 'done';
    }
  }

  private command(element: Element, key: string, mods: Modifiers): KeyOutcome {
    const text = isTextField(element);
    if (key === 'a' && text) select(element, 0, element.value.length);
    else if (key === 'a') realmOf(element).getSelection()?.selectAllChildren(isEditable(element) ? element : element.ownerDocument.body);
    if (key === 'a') return 'done';
    const refusal = this.refusal(element);
    if (refusal) return refusal;
    if (text) this.context_.changes.note(element);
    return key === 'y' || mods.shift ? this.goBack(element, 'redo', 'undo') : this.goBack(element, 'undo', 'redo');
  }

  /** Browsers have one history for all fields of a page: what is taken back may be what the person typed where it is barred. */
  private goBack(element: Element, command: 'undo' | 'redo', back: 'undo' | 'redo'): KeyOutcome {
    const realm = realmOf(element), was = contentOf(element);
    let barred = false, went = false;
    const hear = (event: Event): void => {
      // Of a closed component no more is told than that it was something in it.
      const target = event.composedPath()[0] as Element, hidden = this.context_.scene.shadowOf(target) && contentOf(element) === was;
      if (!hidden && !this.context_.bars.why(target)) return;
      barred = true;
      went ||= event.type === 'input';
      // The page hears neither of it nor of its way back.
      event.stopImmediatePropagation();
      event.preventDefault();
    };
    const types = ['beforeinput', 'input'];
    for (const type of types) realm.addEventListener(type, hear, { capture: true });
    try {
      edit(element, command);
      if (went) edit(element, back);
    } finally {
      for (const type of types) realm.removeEventListener(type, hear, { capture: true });
    }
    if (!barred) return 'done';
    if (this.active !== element) moveFocus(element as HTMLElement, this.active);
    return 'barred';
  }

  /** null: the key types a blank. */
  private space(element: Element, mods: Modifiers): KeyOutcome | null {
    if (isTextField(element) || isEditable(element)) return null;
    if (isDisabled(element)) return 'done';
    if (isSelect(element) || isPicked(element)) return this.context_.openPicker(element) === 'masked' ? 'masked' : 'done';
    if (isToggle(element) || isHtml(element, 'button', 'summary') || isInput(element)) (element as HTMLElement).click();
    else this.scroll(element, mods.shift ? -0.9 : 0.9);
    return 'done';
  }

  private enter(element: Element, mods: Modifiers): KeyOutcome {
    if (isTextArea(element) || (isEditable(element) && !isInput(element))) {
      const refusal = this.refusal(element);
      if (refusal) return refusal;
      if (isTextArea(element)) this.context_.changes.note(element);
      if (isTextArea(element)) return outcomeOf(edit(element, 'insertText', '\n'));
      return outcomeOf(edit(element, mods.shift ? 'insertLineBreak' : 'insertParagraph'));
    }
    if (isDisabled(element)) return 'disabled';
    if (isSelect(element)) return this.context_.openPicker(element);
    if (isInput(element) && !kButtons.test(element.type)) return this.submitFrom(element);
    if (isHtml(element, 'a', 'area', 'button', 'summary', 'input')) (element as HTMLElement).click();
    return 'done';
  }

  /** Implicit submission (HTML, 4.10.21.2): by the form's default button, else where a single field asks for text. */
  private submitFrom(field: HTMLInputElement): KeyOutcome {
    const form = formOf(field);
    if (!form) return 'done';
    if (isTextField(field)) this.context_.changes.flush(field);
    if (this.context_.bars.why(form)) return 'barred';
    const controls = controlsOf(form);
    const images = [...form.querySelectorAll('input[type=image]')];
    const button = [...controls, ...images].find((c) => isHtml(c, 'button', 'input') && /^(?:submit|image)$/.test((c as HTMLButtonElement).type));
    if (button) {
      if (this.context_.bars.why(button)) return 'barred';
      if (isDisabled(button)) return 'disabled';
      (button as HTMLElement).click();
      return 'done';
    }
    if (controls.filter((c) => isTextField(c) || isPicked(c)).length <= 1) requestSubmit(form);
    return 'done';
  }

  private tab(element: Element, back: boolean): KeyOutcome {
    const { root, shadowOf } = this.context_.scene;
    const next = nextStop(tabOrder(root.document, shadowOf), element, back);
    if (!next) return 'done';
    moveFocus(next, element);
    next.scrollIntoView({ block: 'nearest' });
    if (isTextField(next) && isInput(next)) next.select();
    return 'done';
  }

  private erase(element: Element, key: 'Backspace' | 'Delete', mods: Modifiers): KeyOutcome {
    const refusal = this.refusal(element);
    if (refusal) return refusal === 'not_editable' ? 'done' : refusal;
    if (isTextField(element)) {
      this.context_.changes.note(element);
      const selection = selectionOf(element);
      if ((mods.ctrl || mods.alt) && selection && selection.from === selection.to) {
        const { value } = element;
        if (key === 'Backspace') select(element, wordLeft(value, selection.from), selection.from);
        else select(element, selection.from, wordRight(value, selection.from));
      }
    }
    return outcomeOf(edit(element, key === 'Backspace' ? 'delete' : 'forwardDelete'));
  }

  private escape(element: Element): KeyOutcome {
    const dialog = element.closest('dialog[open]');
    if (!dialog) return 'done';
    const realm = realmOf(dialog);
    if (dialog.dispatchEvent(new realm.Event('cancel', { cancelable: true }))) (dialog as HTMLDialogElement).close();
    return 'done';
  }

  private arrow(element: Element, key: Step, mods: Modifiers): KeyOutcome {
    if (isTextField(element) && isInput(element) && element.type === 'number' && (key === 'up' || key === 'down')) return this.stepValue(element, key);
    if (isTextField(element)) return this.moveCaret(element, key, mods);
    if (isEditable(element)) return this.modify(element, key, mods);
    if (isSelect(element)) return this.stepSelect(element, key);
    if (isInput(element) && element.type === 'radio') return this.stepRadio(element, key === 'left' || key === 'up' ? -1 : 1);
    if (isInput(element) && element.type === 'range') return this.stepValue(element, key);
    if (key === 'home' || key === 'end') return this.scroll(element, key === 'home' ? -1000 : 1000);
    const by = 40;
    return this.wheel(element, key === 'left' ? -by : key === 'right' ? by : 0, key === 'up' ? -by : key === 'down' ? by : 0);
  }

  private moveCaret(field: TextField, key: Step, mods: Modifiers): KeyOutcome {
    const selection = selectionOf(field);
    if (!selection) return 'done';
    const { from, to, backward } = selection;
    const head = backward ? from : to;
    const anchor = backward ? to : from;
    const collapse = !mods.shift && from !== to && (key === 'left' || key === 'right');
    const at = collapse ? (key === 'left' ? from : to) : step(field.value, head, key, mods.ctrl === true || mods.alt === true);
    if (mods.shift) select(field, Math.min(anchor, at), Math.max(anchor, at), at < anchor ? 'backward' : 'forward');
    else select(field, at, at);
    return 'done';
  }

  private modify(element: Element, key: Step, mods: Modifiers): KeyOutcome {
    const unit = key === 'up' || key === 'down' ? 'line' : key === 'home' || key === 'end' ? 'lineboundary' : mods.ctrl ? 'word' : 'character';
    const direction = key === 'left' || key === 'up' || key === 'home' ? 'backward' : 'forward';
    realmOf(element).getSelection()?.modify(mods.shift ? 'extend' : 'move', direction, unit);
    return 'done';
  }

  private stepValue(field: HTMLInputElement, key: Step): KeyOutcome {
    if (isDisabled(field)) return 'disabled';
    if (field.readOnly) return 'readonly';
    const before = field.value;
    if (key === 'home' || key === 'end') setNatively(field, 'value', (key === 'home' ? field.min : field.max) || before);
    else this.stepBy(field, key === 'up' || key === 'right' ? 1 : -1);
    if (field.value === before) return 'done';
    fire(field, 'input');
    fire(field, 'change');
    return 'done';
  }

  /** By way of a copy: stepUp on the field itself would not go through the setter that frameworks watch. */
  private stepBy(field: HTMLInputElement, by: 1 | -1): void {
    const copy = field.cloneNode() as HTMLInputElement;
    copy.value = field.value;
    try {
      if (by > 0) copy.stepUp();
      else copy.stepDown();
    } catch {
      return; // step="any" has no steps.
    }
    setNatively(field, 'value', copy.value);
  }

  private stepSelect(element: HTMLSelectElement, key: Step): KeyOutcome {
    if (isDisabled(element)) return 'disabled';
    const options = [...element.options];
    const open = options.filter((o) => !o.disabled && !(isHtml(o.parentElement, 'optgroup') && (o.parentElement as HTMLOptGroupElement).disabled));
    const at = open.indexOf(options[element.selectedIndex]!);
    const last = open.length - 1;
    const next = key === 'home' ? 0 : key === 'end' ? last : Math.max(0, Math.min(last, at + (key === 'up' || key === 'left' ? -1 : 1)));
    const option = open[next];
    if (!option || next === at) return 'done';
    setNatively(element, 'value', option.value);
    if (!option.selected) setNatively(option, 'selected', true); // Two options may share a value.
    fire(element, 'input');
    fire(element, 'change');
    return 'done';
  }

  private stepRadio(radio: HTMLInputElement, by: number): KeyOutcome {
    const group = radioGroup(radio).filter((r) => !this.context_.bars.why(r));
    const next = group[(group.indexOf(radio) + by + group.length) % group.length];
    if (next && next !== radio) {
      moveFocus(next, radio);
      next.click();
    }
    return 'done';
  }

  private scroll(element: Element, pages: number): KeyOutcome {
    const realm = realmOf(element);
    return this.wheel(element, 0, pages * realm.innerHeight);
  }

  private wheel(element: Element, dx: number, dy: number): KeyOutcome {
    const realm = realmOf(element);
    const at = element === element.ownerDocument.body && !scrolls(element, false) ? mainScroller(realm.document) : element;
    scrollAt({ element: at, realm, x: realm.innerWidth / 2, y: realm.innerHeight / 2 }, dx, dy, this.context_.bars.why(at) !== null);
    return 'done';
  }
}

/** Where nothing has the focus, keys scroll what lies in the middle of the page. */
function mainScroller(document: Document): Element {
  const { innerWidth, innerHeight } = document.defaultView!;
  return document.elementFromPoint(innerWidth / 2, innerHeight / 2) ?? document.documentElement;
}

function outcomeOf(typed: Typed): KeyOutcome {
  return typed === 'impossible' ? 'not_editable' : 'done';
}

const kKeyCodes: Record<string, number> = {
  Backspace: 8, Tab: 9, Enter: 13, Shift: 16, Control: 17, Alt: 18, Escape: 27, ' ': 32, PageUp: 33, PageDown: 34, End: 35, Home: 36,
  ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Insert: 45, Delete: 46,
};
