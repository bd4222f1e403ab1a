// Scrolls what a wheel at that place would scroll.
import { ancestors, realmOf } from './dom';
import type { Target } from './targets';

/** At most so many viewports at once, whatever the message says. */
const kViewports = 20;

/** `quiet`: without a word to what lies there; a wheel turns numbers and sliders on some pages. */
export function scrollAt(target: Target, dx: number, dy: number, quiet = false): 'scrolled' | 'end' | 'prevented' {
  const { realm, element } = target;
  const x = bounded(dx, realm.innerWidth);
  const y = bounded(dy, realm.innerHeight);
  const wheel = new realm.WheelEvent('wheel', {
    bubbles: true, cancelable: true, composed: true, view: realm, clientX: target.x, clientY: target.y, deltaX: x, deltaY: y, deltaMode: 0,
  });
  // Maps and viewers take the wheel for themselves.
  if (!quiet && !element.dispatchEvent(wheel)) return 'prevented';
  let moved = false;
  if (y !== 0) moved = scrollFirst(element, 0, y) || moved;
  if (x !== 0) moved = scrollFirst(element, x, 0) || moved;
  return moved ? 'scrolled' : 'end';
}

const bounded = (by: number, size: number): number =>
  Number.isFinite(by) ? Math.max(-kViewports * size, Math.min(kViewports * size, by)) : 0;

/** The innermost container that can still go that way. */
function scrollFirst(element: Element, x: number, y: number): boolean {
  for (const each of ancestors(element)) {
    if (!scrolls(each, x !== 0)) continue;
    const left = each.scrollLeft;
    const top = each.scrollTop;
    each.scrollBy({ left: x, top: y, behavior: 'instant' });
    if (each.scrollLeft !== left || each.scrollTop !== top) return true;
  }
  return false;
}

export function scrolls(element: Element, sideways: boolean): boolean {
  const document = element.ownerDocument;
  if (element === document.scrollingElement) return true;
  const more = sideways ? element.scrollWidth > element.clientWidth : element.scrollHeight > element.clientHeight;
  if (!more || element === document.documentElement || element === document.body) return false;
  const style = realmOf(element).getComputedStyle(element);
  return /auto|scroll|overlay/.test(sideways ? style.overflowX : style.overflowY);
}
