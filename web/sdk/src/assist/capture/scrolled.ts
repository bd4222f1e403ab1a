// What of a picture goes along when its page is scrolled. Pure; pixels of the picture.
import type { Rect } from './affine';

export interface Scrolled {
  /** What is copied, where it was; each stays clear of what the page holds in its place, which would be sent anew otherwise. */
  copies: Rect[];
  /** Where nothing was copied to, though the page has moved there. */
  bare: Rect[];
}

/** More things that stay make more pieces than they save: the others are copied along, and painted again. */
const kMaxPinned = 24;

/** The page has moved up by `dy` and left by `dx`; `pinned` stays where it is, and lies over it. */
export function scrolled(width: number, height: number, dx: number, dy: number, pinned: readonly Rect[]): Scrolled {
  const copies: Rect[] = [], bare: Rect[] = [];
  for (const p of pieces(width, height, dx === 0 ? pinned.slice(0, kMaxPinned) : [])) {
    const w = Math.min(p.w, Math.abs(dx)), h = Math.min(p.h, Math.abs(dy));
    if (w < p.w && h < p.h) copies.push({ x: p.x + (dx > 0 ? w : 0), y: p.y + (dy > 0 ? h : 0), w: p.w - w, h: p.h - h });
    if (h) bare.push({ ...p, y: p.y + (dy > 0 ? p.h - h : 0), h });
    if (w) bare.push({ ...p, x: p.x + (dx > 0 ? p.w - w : 0), w });
  }
  return { copies, bare };
}

/** What is left of the picture, in columns: nothing beside a thing that stays is cut by it. */
function pieces(width: number, height: number, pinned: readonly Rect[]): Rect[] {
  const out: Rect[] = [];
  const edges = [...new Set([width, ...pinned.flatMap((r) => [r.x, r.x + r.w])])].filter((x) => x > 0 && x <= width).sort((a, b) => a - b);
  const sorted = [...pinned, { x: 0, y: height, w: width, h: 0 }].sort((a, b) => a.y - b.y);
  let before: Rect[] = [], x = 0;
  for (const edge of edges) {
    const w = edge - x, now: Rect[] = [];
    let y = 0;
    for (const r of sorted) {
      if (r.x >= edge || r.x + r.w <= x) continue;
      const h = Math.min(height, r.y) - y;
      if (h > 0) {
        const same = before.find((p) => p.y === y && p.h === h);
        if (same) same.w += w;
        else out.push({ x, y, w, h });
        now.push(same ?? out[out.length - 1]!);
      }
      y = Math.max(y, r.y + r.h);
    }
    before = now;
    x = edge;
  }
  return out;
}
