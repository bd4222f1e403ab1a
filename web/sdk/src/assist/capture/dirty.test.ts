import { describe, expect, it } from 'vitest';
import { overlaps, type Rect } from './affine';
import { dirtyRects } from './dirty';
import type { Seen } from './scan';

/** A page of 800 by 600 on a picture twice as large; `now`: where what was seen at `was` is after scrolling by `dy`. */
function painted(dy: number, was: Rect, now: Rect, fixed: boolean): boolean {
  const element = { isConnected: true, getBoundingClientRect: () => ({ x: now.x, y: now.y, width: now.w, height: now.h }) } as Element;
  const seen = new Map<Element, Seen>([[element, { rect: was, leaf: true, fixed, frame: false }]]);
  const { rects } = dirtyRects({ scale: 2, width: 1600, height: 1200, marks: new Map(), seen, animated: [], dx: 0, dy, by: { x: 0, y: Math.round(2 * dy) } });
  return rects.some((r) => overlaps(r, now));
}

describe('after scrolling', () => {
  const at = (y: number): Rect => ({ x: 100, y, w: 50, h: 50 });

  it('what is fixed is painted where it belongs, also by less than a pixel', () => {
    for (const dy of [37, 1, 0.25, -0.1]) expect(painted(dy, at(300), at(300), true), `${dy}`).toBe(true);
  });

  it('what has gone with the page is not painted again', () => {
    for (const fixed of [true, false]) expect(painted(0.25, at(300), at(299.75), fixed)).toBe(false);
    expect(painted(37, at(300), at(263.01), true), 'sticky').toBe(false);
  });
});
