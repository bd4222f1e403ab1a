// The form editor's view of the page: the fields that are drawn, named as a person would name them, and filling them in.
import { kFrames } from '../capture/unseen';
import { rootOf, slotOf } from '../early';
import { isDotted } from '../private_fields';
import { sensitiveRule, type Bars } from './barred';
import {
  clip, fire, flatParent, frameDocument, isControl, isDisabled, isEditable, isFrame, isHtml, isInput, isSelect, isShown, isTextArea, isTextField, isToggle, realmOf, setNatively,
  type Control,
} from './dom';
import { moveFocus, radioGroup } from './focus';
import { boxInRoot, type Scene } from './targets';
import { kLimits, kRefusals, type FormField, type FormResult, type FormSetInput, type Refusal } from './types';

export interface FieldContext {
  scene: Scene;
  bars: Bars;
  isMasked: (element: Element) => boolean;
}

const kNoFields = ['hidden', 'button', 'submit', 'reset', 'image'];
const kElements = 20_000;

export class Fields {
  private readonly ids_ = new WeakMap<Element, string>();
  private readonly byId_ = new Map<string, WeakRef<Control>>();
  /** The page's own: an id of the page before is no field of this one, whoever asks. */
  private readonly page_ = Math.random().toString(36).slice(2, 8);
  private next_ = 1;

  constructor(private readonly context_: FieldContext) {}

  /** All fields that can be seen, in the order of the page. */
  list(): FormField[] {
    return this.controls().map((control) => this.describe(control));
  }

  set(input: FormSetInput): FormResult & { target: string } {
    const control = this.byId_.get(input.id)?.deref();
    if (!control?.isConnected) return { ...this.result(input.id, null, 'unknown_field'), target: '' };
    const target = nameOf(control, this.context_.isMasked);
    const masked = this.masked(control);
    const refusal = this.refusal(control) ?? unseen(control, masked, this.put(control, input));
    return { ...this.result(input.id, control, refusal), target };
  }

  /** Never the browser's own words for a masked field: they quote what was typed. */
  private result(id: string, control: Control | null, reason: Refusal | null): FormResult {
    const masked = control !== null && this.masked(control);
    const valid = !control || isValid(control, masked);
    const quoted = control && !valid ? control.validationMessage : '';
    const message = reason ? kRefusals[reason] : masked && !valid ? 'The page finds this value not valid.' : quoted;
    return { id, ok: reason === null, valid, message, ...(reason ? { reason } : {}) };
  }

  private masked(control: Element): boolean {
    return sensitiveRule(control) !== null || this.context_.isMasked(control);
  }

  private refusal(control: Control): Refusal | null {
    if (this.context_.bars.why(control)) return 'barred';
    if (isDisabled(control)) return 'disabled';
    if ((isInput(control) || isTextArea(control)) && control.readOnly) return 'readonly';
    return null;
  }

  private put(control: Control, input: FormSetInput): Refusal | null {
    if (isSelect(control)) {
      const wanted = input.selected ?? (input.value === undefined ? undefined : [input.value]);
      const offered = this.masked(control) ? [...control.options].map((o) => ({ value: o.value, words: o.label || o.text })) : [];
      // Who does not see what is chosen in a list of several takes nothing away by choosing.
      const checked = input.checked ?? (this.masked(control) && wanted && wanted.length > 0 ? true : undefined);
      return putSelect(control, wanted?.map((words) => valueOf(offered, words)), checked);
    }
    if (isInput(control) && control.type === 'radio') return this.putRadio(control, input.value ?? input.selected?.[0]);
    if (isToggle(control)) return putCheckbox(control, input.checked);
    if (!isInput(control) && !isTextArea(control)) return 'not_editable';
    return typeof input.value === 'string' ? putText(control, input.value) : 'bad_message';
  }

  private putRadio(first: HTMLInputElement, value: string | undefined): Refusal | null {
    if (value === undefined) return 'bad_message';
    const group = radioGroup(first);
    const said = plain(value);
    const radio = (this.masked(first) && group.find((r) => spokenNames(r).some((words) => plain(words) === said))) || group.find((r) => r.value === value);
    // A hidden choice among others that are seen: that those are not chosen any more would tell that there is one.
    if (!radio || (this.masked(radio) && !this.masked(first))) return 'bad_value';
    if (this.context_.bars.why(radio)) return 'barred';
    // Frameworks listen for the click of a choice, not for its change.
    if (!radio.checked) radio.click();
    return radio.checked ? null : 'page_refused';
  }

