// What the browser shows above the whole page, whatever it is in: modal dialogs, popovers, what fills the screen.
import { isClear, veils } from './css';
import { matches } from './element';

export const kTop = 'dialog,[popover]';

export const backdropStyle = (element: Element): CSSStyleDeclaration => (element.ownerDocument.defaultView ?? window).getComputedStyle(element, '::backdrop');

export function isOnTop(element: Element): boolean {
  if (element.ownerDocument.fullscreenElement === element) return true;
  if (!matches(element, kTop)) return false;
  try {
    return matches(element, ':modal,:popover-open');
  } catch {
    // A browser without popovers, or one without modal dialogs.
    return element.localName === 'dialog' && element.ownerDocument.defaultView?.getComputedStyle(element).position === 'fixed';
  }
}

/** What it puts over all that is behind it; '' when that looks as without it. */
export function backdropOf(element: Element): string {
  if (element.ownerDocument !== document || !isOnTop(element)) return '';
  const behind = backdropStyle(element), { backgroundColor, backgroundImage } = behind, veiled = veils(behind);
  return isClear(backgroundColor) && backgroundImage === 'none' && !veiled ? '' : `${backgroundColor} ${backgroundImage} ${veiled}`;
}
