// Text into fields and editable content, the way a person's keys put it there: the browser's own insertText is trusted, keeps undo
// and maxlength, and tells frameworks by itself.
import { select, selectionOf } from './caret';
import { fire, isEditable, isInput, isTextField, realmOf, setNatively, type TextField } from './dom';

export type Typed = 'done' | 'unchanged' | 'prevented' | 'impossible';

/**
 * Fields that an agent typed into since they got the focus. A browser tells of a change by a person (`change`) when the field is
 * left; for text of ours some do not.
 */
export class ChangeWatch {
  private readonly watched_ = new Map<TextField, { before: string; stop: () => void }>();

  /** Call before the first change. */
  note(field: TextField): void {
    if (this.watched_.has(field)) return;
    const told = (): void => this.forget(field);
    const left = (): void => this.flush(field);
    field.addEventListener('change', told);
    field.addEventListener('blur', left);
    const stop = (): void => {
      field.removeEventListener('change', told);
      field.removeEventListener('blur', left);
    };
    this.watched_.set(field, { before: field.value, stop });
  }

  /** The page hears `change` now, if it is due. */
  flush(field: TextField): void {
    const entry = this.watched_.get(field);
    if (!entry) return;
    this.forget(field);
    if (field.isConnected && field.value !== entry.before) fire(field, 'change');
  }

  stop(): void {
    for (const field of [...this.watched_.keys()]) this.flush(field);
  }

  private forget(field: TextField): void {
    this.watched_.get(field)?.stop();
    this.watched_.delete(field);
  }
}

/** Runs an editing command at the caret of the focused element. */
export function edit(element: Element, command: EditCommand, text = ''): Typed {
  const document = element.ownerDocument;
  let before: Event | null = null;
  const note = (event: Event): void => void (before = event);
  const realm = realmOf(element);
  realm.addEventListener('beforeinput', note, { capture: true });
  const was = contentOf(element);
  let ran = false;
  try {
    ran = document.execCommand(command, false, text);
  } catch {
    // Some browsers refuse the command for some types of field: by hand, below.
  } finally {
    realm.removeEventListener('beforeinput', note, { capture: true });
  }
  if ((before as Event | null)?.defaultPrevented) return 'prevented';
  if (contentOf(element) !== was) return 'done';
  if (ran || before) return 'unchanged';
  return byHand(element, command, text);
}

export type EditCommand = 'insertText' | 'insertLineBreak' | 'insertParagraph' | 'delete' | 'forwardDelete' | 'undo' | 'redo';

const kInputTypes: Partial<Record<EditCommand, string>> = {
  insertText: 'insertText', insertLineBreak: 'insertLineBreak', insertParagraph: 'insertParagraph', delete: 'deleteContentBackward', forwardDelete: 'deleteContentForward',
};

export const contentOf = (element: Element): string => (isTextField(element) ? element.value : (element.textContent ?? ''));

function byHand(element: Element, command: EditCommand, text: string): Typed {
  const inputType = kInputTypes[command];
  if (!inputType) return 'impossible';
  const realm = realmOf(element);
  const data = command === 'insertText' ? text : null;
  const shape = { bubbles: true, composed: true, inputType, data };
  if (!element.dispatchEvent(new realm.InputEvent('beforeinput', { ...shape, cancelable: true }))) return 'prevented';
  if (isTextField(element)) {
    const next = edited(element, command, text);
    if (next.value === element.value) return 'unchanged';
    setNatively(element, 'value', next.value);
    select(element, next.caret, next.caret);
  } else if (isEditable(element)) {
    const selection = realm.getSelection();
    if (!selection || selection.rangeCount === 0 || !element.contains(selection.anchorNode)) return 'impossible';
    if (selection.isCollapsed && command === 'delete') selection.modify('extend', 'backward', 'character');
    if (selection.isCollapsed && command === 'forwardDelete') selection.modify('extend', 'forward', 'character');
    const range = selection.getRangeAt(0);
    range.deleteContents();
    if (inputType.startsWith('insert')) range.insertNode(element.ownerDocument.createTextNode(data ?? '\n'));
    range.collapse(false);
  } else {
    return 'impossible';
  }
  element.dispatchEvent(new realm.InputEvent('input', shape));
  return 'done';
}

/** What a command makes of a field's text; never longer than the field allows. */
function edited(field: TextField, command: EditCommand, text: string): { value: string; caret: number } {
  const { value } = field;
  // A type without selection is edited at its end.
  let { from, to } = selectionOf(field) ?? { from: value.length, to: value.length };
  if (from === to && command === 'delete') from = Math.max(0, from - 1);
  if (from === to && command === 'forwardDelete') to = Math.min(value.length, to + 1);
  let put = command === 'insertText' ? text : command.startsWith('insert') ? '\n' : '';
  if (isInput(field)) put = put.replace(/[\r\n]/g, '');
  const room = field.maxLength >= 0 ? Math.max(0, field.maxLength - (value.length - (to - from))) : Infinity;
  put = put.slice(0, room);
  return { value: value.slice(0, from) + put + value.slice(to), caret: from + put.length };
}

/** The characters of a text as people see them, for keys one by one. */
export function graphemes(text: string): string[] {
  const Segmenter = (Intl as { Segmenter?: new (l: undefined, o: object) => { segment(t: string): Iterable<{ segment: string }> } }).Segmenter;
  if (!Segmenter) return [...text];
  return [...new Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].map((s) => s.segment);
}