  private controls(): Control[] {
    const found: Control[] = [];
    let budget = kElements;
    const visit = (root: ParentNode): void => {
      for (const element of root.querySelectorAll('*')) {
        if (--budget < 0 || found.length >= kLimits.fields) return;
        if (element.hasAttribute('data-parley-overlay')) continue;
        const shadow = this.context_.scene.shadowOf(element);
        if (shadow) visit(shadow);
        else if (isFrame(element)) visitFrame(element);
        else if (isField(element) && isShown(element) && firstOfGroup(element)) found.push(element);
      }
    };
    const visitFrame = (frame: HTMLIFrameElement): void => {
      const inner = frameDocument(frame);
      if (inner && isShown(frame)) visit(inner);
    };
    visit(this.context_.scene.root.document);
    return found;
  }

  private id(control: Element): string {
    let id = this.ids_.get(control);
    if (!id) {
      id = `f${this.next_++}-${this.page_}`;
      this.ids_.set(control, id);
      this.byId_.set(id, new WeakRef(control as Control));
      if (this.byId_.size > 4 * kLimits.fields) this.forgetGone();
    }
    return id;
  }

  private forgetGone(): void {
    for (const [id, ref] of this.byId_) if (!ref.deref()?.isConnected) this.byId_.delete(id);
  }

  private describe(control: Control): FormField {
    const masked = this.masked(control);
    const barred = this.context_.bars.why(control) !== null;
    const valid = isValid(control, masked);
    const field: FormField = {
      id: this.id(control), label: nameOf(control, this.context_.isMasked), type: typeOf(control), masked, ...boxInRoot(control),
      required: isRequired(control), readonly: (isInput(control) || isTextArea(control)) && control.readOnly, valid,
      message: masked || valid ? undefined : clip(control.validationMessage, kLimits.label),
      barred, disabled: isDisabled(control), group: groupOf(control, this.context_.isMasked), ...limitsOf(control, masked),
    };
    // Choices may be as telling as the choice: a list of accounts.
    if (masked) return isSelect(control) ? { ...field, multiple: control.multiple } : field;
    if (isSelect(control)) return { ...field, multiple: control.multiple, options: optionsOf(control) };
    if (isInput(control) && control.type === 'radio') return { ...field, options: choicesOf(control, this.context_.isMasked) };
    if (isToggle(control)) return { ...field, checked: control.checked };
    return { ...field, value: control.value.slice(0, kLimits.value) };
  }
}

function isField(element: Element): element is Control {
  if (!isControl(element) || isHtml(element, 'button')) return false;
  return !isInput(element) || !kNoFields.includes(element.type);
}

const firstOfGroup = (control: Control): boolean =>
  !isInput(control) || control.type !== 'radio' || !control.name || isDisabled(control) || radioGroup(control).find(isShown) === control;

function typeOf(control: Control): string {
  if (isHtml(control, 'select', 'button')) return control.localName;
  return isTextArea(control) ? 'textarea' : control.type;
}

const plain = (words: string): string => words.replace(/\s+/g, ' ').trim().toLowerCase();

/** What stands beside a choice, and what a screen reader says; for comparing alone: they may be masked. */
function spokenNames(radio: HTMLInputElement): string[] {
  const open = () => false;
  const labels = [...(radio.labels ?? [])].map((label) => textOf(label, open)).join(' ');
  return [labels, byIds(radio.getAttribute('aria-labelledby'), radio, open), radio.getAttribute('aria-label') ?? '', radio.title].filter((words) => words.trim() !== '');
}

/** Who does not see what a masked field offers knows a choice by the words that the person reads out; values may be like other choices' words. */
function valueOf(offered: { value: string; words: string }[], said: string): string {
  return (offered.find(({ words }) => plain(words) === plain(said)) ?? offered.find(({ value }) => value === said))?.value ?? said;
}

/** Chosen from what is there. */
const isChoice = (control: Control): boolean => isSelect(control) || isToggle(control) || (isInput(control) && (control.type === 'range' || control.hasAttribute('list')));

