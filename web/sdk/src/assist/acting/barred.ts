import { reportFault } from '../../common/guard';
import { asksForCard, asksForPassword, isPassword, namesOf, passwords } from '../private_fields';
import { ancestors, formOf, isHtml, isInput, isSelect, isTextArea } from './dom';

export { asksForCard };

export const kBarredAttribute = 'data-parley-barred';

export type BarRule = 'attribute' | 'selector' | 'password' | 'file' | 'card' | 'overlay';

/** Fields that no agent may use or read, whatever the site says. */
export function sensitiveRule(element: Element): BarRule | null {
  if (!isInput(element) && !isSelect(element) && !isTextArea(element)) return null;
  if (isPassword(element)) return 'password';
  if (isTextArea(element)) return null;
  const hint = element.getAttribute('autocomplete') ?? '';
  const names = namesOf(element);
  if (isSelect(element)) return asksForCard(hint, ...names) ? 'card' : null;
  if (/(?:current|new)-password|one-time-code/i.test(hint) || asksForPassword(element.type, ...names)) {
    passwords.add(element);
    return 'password';
  }
  if (element.type === 'file') return 'file';
  return asksForCard(hint, ...names) ? 'card' : null;
}

/** What agents must not use. */
export class Bars {
  private selectors_: string[] = [];
  private broken_ = false;

  constructor(selectors: readonly string[] = []) {
    this.set(selectors);
  }

  /**
   * A selector that the browser does not understand is reported, and bars everything: whoever wrote it believes that something is
   * barred, and nobody can say what.
   */
  set(selectors: readonly string[]): void {
    this.broken_ = false;
    this.selectors_ = selectors.filter((selector) => {
      try {
        document.createDocumentFragment().querySelector(selector);
        return true;
      } catch (fault) {
        reportFault(`barred selector ${selector}`, fault);
        this.broken_ = true;
        return false;
      }
    });
  }

  /** Why an element is barred, by itself or by what is around it; null when it is not. */
  why(element: Element): BarRule | null {
    if (this.broken_) return 'selector';
    const rule = this.around(element);
    if (rule) return rule;
    // A label acts on its field, also for what is in its components, and for what is shown in it: it is no way around.
    for (const each of ancestors(element)) {
      const control = isHtml(each, 'label') ? (each as HTMLLabelElement).control : null;
      const rule = control && control !== element ? this.around(control) : null;
      if (rule) return rule;
    }
    return null;
  }

  /** By itself, by what is around it, or by the form that it acts on. */
  private around(element: Element): BarRule | null {
    for (const each of ancestors(element)) {
      const rule = this.own(each);
      if (rule) return rule;
    }
    const form = formOf(element);
    return form ? this.own(form) : null;
  }

  private own(element: Element): BarRule | null {
    if (element.hasAttribute(kBarredAttribute) && element.getAttribute(kBarredAttribute) !== 'false') return 'attribute';
    if (element.hasAttribute('data-parley-overlay')) return 'overlay';
    const sensitive = sensitiveRule(element);
    if (sensitive) return sensitive;
    return this.selectors_.some((selector) => element.matches(selector)) ? 'selector' : null;
  }
}

/** Looks through a document for passwords, so that one shown in the clear later is still known for what it is. */
export function notePasswords(root: ParentNode): void {
  for (const field of root.querySelectorAll('input[type=password]')) passwords.add(field);
}
