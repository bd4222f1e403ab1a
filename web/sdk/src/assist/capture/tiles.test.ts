import { describe, expect, it } from 'vitest';
import { atMost, differing, noMoreThanAll, packed, shift, TileSet } from './tiles';

const kTile = 64;

describe('tiles', () => {
  it('are few rectangles, cut to the picture', () => {
    const set = new TileSet(200, 150, kTile);
    set.add({ x: 0, y: 0, w: 130, h: 70 });
    expect(set.rects()).toEqual([{ x: 0, y: 0, w: 192, h: 128 }]);
    set.add({ x: 199, y: 149, w: 500, h: 500 });
    expect(set.rects()).toContainEqual({ x: 192, y: 128, w: 8, h: 22 });
    set.add({ x: -100, y: -100, w: 50, h: 50 });
    expect(set.size).toBe(7);
  });

  it('cover every tile exactly once', () => {
    const set = new TileSet(640, 640, kTile);
    for (let i = 0; i < 50; i++) set.set((i * 7) % 10, (i * 3 + (i >> 2)) % 10);
    const seen = new TileSet(640, 640, kTile);
    for (const r of set.rects()) {
      for (let y = r.y; y < r.y + r.h; y += kTile) for (let x = r.x; x < r.x + r.w; x += kTile) {
        expect(seen.has(x / kTile, y / kTile)).toBe(false);
        seen.set(x / kTile, y / kTile);
      }
    }
    set.each((x, y) => expect(seen.has(x, y)).toBe(true));
    expect(seen.size).toBe(set.size);
  });

  it('are joined where it wastes least', () => {
    const joined = atMost([{ x: 0, y: 0, w: 10, h: 10 }, { x: 10, y: 0, w: 10, h: 10 }, { x: 500, y: 500, w: 10, h: 10 }], 2);
    expect(joined).toEqual([{ x: 0, y: 0, w: 20, h: 10 }, { x: 500, y: 500, w: 10, h: 10 }]);
  });

  it('are one of all when they are more than that together', () => {
    const cross = [{ x: 0, y: 20, w: 100, h: 20 }, { x: 40, y: 0, w: 20, h: 60 }];
    expect(noMoreThanAll(cross, 100, 60)).toBe(cross);
    const wide = [{ x: 0, y: 10, w: 100, h: 40 }, { x: 20, y: 0, w: 60, h: 60 }];
    expect(noMoreThanAll(wide, 100, 60)).toEqual([{ x: 0, y: 0, w: 100, h: 60 }]);
  });

  it('tell where two pictures differ', () => {
    const [w, h] = [130, 130];
    const a = new Uint32Array(w * h), b = new Uint32Array(w * h);
    b[129 * w + 129] = 1;
    b[3] = 1;
    const all = new TileSet(w, h, kTile);
    all.addAll();
    const found: number[][] = [];
    differing(a, b, 0, all).each((x, y) => found.push([x, y]));
    expect(found).toEqual([[0, 0], [2, 2]]);
  });

  it.each([[0, 2], [0, -2], [1, 0], [-1, 0], [1, 1], [-1, -2]])('move with the page by %d, %d', (dx, dy) => {
    const [w, h] = [5, 6];
    const pixels = Uint32Array.from({ length: w * h }, (_, i) => i);
    shift(pixels, w, { x: Math.max(0, dx), y: Math.max(0, dy), w: w - Math.abs(dx), h: h - Math.abs(dy) }, dx, dy);
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
      const from = x + dx >= 0 && x + dx < w && y + dy >= 0 && y + dy < h;
      if (from) expect(pixels[y * w + x], `${x},${y}`).toBe((y + dy) * w + x + dx);
    }
  });

  it('moves a part and leaves the rest; marks go and stay with it', () => {
    const pixels = Uint32Array.from({ length: 20 }, (_, i) => i);
    shift(pixels, 4, { x: 1, y: 2, w: 2, h: 3 }, 0, 1);
    expect([...pixels]).toEqual([0, 1, 2, 3, 4, 9, 10, 7, 8, 13, 14, 11, 12, 17, 18, 15, 16, 17, 18, 19]);
    const marks = new TileSet(128, 320, 32);
    for (const [x, y] of [[0, 0], [0, 3], [3, 9]] as const) marks.set(x, y);
    const out: number[][] = [];
    // All below the first row, up by a tile and a half.
    marks.moved([{ x: 0, y: 80, w: 128, h: 240 }], 0, -48).each((x, y) => out.push([x, y]));
    expect(out).toEqual([[0, 0], [0, 1], [0, 2], [3, 7], [3, 8], [3, 9]]);
  });

  it('are joined where a picture more costs more than the pixels between', () => {
    const rects = [{ x: 0, y: 0, w: 64, h: 32 }, { x: 64, y: 32, w: 32, h: 32 }, { x: 300, y: 300, w: 32, h: 32 }];
    expect(atMost(rects, 9)).toEqual(rects);
    expect(atMost(rects, 9, 3072)).toEqual([{ x: 0, y: 0, w: 96, h: 64 }, rects[2]]);
    expect(atMost(rects, 1)).toEqual([{ x: 0, y: 0, w: 332, h: 332 }]);
  });

  it('are painted on one small canvas, none over another', () => {
    const rects = [{ x: 0, y: 0, w: 300, h: 40 }, { x: 9, y: 9, w: 100, h: 70 }, { x: 5, y: 300, w: 150, h: 20 }, { x: 0, y: 0, w: 60, h: 70 }, { x: 0, y: 0, w: 120, h: 8 }];
    const { places, w, h } = packed(rects), used = new Set<string>();
    rects.forEach((r, i) => {
      for (let y = 0; y < r.h; y++) for (let x = 0; x < r.w; x++) {
        const at = [places[i]!.x + x, places[i]!.y + y] as const;
        expect(at[0] < w && at[1] < h && !used.has(at.join()), `${i}: ${at}`).toBe(true);
        used.add(at.join());
      }
    });
    expect(w * h).toBeLessThan(2 * used.size);
    expect(packed([])).toEqual({ places: [], w: 0, h: 0 });
  });
});