/** Without `checkValidity`, which would tell the page. Of a hidden choice it would tell whether, and what, is chosen. */
const isValid = (control: Control, masked: boolean): boolean => (masked && isChoice(control)) || control.validity?.valid !== false;

/** What a masked field offers and holds is not to be found out by trying: that it did not take a value is not told. */
function unseen(control: Control, masked: boolean, refusal: Refusal | null): Refusal | null {
  const telling = refusal === 'page_refused' || (isChoice(control) && refusal !== 'bad_message' && refusal !== 'too_long');
  return masked && telling ? null : refusal;
}

const isRequired = (control: Control): boolean =>
  (control as HTMLInputElement).required === true || control.getAttribute('aria-required') === 'true';

function limitsOf(control: Control, masked: boolean): Partial<FormField> {
  if (!isInput(control) && !isTextArea(control)) return {};
  const maxLength = control.maxLength >= 0 ? control.maxLength : undefined;
  if (masked) return { maxLength };
  const text = (name: string) => control.getAttribute(name) || undefined;
  return { hint: clip(control.placeholder ?? '', kLimits.label) || undefined, maxLength, min: text('min'), max: text('max'), step: text('step') };
}

function groupOf(control: Control, masked: Masked): string | undefined {
  const legend = control.closest('fieldset')?.querySelector('legend');
  return (legend && clip(textOf(legend, masked), kLimits.label)) || undefined;
}

function optionsOf(select: HTMLSelectElement): FormField['options'] {
  return [...select.options].slice(0, kLimits.options).map((o) => ({
    value: o.value, label: clip(o.label || o.text, kLimits.label), selected: o.selected,
    disabled: o.disabled || (isHtml(o.parentElement, 'optgroup') && (o.parentElement as HTMLOptGroupElement).disabled),
  }));
}

function choicesOf(first: HTMLInputElement, masked: Masked): FormField['options'] {
  return radioGroup(first)
    .filter((r) => !masked(r))
    .slice(0, kLimits.options)
    .map((r) => ({ value: r.value, label: ownLabel(r, masked) || r.value, selected: r.checked, disabled: false }));
}

function putText(field: HTMLInputElement | HTMLTextAreaElement, value: string): Refusal | null {
  if (value.length > kLimits.value) return 'too_long';
  if (field.maxLength >= 0 && value.length > field.maxLength) return 'too_long';
  if (isInput(field) && !takes(field, value)) return 'bad_value';
  const before = field.value;
  const { activeElement } = field.ownerDocument;
  // Many pages judge a field when it is left: it gets the focus and gives it back.
  if (activeElement !== field) moveFocus(field, activeElement);
  setNatively(field, 'value', value);
  fire(field, 'input');
  fire(field, 'change');
  if (activeElement !== field) {
    const back = activeElement && activeElement !== field.ownerDocument.body ? (activeElement as HTMLElement) : null;
    moveFocus(back, field);
  }
  return field.value === before && value !== before ? 'page_refused' : null;
}

/** A browser silently empties a date or number that is none, and bends a colour or a slider: asked of a copy first. */
function takes(field: HTMLInputElement, value: string): boolean {
  if (isTextField(field) && field.type !== 'number') return true;
  const copy = field.ownerDocument.createElement('input');
  copy.type = field.type;
  for (const name of ['min', 'max', 'step']) {
    const limit = field.getAttribute(name);
    // A number out of bounds is the page's native validation's to judge; a slider cannot stand there.
    if (limit !== null && field.type === 'range') copy.setAttribute(name, limit);
  }
  copy.value = value;
  return field.type === 'color' ? copy.value === value.toLowerCase() : copy.value === value || Number(copy.value) === Number(value || NaN);
}

function putCheckbox(box: HTMLInputElement, checked: boolean | undefined): Refusal | null {
  if (typeof checked !== 'boolean') return 'bad_message';
  if (box.checked !== checked) box.click();
  return box.checked === checked ? null : 'page_refused';
}

