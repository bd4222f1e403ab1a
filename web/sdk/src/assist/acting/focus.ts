// Order of the Tab key, through shadow roots, slots and frames.
import { ancestors, frameDocument, isDisabled, isEditable, isFrame, isHtml, isInput, isShown, formOf, realmOf } from './dom';

const kFocusable = 'input, select, textarea, button, a[href], area[href], summary, iframe, audio[controls], video[controls], [tabindex], [contenteditable]';
const kElements = 20_000;

export function isFocusable(element: Element): boolean {
  if (!element.matches(kFocusable) || isDisabled(element)) return false;
  if (isInput(element) && element.type === 'hidden') return false;
  if (element.hasAttribute('contenteditable') && !element.hasAttribute('tabindex') && !isEditable(element)) return false;
  return isShown(element);
}

/** What a press at an element focuses: it or the nearest around it that can be focused. */
export function focusTarget(element: Element): HTMLElement | null {
  for (const each of ancestors(element)) {
    if (each.ownerDocument !== element.ownerDocument) return null;
    if (isHtml(each, 'label')) {
      const control = (each as HTMLLabelElement).control;
      if (control && isFocusable(control)) return control;
    }
    if (isFocusable(each)) return each as HTMLElement;
  }
  return null;
}

export function tabOrder(document: Document, shadowOf: (e: Element) => ShadowRoot | null): HTMLElement[] {
  const found: { element: HTMLElement; index: number }[] = [];
  let budget = kElements;
  const visit = (element: Element): void => {
    if (--budget < 0 || element.hasAttribute('data-parley-overlay')) return;
    const shadow = shadowOf(element);
    if (isFocusable(element) && !isFrame(element) && !shadow?.delegatesFocus && inGroup(element)) {
      const index = (element as HTMLElement).tabIndex;
      if (index >= 0) found.push({ element: element as HTMLElement, index });
    }
    const inner = isFrame(element) ? frameDocument(element)?.documentElement : null;
    if (inner && isShown(element)) visit(inner);
    const slotted = isHtml(element, 'slot') ? (element as HTMLSlotElement).assignedElements() : [];
    for (const child of shadow ? shadow.children : slotted.length > 0 ? slotted : element.children) visit(child);
  };
  visit(modalOf(document) ?? document.documentElement);
  // Positive numbers first, in their order; the sort is stable.
  return found.sort((a, b) => (a.index || Infinity) - (b.index || Infinity) || 0).map((f) => f.element);
}

/** Of a group of radio buttons the Tab key visits the chosen one, or the first. */
function inGroup(element: Element): boolean {
  if (!isInput(element) || element.type !== 'radio' || !element.name) return true;
  const group = radioGroup(element);
  return (group.find((r) => r.checked) ?? group[0]) === element;
}

export function radioGroup(radio: HTMLInputElement): HTMLInputElement[] {
  const root = radio.getRootNode() as ParentNode;
  const all = [...root.querySelectorAll<HTMLInputElement>('input[type=radio]')];
  const form = formOf(radio);
  return all.filter((r) => r.name === radio.name && formOf(r) === form && !isDisabled(r));
}

/** Behind a modal dialog nothing can be focused. */
function modalOf(document: Document): Element | null {
  try {
    return [...document.querySelectorAll('dialog:modal')].pop() ?? null;
  } catch {
    return null;
  }
}

/** The next stop; from the end it starts over. */
export function nextStop(order: HTMLElement[], from: Element | null, back: boolean): HTMLElement | null {
  if (order.length === 0) return null;
  let at = from ? order.indexOf(from as HTMLElement) : -1;
  if (at < 0 && from) {
    // Not a stop itself: the first stop after it in the document.
    const next = order.findIndex((e) => (from.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0);
    at = next < 0 ? order.length - 1 : next - (back ? 0 : 1);
  } else if (at < 0) {
    at = back ? 0 : -1;
  }
  return order[(at + (back ? -1 : 1) + order.length) % order.length] ?? null;
}

/**
 * Gives the focus to an element, or takes it from `from`. In a window that is not in front browsers move the focus but tell nobody;
 * pages judge a field when it is left, so they are told here.
 */
export function moveFocus(to: HTMLElement | null, from: Element | null): void {
  let told = false;
  const note = (): void => void (told = true);
  const watched = [to, from].filter((e): e is HTMLElement => e !== null);
  for (const e of watched) for (const type of ['focus', 'blur']) e.addEventListener(type, note, { capture: true, once: true });
  if (to) to.focus({ preventScroll: true });
  else (from as HTMLElement | null)?.blur?.();
  for (const e of watched) for (const type of ['focus', 'blur']) e.removeEventListener(type, note, { capture: true });
  if (told) return;
  const moved = to ? (to.getRootNode() as Document | ShadowRoot).activeElement === to : true;
  if (!moved || to === from) return;
  if (from?.isConnected && isFocusable(from)) tellFocus(from, to, 'blur', 'focusout');
  if (to) tellFocus(to, from, 'focus', 'focusin');
}

function tellFocus(element: Element, relatedTarget: Element | null, ...types: string[]): void {
  const realm = realmOf(element);
  const related = relatedTarget && realmOf(relatedTarget) === realm ? relatedTarget : null;
  for (const type of types) {
    element.dispatchEvent(new realm.FocusEvent(type, { bubbles: type.startsWith('focus') && type !== 'focus', composed: true, view: realm, relatedTarget: related }));
  }
}
