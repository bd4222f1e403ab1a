// Where text goes: the caret in fields and in editable content.
import { isEditable, isTextField, realmOf, type TextField } from './dom';
import type { Target } from './targets';

interface Place {
  node: Node;
  offset: number;
}

function placeAt({ element, x, y }: Target): Place | null {
  const document = element.ownerDocument as Document & {
    caretPositionFromPoint?: (x: number, y: number, options?: object) => CaretPosition | null;
    caretRangeFromPoint?: (x: number, y: number) => Range | null;
  };
  const root = element.getRootNode();
  const shadowRoots = root !== document ? [root] : [];
  const position = document.caretPositionFromPoint?.(x, y, { shadowRoots });
  if (position?.offsetNode) return { node: position.offsetNode, offset: position.offset };
  const range = document.caretRangeFromPoint?.(x, y);
  return range ? { node: range.startContainer, offset: range.startOffset } : null;
}

/** After a press in something that takes text: the caret where it was pressed; a word for two clicks, all for three. */
export function placeCaret(target: Target, detail: number): void {
  const { element } = target;
  if (isTextField(element)) {
    const place = placeAt(target);
    const at = place?.node === element ? place.offset : element.value.length;
    if (detail >= 3) select(element, 0, element.value.length);
    else if (detail === 2) select(element, ...wordAround(element.value, at));
    else select(element, at, at);
    return;
  }
  if (!isEditable(element)) return;
  const selection = realmOf(element).getSelection();
  const place = placeAt(target);
  if (!selection || !place || !element.contains(place.node)) return;
  selection.collapse(place.node, place.offset);
  if (detail === 2) {
    selection.modify('move', 'backward', 'word');
    selection.modify('extend', 'forward', 'word');
  } else if (detail >= 3) {
    selection.modify('move', 'backward', 'lineboundary');
    selection.modify('extend', 'forward', 'lineboundary');
  }
}

export function wordAround(text: string, at: number): [number, number] {
  const isWord = (c: string | undefined) => c !== undefined && /[\p{L}\p{N}_]/u.test(c);
  let from = at;
  let to = at;
  while (isWord(text[from - 1])) from--;
  while (isWord(text[to])) to++;
  return [from, to];
}

/** Selects in a field. Some types (email, number) know no selection: they stay as they are. */
export function select(field: TextField, from: number, to: number, direction: 'forward' | 'backward' | 'none' = 'none'): void {
  try {
    field.setSelectionRange(from, to, direction);
  } catch {
    if (from === 0 && to > 0) field.select();
  }
}

/** Selection of a field; null where its type has none. */
export function selectionOf(field: TextField): { from: number; to: number; backward: boolean } | null {
  const { selectionStart, selectionEnd } = field;
  if (selectionStart === null || selectionEnd === null) return null;
  return { from: selectionStart, to: selectionEnd, backward: field.selectionDirection === 'backward' };
}

export type Step = 'left' | 'right' | 'up' | 'down' | 'home' | 'end';

/** Where a caret key goes in the text of a field. `line`: single-line fields go to their ends with up and down. */
export function step(text: string, at: number, key: Step, byWord: boolean): number {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  const lineEnd = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
  switch (key) {
    case 'left':
      return byWord ? wordLeft(text, at) : Math.max(0, at - (isPair(text, at - 2) ? 2 : 1));
    case 'right':
      return byWord ? wordRight(text, at) : Math.min(text.length, at + (isPair(text, at) ? 2 : 1));
    case 'home':
      return byWord ? 0 : lineStart;
    case 'end':
      return byWord ? text.length : lineEnd;
    case 'up': {
      if (lineStart === 0) return 0;
      const previous = text.lastIndexOf('\n', lineStart - 2) + 1;
      return Math.min(previous + (at - lineStart), lineStart - 1);
    }
    case 'down': {
      if (lineEnd === text.length) return text.length;
      const next = text.indexOf('\n', lineEnd + 1);
      return Math.min(lineEnd + 1 + (at - lineStart), next < 0 ? text.length : next);
    }
  }
}

/** A character that JavaScript counts as two. */
const isPair = (text: string, at: number): boolean => at >= 0 && (text.codePointAt(at) ?? 0) > 0xffff;

export function wordLeft(text: string, at: number): number {
  const head = text.slice(0, at).replace(/[^\p{L}\p{N}_]+$/u, '');
  return wordAround(head, head.length)[0];
}

export function wordRight(text: string, at: number): number {
  const skipped = /^[^\p{L}\p{N}_]*/u.exec(text.slice(at))![0].length;
  return wordAround(text, at + skipped)[1];
}
