// Fields whose content is nobody else's, known by what they ask for: not shown in pictures, not read, not filled by agents.

const kCard =
  /(?:^|-)(?:credit-?|debit-?|payment-?|bank-?)?(?:card|cc)-?(?:number|num|no|nr|pan|cvv|cvc|csc|code|exp(?:iry|iration)?(?:-?(?:date|month|year))?)(?:-|$)|(?:^|-)(?:cvv2?|cvc2?|csc|ccnum|ccno|security-?code)(?:-|$)/;
/** In the languages of the interface that have a word of their own for it. */
const kPassword = /passw(?:or)?d|pass-?(?:code|phrase)|passwort|kennwort|contrase-?n?a|mot-?de-?passe|wachtwoord|senha|(?:^|-)pwd(?:-|$)/;
const kTyped = /^(?:text|search|tel|number|email|url)$/;

/** Inputs that were seen with type=password, by whoever looked: they stay passwords while the page shows them in clear. */
export const passwords = new WeakSet<Element>();

/** The page has dots shown instead of the text. */
export const isDotted = (cs: CSSStyleDeclaration): boolean => /disc|circle|square/.test(cs.getPropertyValue('-webkit-text-security'));

export const dotted = (text: string, cs: CSSStyleDeclaration): string => (isDotted(cs) ? '•'.repeat(text.length) : text);

/** Is a field a password, was it one, or does it look like one? */
export function isPassword(field: Element): boolean {
  if (passwords.has(field)) return true;
  const is = field.matches('input[type="password" i]') || isDotted((field.ownerDocument.defaultView ?? window).getComputedStyle(field));
  if (is) passwords.add(field);
  return is;
}

const words = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').replace(/[^a-zA-Z0-9]+/g, '-').toLowerCase();

/** Does a field ask for a payment card, by its autofill hint or by its name? */
export function asksForCard(autocomplete: string, ...names: string[]): boolean {
  if (/(?:^|\s)cc-/.test(autocomplete.toLowerCase())) return true;
  return names.some((name) => kCard.test(words(name)));
}

/** A password by its name: pages show one in clear with another type, or with another field. */
export function asksForPassword(type: string, ...names: string[]): boolean {
  return kTyped.test(type) && names.some((name) => kPassword.test(words(name)));
}

/** What a field calls itself. A form's members may be hidden by its fields: attributes are not. */
export const namesOf = (field: Element): string[] =>
  ['name', 'id', 'placeholder', 'aria-label'].map((name) => field.getAttribute(name) ?? '').filter((name) => name !== '');