/** Chooses by values; every one must be there and be open to choice. `checked`: of several these alone are chosen, or not any more; else all the others are not. */
export function putSelect(select: HTMLSelectElement, values: readonly string[] | undefined, checked?: boolean): Refusal | null {
  if (!values || (!select.multiple && (values.length !== 1 || checked === false))) return 'bad_message';
  const open = [...select.options].filter((o) => !isDisabled(o) && !(isHtml(o.parentElement, 'optgroup') && (o.parentElement as HTMLOptGroupElement).disabled));
  if (values.some((v) => !open.some((o) => o.value === v))) return 'bad_value';
  if (select.multiple) for (const option of select.options) setNatively(option, 'selected', values.includes(option.value) ? checked !== false : checked !== undefined && option.selected);
  else setNatively(select, 'value', values[0]!);
  fire(select, 'input');
  fire(select, 'change');
  return !select.multiple && select.value !== values[0] ? 'page_refused' : null;
}

type Masked = (element: Element) => boolean;
/** Their text is what somebody put there. */
const kHolding = /^(?:textbox|searchbox|combobox|spinbutton|slider)$/;

/** What a person calls an element: label, aria, placeholder, title, text, name. Never the value, and nothing of what is masked. */
export function nameOf(element: Element, masked: Masked): string {
  if (isInput(element) && element.type === 'radio') {
    const group = groupOf(element, masked) ?? byIds(element.closest('[role=radiogroup]')?.getAttribute('aria-labelledby') ?? null, element, masked);
    if (group) return group;
  }
  return ownLabel(element, masked);
}

function ownLabel(element: Element, masked: Masked): string {
  const control = isControl(element) ? element : null;
  const hidden = masked(element);
  // Where nothing of it is seen, nothing of it is said.
  if (hidden && !control) return '';
  const said = hidden ? clip(element.getAttribute('data-parley-label') ?? '', kLimits.label) : '';
  if (said) return said;
  // What is around it was marked: its own names may quote what stands there. A field that was marked itself is known by them.
  const parent = flatParent(element);
  if (control && hidden && parent && masked(parent)) return typeOf(control);
  const labels = control?.labels ? [...control.labels].map((label) => textOf(label, masked)).join(' ') : '';
  const button = isHtml(element, 'button', 'a', 'summary', 'label', 'option', 'li', 'th', 'td', 'h1', 'h2', 'h3') || element.hasAttribute('role');
  const holds = isTextArea(element) || isSelect(element) || isEditable(element) || kHolding.test(element.getAttribute('role') ?? '');
  const text = button && !holds && !hidden ? textOf(element, masked) : '';
  const pressed = isInput(element) && /^(?:button|submit|reset)$/.test(element.type) && !hidden ? element.value : '';
  const attribute = (name: string) => element.getAttribute(name) ?? '';
  const seen = hidden ? [] : [text, pressed, attribute('alt'), attribute('placeholder'), attribute('title')];
  const candidates = [byIds(element.getAttribute('aria-labelledby'), element, masked), attribute('aria-label'), labels, ...seen, kFrames.test(element.localName) ? '' : attribute('name'), attribute('id')];
  return clip(candidates.find((c) => c.trim()) ?? element.localName, kLimits.label);
}

function byIds(ids: string | null, from: Element, masked: Masked): string {
  if (!ids) return '';
  const root = from.getRootNode() as Document | ShadowRoot;
  const named = ids.split(/\s+/).slice(0, 8).map((id) => root.getElementById?.(id) ?? null);
  return named.map((element) => (element ? textOf(element, masked) : '')).join(' ');
}

/** The text of an element without that of fields and of masked parts in it. Nothing is cloned: a copy would run the page's own elements. */
function textOf(element: Element, masked: Masked): string {
  if (masked(element) || isEditable(element) || isDotted(realmOf(element).getComputedStyle(element))) return '';
  const root = rootOf(element);
  let text = '';
  for (const node of element.childNodes) {
    if (text.length > 4 * kLimits.label) break;
    // Of a component's children only what a slot shows is seen; what it shows may be masked there.
    const slot = root && slotOf(node as Element);
    if (root && (!slot || masked(slot))) continue;
    if (node.nodeType === Node.TEXT_NODE) text += node.textContent;
    else if (node.nodeType === Node.ELEMENT_NODE && !isHtml(node as Element, 'select', 'textarea', 'script', 'style')) text += textOf(node as Element, masked);
  }
  return text;
}
