// Tiles and the rectangles made of them. Pure.
import { common, type Rect } from './affine';

/** Smaller ones make more pictures of one change, larger ones send more of what has not changed: a page that scrolls by 120 pixels is cheapest so. */
export const kTile = 32;

/** A set of tiles of a picture of `width` × `height` pixels. `tile`: pixels of a side. */
export class TileSet {
  readonly columns: number;
  readonly rows: number;
  private readonly on_: Uint8Array;

  constructor(readonly width: number, readonly height: number, readonly tile = kTile) {
    this.columns = Math.ceil(width / this.tile);
    this.rows = Math.ceil(height / this.tile);
    this.on_ = new Uint8Array(this.columns * this.rows);
  }

  has(column: number, row: number): boolean {
    return this.on_[row * this.columns + column] === 1;
  }

  set(column: number, row: number, on = true): void {
    this.on_[row * this.columns + column] = on ? 1 : 0;
  }

  /** Every tile that the rectangle touches; what lies outside of the picture is ignored. */
  add(r: Rect): void {
    if (!(r.w > 0) || !(r.h > 0)) return;
    const x1 = Math.max(0, Math.floor(r.x / this.tile)), y1 = Math.max(0, Math.floor(r.y / this.tile));
    const x2 = Math.min(this.columns - 1, Math.ceil((r.x + r.w) / this.tile) - 1), y2 = Math.min(this.rows - 1, Math.ceil((r.y + r.h) / this.tile) - 1);
    for (let y = y1; y <= y2; y++) for (let x = x1; x <= x2; x++) this.set(x, y);
  }

  addAll(): void {
    this.on_.fill(1);
  }

  get size(): number {
    return this.on_.reduce((sum, v) => sum + v, 0);
  }

  /** The set when parts of the picture were moved by whole pixels: a tile counts when any part of a marked one lands or stays on it. */
  moved(parts: readonly Rect[], dx: number, dy: number): TileSet {
    const out = new TileSet(this.width, this.height, this.tile);
    this.each((column, row) => {
      const at = common({ x: column * this.tile, y: row * this.tile, w: this.tile, h: this.tile }, { x: 0, y: 0, w: this.width, h: this.height });
      let left = area(at);
      for (const r of parts) {
        const from = common(at, r), to = common(at, { ...r, x: r.x + dx, y: r.y + dy });
        out.add({ ...from, x: from.x + dx, y: from.y + dy });
        if (to.w > 0 && to.h > 0) left -= area(to);
      }
      if (left > 0) out.set(column, row);
    });
    return out;
  }

  each(fn: (column: number, row: number) => void): void {
    for (let y = 0; y < this.rows; y++) for (let x = 0; x < this.columns; x++) if (this.has(x, y)) fn(x, y);
  }

  /** As few upright rectangles as runs and stacks of runs give; cut to the picture. */
  rects(): Rect[] {
    const done: Rect[] = [];
    let open: Rect[] = [];
    for (let y = 0; y < this.rows; y++) {
      const now: Rect[] = [];
      for (let x = 0; x < this.columns; x++) {
        if (!this.has(x, y)) continue;
        let end = x + 1;
        while (end < this.columns && this.has(end, y)) end++;
        const above = open.find((r) => r.x === x && r.w === end - x);
        if (above) {
          above.h++;
          now.push(above);
        } else now.push({ x, y, w: end - x, h: 1 });
        x = end;
      }
      done.push(...open.filter((r) => !now.includes(r)));
      open = now;
    }
    done.push(...open);
    return done.map((r) => {
      const x = r.x * this.tile, y = r.y * this.tile;
      return { x, y, w: Math.min(this.width, (r.x + r.w) * this.tile) - x, h: Math.min(this.height, (r.y + r.h) * this.tile) - y };
    });
  }
}

const area = (r: Rect) => r.w * r.h;

/** Joins rectangles until there are at most `most`, always the pair that wastes least; also those that waste no more pixels than `free`. */
export function atMost(rects: readonly Rect[], most: number, free = 0): Rect[] {
  const out = rects.map((r) => ({ ...r }));
  for (;;) {
    let best = Infinity, pair: [number, number] = [0, 1];
    for (let i = 0; i < out.length; i++) {
      for (let j = i + 1; j < out.length; j++) {
        const waste = area(joined(out[i]!, out[j]!)) - area(out[i]!) - area(out[j]!);
        if (waste < best) [best, pair] = [waste, [i, j]];
      }
    }
    if (best === Infinity || (out.length <= most && best > free)) return out;
    out[pair[0]] = joined(out[pair[0]]!, out[pair[1]]!);
    out.splice(pair[1], 1);
  }
}

/** The same rectangles, or one of all where they lie over each other so much that it is less. */
export function noMoreThanAll(rects: Rect[], width: number, height: number): Rect[] {
  return rects.reduce((sum, r) => sum + area(r), 0) > width * height ? [{ x: 0, y: 0, w: width, h: height }] : rects;
}

function joined(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x), y = Math.min(a.y, b.y);
  return { x, y, w: Math.max(a.x + a.w, b.x + b.w) - x, h: Math.max(a.y + a.h, b.y + b.h) - y };
}

/** Tiles of `wanted` in which two pictures differ. Rows of `now` start at `top`. */
export function differing(before: Uint32Array, now: Uint32Array, top: number, wanted: TileSet): TileSet {
  const { width, height, tile } = wanted, out = new TileSet(width, height, tile);
  wanted.each((column, row) => {
    const x1 = column * tile, x2 = Math.min(width, x1 + tile), y1 = row * tile, y2 = Math.min(height, y1 + tile);
    for (let y = y1; y < y2; y++) {
      const a = y * width, b = (y - top) * width;
      for (let x = x1; x < x2; x++) {
        if (before[a + x] !== now[b + x]) return out.set(column, row);
      }
    }
  });
  return out;
}

/** Moves a part of a picture up by `dy` and left by `dx`; what comes in is left as it was. */
export function shift(pixels: Uint32Array, width: number, part: Rect, dx: number, dy: number): void {
  for (let i = 0; i < part.h; i++) {
    const from = (part.y + (dy > 0 ? i : part.h - 1 - i)) * width + part.x;
    pixels.copyWithin(from - dy * width - dx, from, from + part.w);
  }
}

export interface Packed {
  /** Of each rectangle. */
  places: { x: number; y: number }[];
  w: number;
  h: number;
}

/** Lays rectangles on as small a canvas as shelves of the width of the largest give: none over another. */
export function packed(rects: readonly Rect[]): Packed {
  const w = Math.max(0, ...rects.map((r) => r.w)), places = rects.map(() => ({ x: 0, y: 0 }));
  const order = rects.map((_, i) => i).sort((a, b) => rects[b]!.h - rects[a]!.h);
  let x = 0, y = 0, h = 0;
  for (const i of order) {
    const r = rects[i]!;
    if (x + r.w > w) [x, y] = [0, h];
    places[i] = { x, y };
    x += r.w;
    h = Math.max(h, y + r.h);
  }
  return { places, w, h };
}
