// What must not leave the device: decided for each element before anything of it is read.
import { asksForCard, asksForPassword, isPassword, namesOf, passwords } from '../private_fields';
import { fieldOf } from '../acting/picker_of';
import { slotOf } from '../early';
import { attributeOf, closest, matches } from './element';
import { kFrames } from './unseen';

export interface MaskOptions {
  /** CSS selectors of the site and of the administration. */
  selectors?: readonly string[];
  /** Names of attributes: an element that has one is masked. */
  attributes?: readonly string[];
  /** Everything that somebody can type or choose is masked, unless allowed. */
  denyByDefault?: boolean;
  /** With denyByDefault: what may be shown. Passwords and cards never. */
  allow?: readonly string[];
}

export interface Masked {
  label: string;
  rule: string;
  count: number;
}

export const kMaskAttributes = ['data-parley-mask'];
export const kAllow = '[data-parley-allow]';
const kPassword = 'input[type="password" i]';
const kCard =
  'input[autocomplete*="cc-" i],select[autocomplete*="cc-" i],input[autocomplete~="current-password" i],input[autocomplete~="new-password" i],input[autocomplete~="one-time-code" i]';
const kTyped =
  'input:not([type="button" i]):not([type="submit" i]):not([type="reset" i]):not([type="image" i]):not([type="hidden" i]),textarea,select,' +
  '[contenteditable=""],[contenteditable="true" i],[contenteditable="plaintext-only" i]' +
  'textbox combobox searchbox spinbutton radio checkbox switch slider listbox option menuitemradio menuitemcheckbox'.split(' ').map((role) => `,[role~="${role}" i]`).join('');

/** A selector that this browser understands; the others are left out and named. */
export function usable(selectors: readonly string[], refuse: (selector: string) => void = () => {}): string[] {
  const probe = document.createDocumentFragment();
  return selectors.filter((selector) => {
    try {
      probe.querySelector(selector);
      return true;
    } catch {
      refuse(selector);
      return false;
    }
  });
}

export class MaskRules {
  private readonly marked_: string;
  private readonly allow_: string;
  private readonly deny_: boolean;
  /** Selectors that the browser refused. Not to be ignored: whoever wrote them believes something is masked. */
  readonly refused: string[] = [];

  constructor(options: MaskOptions = {}) {
    const attributes = [...kMaskAttributes, ...(options.attributes ?? [])].map((name) => `[${CSS.escape(name)}]`);
    this.marked_ = usable([...attributes, ...(options.selectors ?? [])], (s) => this.refused.push(s)).join(',');
    this.allow_ = usable([kAllow, ...(options.allow ?? [])], (s) => this.refused.push(s)).join(',');
    // A broken list of the site's must not uncover anything: then everything typed is masked.
    this.deny_ = (options.denyByDefault ?? false) || this.refused.length > 0;
  }

  /** The site says of this very element, not of one around it, that it may be shown, whatever is in it. */
  allows(element: Element): boolean {
    return matches(element, this.allow_);
  }

  /** The rule that masks this very element, not one around it. */
  ruleOf(element: Element): string | null {
    const { localName } = element;
    const field = localName === 'input' || localName === 'select' || localName === 'textarea';
    if (field) {
      const own = this.ofField(element as HTMLInputElement);
      if (own !== null) return own;
    }
    if (matches(element, this.marked_)) return 'marked';
    const opened = localName === 'parley-picker' ? fieldOf(element) : null;
    if (opened) return this.ruleAround(opened);
    // What is chosen is shown by the list as its own.
    if (localName === 'select' && element.querySelector(this.marked_)) return 'marked';
    if (!this.deny_) return null;
    const edited = localName === 'body' && element.ownerDocument.designMode === 'on';
    if (!edited && !(field || attributeOf(element, 'contenteditable') !== null || attributeOf(element, 'role') !== null)) return null;
    return (edited || matches(element, kTyped)) && !closest(element, this.allow_) ? 'default' : null;
  }

  private ofField(field: HTMLInputElement): string | null {
    if (isPassword(field)) return 'password';
    if (field.localName === 'textarea') return null;
    const names = namesOf(field);
    if (field.localName === 'input' && asksForPassword(field.type, ...names)) return 'password';
    return field.matches(kCard) || asksForCard('', ...names) ? 'card' : null;
  }

  /** Whether the element or anything around it, through shadow roots and frames of the same origin, is masked. */
  isMasked(element: Element): boolean {
    return this.ruleAround(element) !== null;
  }

  /** The rule that masks the element or the nearest thing around it. */
  ruleAround(element: Element): string | null {
    for (let at: Element | null = element; at; at = parentOf(at)) {
      const rule = this.ruleOf(at);
      if (rule !== null) return rule;
    }
    return null;
  }

  /** A password field is remembered, for all rules there will be, from the moment it is seen; `type`: what it was until now. */
  remember(element: Element, type = ''): void {
    if (element.localName === 'input' && (type.toLowerCase() === 'password' || element.matches(kPassword))) passwords.add(element);
  }
}

/** The element around another one as it is painted: slots, hosts of shadow roots, frames. */
export function parentOf(element: Element): Element | null {
  const around = slotOf(element) ?? element.parentElement;
  if (around) return around;
  const root = element.getRootNode();
  if ('host' in root) return (root as ShadowRoot).host;
  try {
    return element.ownerDocument.defaultView?.frameElement ?? null;
  } catch {
    return null;
  }
}

/** How a masked element is named in the receipt: never by what is in it. A frame's `name` is its page's to read and to write, as data. */
export function labelOf(element: Element): string {
  const named = kFrames.test(element.localName) ? null : element.getAttribute('name');
  const name = element.getAttribute('data-parley-label') ?? named ?? element.getAttribute('id');
  return `${element.localName}${name ? ` ${name.slice(0, 60)}` : ''}`;
}
