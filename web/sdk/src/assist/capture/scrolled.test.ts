import { describe, expect, it } from 'vitest';
import { scrolled } from './scrolled';

const r = (x: number, y: number, w: number, h: number) => ({ x, y, w, h });

describe('what goes along with a scrolled page', () => {
  it('is all of it where nothing stays', () => {
    expect(scrolled(100, 80, 0, 10, [])).toEqual({ copies: [r(0, 10, 100, 70)], bare: [r(0, 70, 100, 10)] });
    expect(scrolled(100, 80, 0, -10, [])).toEqual({ copies: [r(0, 0, 100, 70)], bare: [r(0, 0, 100, 10)] });
    expect(scrolled(100, 80, 5, 0, [r(0, 0, 100, 9)])).toEqual({ copies: [r(5, 0, 95, 80)], bare: [r(95, 0, 5, 80)] });
    expect(scrolled(100, 80, 0, 90, [])).toEqual({ copies: [], bare: [r(0, 0, 100, 80)] });
  });

  it('is what lies below a head, which is made of cells, and above a foot', () => {
    const head = [r(0, 0, 100, 8), r(0, 8, 41, 4), r(40, 8, 60, 4)], foot = r(-5, 70, 200, 20);
    expect(scrolled(100, 80, 0, 10, [...head, foot])).toEqual({ copies: [r(0, 22, 100, 48)], bare: [r(0, 60, 100, 10)] });
    expect(scrolled(100, 80, 0, -10, [...head, foot])).toEqual({ copies: [r(0, 12, 100, 48)], bare: [r(0, 12, 100, 10)] });
  });

  it('is beside a bar, and around what lies somewhere in between; too small parts are not copied', () => {
    expect(scrolled(100, 80, 0, 10, [r(0, 0, 20, 80), r(60, 30, 10, 45)])).toEqual({
      copies: [r(20, 10, 40, 70), r(60, 10, 10, 20), r(70, 10, 30, 70)],
      bare: [r(20, 70, 40, 10), r(60, 20, 10, 10), r(60, 75, 10, 5), r(70, 70, 30, 10)],
    });
  });
});
