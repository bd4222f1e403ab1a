import { describe, expect, it } from 'vitest';
import { about, applied, bounds, inverse, multiply, rectBefore, snapped, type Mat } from './affine';

const turn = (degrees: number): Mat => {
  const a = (degrees * Math.PI) / 180;
  return [Math.cos(a), Math.sin(a), -Math.sin(a), Math.cos(a), 0, 0];
};

describe('affine matrices', () => {
  it('undo themselves', () => {
    const m = multiply(about(turn(33), 100, 40), [2, 0, 0.3, 1.5, 7, -9]);
    const back = multiply(m, inverse(m)!);
    [1, 0, 0, 1, 0, 0].forEach((v, i) => expect(back[i]).toBeCloseTo(v, 9));
    expect(inverse([1, 2, 2, 4, 0, 0])).toBeNull();
  });

  it('leave the point they turn about', () => {
    const [x, y] = applied(about(turn(90), 50, 20), 50, 20);
    expect([x, y].map(Math.round)).toEqual([50, 20]);
  });

  it.each([0, 8, -30, 60, 90, 135, 45])('find a rectangle again from its bounds after a turn by %d°', (degrees) => {
    const rect = { x: 30, y: 70, w: 200, h: 18 };
    const m = about(turn(degrees), 400, 300);
    const found = rectBefore(m, bounds(m, rect), { w: 0, h: 18 });
    for (const key of ['x', 'y', 'w', 'h'] as const) expect(found[key]).toBeCloseTo(rect[key], 5);
  });

  it('snap edges, not sizes', () => {
    expect(snapped({ x: 0.4, y: 10.5, w: 10.2, h: 10 })).toEqual({ x: 0, y: 11, w: 11, h: 10 });
    expect(snapped({ x: 0.3, y: 0, w: 1, h: 1 }, 2)).toEqual({ x: 0.5, y: 0, w: 1, h: 1 });
  });
});
