// Small tools over other people's DOM. Elements may belong to a frame, so `instanceof` is of no use (each frame has classes of its
// own), and a form's named fields hide the form's own members (`<input name="submit">`): what matters is taken from prototypes.
import { slotOf } from '../early';

export type Realm = Window & typeof globalThis;
export type TextField = HTMLInputElement | HTMLTextAreaElement;
export type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement | HTMLButtonElement;

const kHtml = 'http://www.w3.org/1999/xhtml';

export function isHtml(element: Element | null | undefined, ...names: string[]): boolean {
  return !!element && element.namespaceURI === kHtml && names.includes(element.localName);
}

export const isInput = (e: Element | null | undefined): e is HTMLInputElement => isHtml(e, 'input');
export const isTextArea = (e: Element | null | undefined): e is HTMLTextAreaElement => isHtml(e, 'textarea');
export const isSelect = (e: Element | null | undefined): e is HTMLSelectElement => isHtml(e, 'select');
export const isFrame = (e: Element | null | undefined): e is HTMLIFrameElement => isHtml(e, 'iframe', 'frame');
export const isControl = (e: Element | null | undefined): e is Control => isHtml(e, 'input', 'textarea', 'select', 'button');

const kNotTyped = ['button', 'submit', 'reset', 'image', 'checkbox', 'radio', 'range', 'color', 'file', 'hidden'];
const kPicked = ['date', 'time', 'datetime-local', 'month', 'week', 'color'];

/** A field that holds text or a number: keys go into it. */
export const isTextField = (e: Element | null | undefined): e is TextField =>
  isTextArea(e) || (isInput(e) && !kNotTyped.includes(e.type) && !kPicked.includes(e.type));
/** An input whose value the browser lets one pick in a window of its own. */
export const isPicked = (e: Element | null | undefined): e is HTMLInputElement => isInput(e) && kPicked.includes(e.type);
export const isToggle = (e: Element | null | undefined): e is HTMLInputElement =>
  isInput(e) && (e.type === 'checkbox' || e.type === 'radio');

export function isEditable(element: Element | null | undefined): boolean {
  return !!element && (element as HTMLElement).isContentEditable === true;
}

export function realmOf(element: Element): Realm {
  return (element.ownerDocument.defaultView ?? window) as Realm;
}

/** Not for all that lies in a disabled fieldset: links there work. */
export const isDisabled = (element: Element): boolean =>
  element.closest('button:disabled, input:disabled, select:disabled, textarea:disabled, option:disabled') !== null;

/** The document in a frame; null when it belongs to somebody else. */
export function frameDocument(frame: HTMLIFrameElement): Document | null {
  try {
    return frame.contentDocument;
  } catch {
    return null;
  }
}

/** Where an element hangs in what is drawn: through slots, shadow roots and frames. */
export function flatParent(element: Element): Element | null {
  const around = slotOf(element) ?? element.parentElement;
  if (around) return around;
  const root = element.getRootNode();
  const host = (root as ShadowRoot).host as Element | undefined;
  if (host) return host;
  try {
    return element.ownerDocument.defaultView?.frameElement ?? null;
  } catch {
    return null; // The frame around belongs to somebody else.
  }
}

export function* ancestors(element: Element | null): Generator<Element> {
  for (let e = element; e; e = flatParent(e)) yield e;
}

/** The element that has the focus, inside shadow roots and frames. */
export function deepActive(document: Document, shadowOf: (e: Element) => ShadowRoot | null): Element | null {
  let active = document.activeElement;
  for (let depth = 0; active && depth < 64; depth++) {
    const inner: Element | null | undefined = isFrame(active)
      ? frameDocument(active)?.activeElement
      : shadowOf(active)?.activeElement;
    if (!inner) break;
    active = inner;
  }
  return active;
}

/** The form that owns a control, where the control has one. */
export function formOf(element: Element): HTMLFormElement | null {
  const form = (element as HTMLInputElement).form;
  return form && isHtml(form, 'form') ? form : null;
}

/** `HTMLFormElement.elements` even where a field is called so. */
export function controlsOf(form: HTMLFormElement): Element[] {
  const get = Object.getOwnPropertyDescriptor(realmOf(form).HTMLFormElement.prototype, 'elements')?.get;
  return [...((get?.call(form) as HTMLFormControlsCollection | undefined) ?? [])];
}

export function requestSubmit(form: HTMLFormElement): void {
  realmOf(form).HTMLFormElement.prototype.requestSubmit.call(form);
}

type Settable = 'value' | 'checked' | 'selected';

/**
 * Sets a property past what frameworks put on the element: React keeps its own copy in an instance property and would not see a
 * change that went through it.
 */
export function setNatively(element: Element, property: Settable, value: string | boolean): void {
  const realm = realmOf(element);
  const owner = { input: realm.HTMLInputElement, textarea: realm.HTMLTextAreaElement, select: realm.HTMLSelectElement, option: realm.HTMLOptionElement }[
    element.localName as 'input'
  ];
  const set = owner && Object.getOwnPropertyDescriptor(owner.prototype, property)?.set;
  if (set) set.call(element, value);
  else (element as unknown as Record<Settable, string | boolean>)[property] = value;
}

export function fire(element: Element, type: 'input' | 'change', inputType = 'insertReplacementText'): void {
  const realm = realmOf(element);
  const shape = { bubbles: true, composed: type === 'input' };
  const typed = type === 'input' && isTextField(element);
  element.dispatchEvent(typed ? new realm.InputEvent('input', { ...shape, inputType }) : new realm.Event(type, shape));
}

/** Drawn, and neither hidden nor inert. */
export function isShown(element: Element): boolean {
  if (element.closest('[inert]')) return false;
  const check = (element as { checkVisibility?: (o: object) => boolean }).checkVisibility;
  if (check) return check.call(element, { visibilityProperty: true, checkVisibilityCSS: true });
  return element.getClientRects().length > 0 && realmOf(element).getComputedStyle(element).visibility === 'visible';
}

export const clip = (text: string, length: number): string => {
  const plain = text.replace(/\s+/g, ' ').trim();
  return plain.length > length ? `${plain.slice(0, length - 1)}…` : plain;
};
