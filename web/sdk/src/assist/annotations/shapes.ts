// Geometry of what is drawn, as SVG path data in document coordinates. Pure.
import type { Point, Stroke, Tool } from '../protocol';

export const kShapeLimits = {
  shapes: 500,
  points: 4000,
  text: 200,
  /** CSS pixels from the document's origin, either way. */
  coordinate: 1_000_000,
} as const;

const kTools: readonly Tool[] = ['pen', 'highlighter', 'arrow', 'rect', 'text', 'spot'];

export interface Shape extends Stroke {
  points: Point[];
}

/** What a message says, made safe to draw; null when nothing can be drawn of it. */
export function cleanShape(from: Stroke): Shape | null {
  if (typeof from.id !== 'string' || !from.id || from.id.length > 128 || !kTools.includes(from.tool)) return null;
  const text = typeof from.text === 'string' ? from.text.slice(0, kShapeLimits.text) : undefined;
  return {
    ...from, text, points: cleanPoints(from.points), width: clamp(Number(from.width) || 4, 1, 64), done: from.done === true,
    color: /^#[0-9a-f]{6}$/i.test(from.color) ? from.color : '#d6336c',
  };
}

export function cleanPoints(points: unknown): Point[] {
  if (!Array.isArray(points)) return [];
  const limit = kShapeLimits.coordinate;
  return points
    .slice(0, kShapeLimits.points)
    .filter((p): p is Point => Array.isArray(p) && Number.isFinite(p[0]) && Number.isFinite(p[1]))
    .map(([x, y]) => [clamp(x, -limit, limit), clamp(y, -limit, limit)]);
}

/** A later message of the same shape: lines grow, the others move their second corner. */
export function extend(shape: Shape, by: Shape): void {
  shape.done = by.done;
  if (by.text !== undefined) shape.text = by.text;
  if (by.points.length === 0) return;
  if (isLine(shape.tool)) shape.points.push(...by.points.slice(0, Math.max(0, kShapeLimits.points - shape.points.length)));
  else if (shape.tool === 'text') shape.points = [by.points[by.points.length - 1]!];
  else shape.points = [shape.points[0] ?? by.points[0]!, by.points[by.points.length - 1]!];
}

export const isLine = (tool: Tool): boolean => tool === 'pen' || tool === 'highlighter';

export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

const n = (value: number): string => String(Math.round(value * 10) / 10);

/** A line through the points, rounded at each by a quadratic curve to the middle of the next part. */
export function linePath(points: readonly Point[]): string {
  const [first] = points;
  if (!first) return '';
  // A line of no length is a dot where the ends are round.
  if (points.length === 1) return `M${n(first[0])} ${n(first[1])}l0.01 0`;
  let path = `M${n(first[0])} ${n(first[1])}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i]!;
    const [nx, ny] = points[i + 1]!;
    path += `Q${n(x)} ${n(y)} ${n((x + nx) / 2)} ${n((y + ny) / 2)}`;
  }
  const last = points[points.length - 1]!;
  return `${path}L${n(last[0])} ${n(last[1])}`;
}

export function arrowPath(from: Point, to: Point, width: number): string {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (length < 1) return '';
  const [dx, dy] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  const head = Math.min(length * 0.6, 8 + width * 2.5);
  const wing = (side: number): string => `${n(to[0] - head * dx + side * head * 0.55 * dy)} ${n(to[1] - head * dy - side * head * 0.55 * dx)}`;
  return `M${n(from[0])} ${n(from[1])}L${n(to[0])} ${n(to[1])}M${wing(1)}L${n(to[0])} ${n(to[1])}L${wing(-1)}`;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export function boxOf(points: readonly Point[]): Box {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return { x, y, w: Math.max(...xs) - x, h: Math.max(...ys) - y };
}

/** Does a place touch a shape? For erasing one. `reach` in document pixels. */
export function touches(shape: Shape, [x, y]: Point, reach: number): boolean {
  if (shape.points.length === 0) return false;
  const far = reach + shape.width / 2;
  if (shape.tool === 'text') {
    const [left, top] = shape.points[0]!;
    const size = textSize(shape.width);
    const lines = (shape.text ?? '').split('\n');
    const wide = Math.max(size, Math.max(...lines.map((l) => l.length)) * size * 0.6);
    return x > left - reach && x < left + wide + reach && y > top - reach && y < top + lines.length * size * 1.25 + reach;
  }
  if (shape.tool === 'rect' || shape.tool === 'spot') {
    const b = boxOf(shape.points);
    const inside = (m: number) => x > b.x - m && x < b.x + b.w + m && y > b.y - m && y < b.y + b.h + m;
    return shape.tool === 'spot' ? inside(far) : inside(far) && !inside(-far);
  }
  return shape.points.some((p, i) => distance([x, y], p, shape.points[i + 1] ?? p) <= far);
}

function distance([x, y]: Point, a: Point, b: Point): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : clamp(((x - a[0]) * dx + (y - a[1]) * dy) / length, 0, 1);
  return Math.hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}

/** Of a text the width is the size of its letters. */
export const textSize = (width: number): number => clamp(width, 10, 64);
