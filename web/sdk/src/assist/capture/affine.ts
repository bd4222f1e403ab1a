// Rectangles and affine matrices [a b c d e f] as a canvas takes them: x' = a·x + c·y + e, y' = b·x + d·y + f.

export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

export type Mat = readonly [number, number, number, number, number, number];

export const kIdentity: Mat = [1, 0, 0, 1, 0, 0];

/** First `n`, then `m`. */
export function multiply(m: Mat, n: Mat): Mat {
  return [
    m[0] * n[0] + m[2] * n[1], m[1] * n[0] + m[3] * n[1],
    m[0] * n[2] + m[2] * n[3], m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4], m[1] * n[4] + m[3] * n[5] + m[5],
  ];
}

/** `m` applied about a point. */
export function about(m: Mat, x: number, y: number): Mat {
  return [m[0], m[1], m[2], m[3], m[4] + x - m[0] * x - m[2] * y, m[5] + y - m[1] * x - m[3] * y];
}

export function applied(m: Mat, x: number, y: number): [number, number] {
  return [m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]];
}

/** null: flat, nothing of it is seen. */
export function inverse(m: Mat): Mat | null {
  const det = m[0] * m[3] - m[1] * m[2];
  if (!Number.isFinite(det) || Math.abs(det) < 1e-9) return null;
  const [a, b, c, d] = [m[3] / det, -m[1] / det, -m[2] / det, m[0] / det];
  return [a, b, c, d, -(a * m[4] + c * m[5]), -(b * m[4] + d * m[5])];
}

/** The upright rectangle around a transformed one. */
export function bounds(m: Mat | null, r: Rect): Rect {
  if (!m) return r;
  const [cx, cy] = applied(m, r.x + r.w / 2, r.y + r.h / 2);
  const w = Math.abs(m[0]) * r.w + Math.abs(m[2]) * r.h;
  const h = Math.abs(m[1]) * r.w + Math.abs(m[3]) * r.h;
  return { x: cx - w / 2, y: cy - h / 2, w, h };
}

/**
 * Size of the rectangle whose upright bounds under `m` are w × h. At 45° the bounds do not tell width from height:
 * there the hint's height is believed.
 */
export function sizeBefore(m: Mat, w: number, h: number, hint: { w: number; h: number }): { w: number; h: number } {
  const [a, b, c, d] = [Math.abs(m[0]), Math.abs(m[1]), Math.abs(m[2]), Math.abs(m[3])];
  const det = a * d - b * c;
  const size = Math.max(a, b, c, d);
  if (Math.abs(det) > 0.15 * size * size) return { w: Math.max(0, (w * d - h * c) / det), h: Math.max(0, (h * a - w * b) / det) };
  if (hint.w > 0) return hint;
  return { w: Math.max(0, a > b ? (w - c * hint.h) / a : (h - d * hint.h) / b), h: hint.h };
}

/** The rectangle whose upright bounds under `m` are `seen`. */
export function rectBefore(m: Mat, seen: Rect, hint: { w: number; h: number }): Rect {
  const back = inverse(m);
  if (!back) return { x: 0, y: 0, w: 0, h: 0 };
  const { w, h } = sizeBefore(m, seen.w, seen.h, hint);
  const [cx, cy] = applied(back, seen.x + seen.w / 2, seen.y + seen.h / 2);
  return { x: cx - w / 2, y: cy - h / 2, w, h };
}

export const overlaps = (a: Rect, b: Rect, margin = 0): boolean =>
  a.x < b.x + b.w + margin && b.x < a.x + a.w + margin && a.y < b.y + b.h + margin && b.y < a.y + a.h + margin;

export const grown = (r: Rect, by: number): Rect => ({ x: r.x - by, y: r.y - by, w: r.w + 2 * by, h: r.h + 2 * by });

export function common(a: Rect, b: Rect): Rect {
  const x = Math.max(a.x, b.x), y = Math.max(a.y, b.y);
  return { x, y, w: Math.max(0, Math.min(a.x + a.w, b.x + b.w) - x), h: Math.max(0, Math.min(a.y + a.h, b.y + b.h) - y) };
}

export function around(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x), y = Math.min(a.y, b.y);
  return { x, y, w: Math.max(a.x + a.w, b.x + b.w) - x, h: Math.max(a.y + a.h, b.y + b.h) - y };
}

/** Edges on whole pixels, as a browser paints boxes. `scale`: picture pixels for one CSS pixel. */
export function snapped(r: Rect, scale = 1): Rect {
  const x = Math.round(r.x * scale) / scale, y = Math.round(r.y * scale) / scale;
  return { x, y, w: Math.round((r.x + r.w) * scale) / scale - x, h: Math.round((r.y + r.h) * scale) / scale - y };
}
