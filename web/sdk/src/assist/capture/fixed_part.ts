// What CSS puts before and after things (::before, ::after) when it is fixed: it shows at its place in the window, wherever these are.
import type { Rect } from './affine';
import { frameOf } from './box';
import { px } from './css';

export type Which = '::before' | '::after';

/** In the window of the element's document; null: there is none. Browsers report used values for what is out of the flow. */
export function fixedRect(element: Element, which: Which): Rect | null {
  const own = (element.ownerDocument.defaultView ?? window).getComputedStyle(element, which);
  if (own.position !== 'fixed' || own.display === 'none' || /^(none|normal|)$/.test(own.content)) return null;
  const { w, h } = own.boxSizing === 'border-box' ? { w: 0, h: 0 } : frameOf(own);
  return { x: px(own.left) + px(own.marginLeft), y: px(own.top) + px(own.marginTop), w: px(own.width) + w, h: px(own.height) + h };
}

export const fixedRects = (element: Element): Rect[] => [fixedRect(element, '::before'), fixedRect(element, '::after')].filter((r) => r !== null);

const parts = new WeakMap<Element, { [which in Which]?: Element }>();

/** Stands for it where elements are kept that were seen. */
export function fixedPart(element: Element, which: Which): Element {
  const known = parts.get(element) ?? {};
  parts.set(element, known);
  return (known[which] ??= {
    get isConnected() {
      return element.isConnected;
    },
    get ownerDocument() {
      return element.ownerDocument;
    },
    getBoundingClientRect() {
      const r = fixedRect(element, which);
      return new DOMRect(r?.x, r?.y, r?.w, r?.h);
    },
  } as Element);
}
