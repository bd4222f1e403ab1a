// Shadows of boxes. The browser's blur is the dearest thing that a page paints: what it makes of corners and edges is kept.
import { addPath, type Brush } from './brush';
import { inner, type Radii, type Shadow } from './css';
import type { Rect } from './affine';

type G = OffscreenCanvasRenderingContext2D;

/** The shape itself is painted so far away, only its shadow falls where it is wanted. */
const kAway = 20000;
const kMaxKept = 100;
/** Larger corners are painted each time. Picture pixels. */
const kMaxCorner = 100;

/** A shadow of a box of `side` pixels, all around which are `reach` more; its middle pixel stands for what lies between corners. */
interface Kept {
  image: ImageBitmap | null;
  reach: number;
  side: number;
}
const kept = new Map<string, Kept>();

function cast(g: G, s: Shadow, scale: number, r: Rect, q: Radii | null): void {
  g.shadowColor = s.color;
  g.shadowBlur = s.blur * scale;
  // Canvas shadows ignore the transform.
  const m = g.getTransform();
  g.shadowOffsetX = m.a * (s.x + kAway) + m.c * s.y;
  g.shadowOffsetY = m.b * (s.x + kAway) + m.d * s.y;
  g.fillStyle = '#000';
  g.beginPath();
  addPath(g, { x: r.x - kAway - s.spread, y: r.y - s.spread, w: r.w + 2 * s.spread, h: r.h + 2 * s.spread }, inner(q, -s.spread, -s.spread, -s.spread, -s.spread));
  g.fill();
}

function keep(s: Shadow, scale: number, radius: number): Kept {
  const key = `${s.color} ${s.blur * scale} ${radius}`;
  let found = kept.get(key);
  if (found) return found;
  if (kept.size >= kMaxKept) {
    for (const { image } of kept.values()) image?.close();
    kept.clear();
  }
  const reach = Math.ceil(s.blur * scale * 1.5) + 2, side = 2 * (reach + Math.ceil(radius)) + 1;
  found = { image: null, reach, side };
  if (reach + radius <= kMaxCorner) {
    const canvas = new OffscreenCanvas(side + 2 * reach, side + 2 * reach), g = canvas.getContext('2d')!;
    cast(g, { ...s, x: 0, y: 0, blur: s.blur * scale, spread: 0 }, 1, { x: reach, y: reach, w: side, h: side }, radius > 0 ? [radius, radius, radius, radius, radius, radius, radius, radius] : null);
    found.image = canvas.transferToImageBitmap();
  }
  kept.set(key, found);
  return found;
}

/** Of kept corners and edges; false: not of this box. All numbers are pixels of the picture, whole ones. */
function composed(brush: Brush, s: Shadow, r: Rect, q: Radii | null): boolean {
  const { g, scale } = brush;
  if (!brush.upright || (q && !q.every((v) => v === q[0]))) return false;
  const radius = q ? Math.max(0, q[0] + s.spread) * scale : 0;
  const m = g.getTransform();
  const at = [(r.x + s.x - s.spread) * scale + m.e, (r.y + s.y - s.spread) * scale + m.f, (r.w + 2 * s.spread) * scale, (r.h + 2 * s.spread) * scale] as const;
  if (at.some((v) => Math.abs(v - Math.round(v)) > 0.01)) return false;
  const [x, y, w, h] = at.map(Math.round) as [number, number, number, number];
  const { image, reach, side } = keep(s, scale, radius);
  if (!image || w < side || h < side) return false;
  // From the outer edge to where nothing but the edge goes on; there is one pixel of that.
  const corner = reach + (side - 1) / 2, end = corner + 1;
  g.setTransform(1, 0, 0, 1, x - reach, y - reach);
  g.imageSmoothingEnabled = false;
  const W = w + 2 * reach - 2 * corner, H = h + 2 * reach - 2 * corner;
  for (const [sx, sw, dx, dw] of [[0, corner, 0, corner], [corner, 1, corner, W], [end, corner, corner + W, corner]] as const) {
    g.drawImage(image, sx, 0, sw, corner, dx, 0, dw, corner);
    g.drawImage(image, sx, end, sw, corner, dx, corner + H, dw, corner);
    if (sw === 1) continue;
    g.drawImage(image, sx, corner, sw, 1, dx, corner, dw, H);
  }
  // Under the box nothing is seen; a box that is moved from its shadow shows some of the middle.
  if (Math.max(Math.abs(s.x), Math.abs(s.y)) * scale > corner - reach || s.spread !== 0) g.drawImage(image, corner, corner, 1, 1, corner, corner, W, H);
  return true;
}

/** `covered`: the box lets nothing through. */
export function outerShadow(brush: Brush, s: Shadow, r: Rect, q: Radii | null, covered: boolean): void {
  const { g, scale } = brush;
  g.save();
  if (covered && composed(brush, s, r, q)) return g.restore();
  // Not under the box itself: a see-through box shows no shadow.
  const outside = new Path2D();
  const far = Math.abs(s.x) + Math.abs(s.y) + s.blur * 2 + Math.abs(s.spread) + 8;
  outside.rect(r.x - far, r.y - far, r.w + 2 * far, r.h + 2 * far);
  addPath(outside, r, q);
  g.clip(outside, 'evenodd');
  if (!composed(brush, s, r, q)) cast(g, s, scale, r, q);
  g.restore();
}

export function innerShadow({ g, scale }: Brush, s: Shadow, r: Rect, q: Radii | null): void {
  g.save();
  g.beginPath();
  addPath(g, r, q);
  g.clip();
  const m = g.getTransform();
  g.shadowColor = s.color;
  g.shadowBlur = s.blur * scale;
  g.shadowOffsetX = m.a * (s.x + kAway) + m.c * s.y;
  g.shadowOffsetY = m.b * (s.x + kAway) + m.d * s.y;
  const far = s.blur * 2 + Math.abs(s.x) + Math.abs(s.y) + Math.abs(s.spread) + 8;
  const ring = new Path2D();
  ring.rect(r.x - kAway - far, r.y - far, r.w + 2 * far, r.h + 2 * far);
  addPath(ring, { x: r.x - kAway + s.spread, y: r.y + s.spread, w: r.w - 2 * s.spread, h: r.h - 2 * s.spread }, inner(q, s.spread, s.spread, s.spread, s.spread));
  g.fillStyle = '#000';
  g.fill(ring, 'evenodd');
  g.restore();
}
