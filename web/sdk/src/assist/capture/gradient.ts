// CSS gradients as canvas gradients.
import { length, px, splitTop } from './css';
import type { Rect } from './affine';

export interface Stop {
  at: number;
  color: string;
}

const kPosition = /^[-+]?[\d.]+(px|%|deg|turn|rad)$|^calc\(/;

/** Stops with their places as fractions of `whole` (a length, or 360 for angles), filled in where CSS leaves them out. */
export function gradientStops(parts: readonly string[], whole: number): Stop[] {
  const out: { at: number | null; color: string }[] = [];
  const place = (v: string) => {
    if (v.endsWith('%')) return px(v) / 100;
    if (v.endsWith('turn')) return px(v);
    if (v.endsWith('rad')) return px(v) / (2 * Math.PI);
    return (v.endsWith('deg') ? px(v) : length(v, whole)) / (whole || 1);
  };
  for (const part of parts) {
    const words = splitTop(part, ' ');
    const places = words.filter((w) => kPosition.test(w)).map(place);
    const color = words.find((w) => !kPosition.test(w) && w !== '0');
    // A place without a colour only bends the blend: left out.
    if (!color) continue;
    if (words.includes('0')) places.unshift(0);
    if (places.length === 0) out.push({ at: null, color });
    for (const at of places) out.push({ at, color });
  }
  if (out.length === 0) return [];
  out[0]!.at ??= 0;
  out[out.length - 1]!.at ??= 1;
  let last = -Infinity;
  for (const stop of out) if (stop.at !== null) last = stop.at = Math.max(stop.at, last);
  for (let i = 1; i < out.length; i++) {
    if (out[i]!.at !== null) continue;
    let end = i;
    while (out[end]!.at === null) end++;
    const from = out[i - 1]!.at!, step = (out[end]!.at! - from) / (end - i + 1);
    for (let k = i; k < end; k++) out[k]!.at = from + step * (k - i + 1);
  }
  return out as Stop[];
}

/** A canvas gradient wants places in 0…1: the line is stretched to the stops, repetitions are written out. */
function fill(make: (from: number, to: number) => CanvasGradient, stops: Stop[], repeat: boolean): CanvasGradient {
  let list = stops;
  const first = stops[0]!.at, span = stops[stops.length - 1]!.at - first;
  if (repeat && span > 0.001) {
    list = [];
    for (let k = Math.max(-200, Math.floor(-first / span) - 1); k <= Math.min(200, Math.ceil((1 - first) / span) + 1); k++) {
      for (const s of stops) list.push({ at: s.at + k * span, color: s.color });
    }
  }
  const from = Math.min(0, list[0]!.at), to = Math.max(1, list[list.length - 1]!.at);
  const gradient = make(from, to);
  for (const s of list) {
    try {
      gradient.addColorStop(Math.min(1, Math.max(0, (s.at - from) / (to - from))), s.color);
    } catch {
      // A colour that the canvas does not know.
    }
  }
  return gradient;
}

const kCorners: Record<string, number> = { top: 0, right: 90, bottom: 180, left: 270 };

function linearAngle(words: string, r: Rect): number {
  if (!words.startsWith('to ')) return words.endsWith('turn') ? px(words) * 360 : words.endsWith('rad') ? (px(words) * 180) / Math.PI : px(words);
  const sides = words.slice(3).split(' ');
  if (sides.length === 1) return kCorners[sides[0]!] ?? 180;
  // To a corner: the line is square to the other diagonal.
  const [x, y] = [sides.includes('right') ? 1 : -1, sides.includes('bottom') ? 1 : -1];
  return (Math.atan2(x * r.h, -y * r.w) * 180) / Math.PI;
}

function linear(g: OffscreenCanvasRenderingContext2D, parts: string[], r: Rect, repeat: boolean): CanvasGradient | null {
  let angle = 180;
  if (/^to |^[-+]?[\d.]+(deg|turn|rad)$/.test(parts[0] ?? '')) angle = linearAngle(parts.shift()!, r);
  const a = (angle * Math.PI) / 180;
  const size = Math.abs(r.w * Math.sin(a)) + Math.abs(r.h * Math.cos(a));
  const stops = gradientStops(parts, size);
  if (stops.length === 0) return null;
  const cx = r.x + r.w / 2, cy = r.y + r.h / 2, dx = Math.sin(a) * size, dy = -Math.cos(a) * size;
  return fill((f, t) => g.createLinearGradient(cx + dx * (f - 0.5), cy + dy * (f - 0.5), cx + dx * (t - 0.5), cy + dy * (t - 0.5)), stops, repeat);
}

export function position(words: string[], r: Rect, w = 0, h = 0): [number, number] {
  const named: Record<string, string> = { left: '0%', top: '0%', center: '50%', right: '100%', bottom: '100%' };
  const vertical = (v?: string) => v === 'top' || v === 'bottom';
  const list = words.length === 4 ? [words[0] === 'right' ? `calc(100% - ${words[1]})` : words[1]!, words[2] === 'bottom' ? `calc(100% - ${words[3]})` : words[3]!] : [...words];
  if (vertical(list[0])) list.reverse();
  const [x = 'center', y = 'center'] = list;
  return [r.x + length(named[x] ?? x, r.w - w), r.y + length(named[y] ?? y, r.h - h)];
}

function radial(g: OffscreenCanvasRenderingContext2D, parts: string[], r: Rect, repeat: boolean): { style: CanvasGradient; squeeze: number; cy: number } | null {
  let shape = '';
  if (!/^(#|rgb|hsl|color|lab|lch|ok)/.test(parts[0] ?? '') && /circle|ellipse|at |closest|farthest|^[\d.]+(px|%)( [\d.]+(px|%))?$/.test(parts[0] ?? '')) shape = parts.shift()!;
  const [what = '', where = ''] = shape.split(/ ?\bat /);
  const [cx, cy] = position(splitTop(where, ' '), r);
  const sizes = what.match(/[\d.]+(px|%)/g) ?? [];
  const near = what.includes('closest');
  const dx = near ? Math.min(cx - r.x, r.x + r.w - cx) : Math.max(cx - r.x, r.x + r.w - cx);
  const dy = near ? Math.min(cy - r.y, r.y + r.h - cy) : Math.max(cy - r.y, r.y + r.h - cy);
  const side = what.includes('-side');
  let rx = side ? dx : dx * Math.SQRT2, ry = side ? dy : dy * Math.SQRT2;
  if (what.includes('circle') || sizes.length === 1) rx = ry = side ? (near ? Math.min(dx, dy) : Math.max(dx, dy)) : Math.hypot(dx, dy);
  if (sizes[0]) rx = ry = length(sizes[0], r.w);
  if (sizes[1]) ry = length(sizes[1], r.h);
  const stops = gradientStops(parts, rx);
  if (stops.length === 0 || rx <= 0 || ry <= 0) return null;
  return { style: fill((_f, t) => g.createRadialGradient(cx, cy, 0, cx, cy, rx * t), stops.map((s) => ({ ...s, at: Math.max(0, s.at) })), repeat), squeeze: ry / rx, cy };
}

function conic(g: OffscreenCanvasRenderingContext2D, parts: string[], r: Rect, repeat: boolean): CanvasGradient | null {
  let shape = '';
  if (/^from |at /.test(parts[0] ?? '')) shape = parts.shift()!;
  const from = px(/from ([-\d.]+)deg/.exec(shape)?.[1] ?? '0');
  const [cx, cy] = position(splitTop(/at (.*)$/.exec(shape)?.[1] ?? '', ' '), r);
  const stops = gradientStops(parts, 360);
  if (stops.length === 0) return null;
  return fill(() => g.createConicGradient(((from - 90) * Math.PI) / 180, cx, cy), stops, repeat);
}

const kGradient = /^(?:-webkit-)?(repeating-)?(linear|radial|conic)-gradient\(([\s\S]*)\)$/;
export const isGradient = (value: string): boolean => kGradient.test(value);

/** Fills `r` with a gradient. false: not one that this draws. */
export function fillGradient(g: OffscreenCanvasRenderingContext2D, value: string, r: Rect): boolean {
  const m = kGradient.exec(value);
  if (!m) return false;
  const [, again, kind, inside = ''] = m;
  // `in oklab` and the like choose a way of blending that a canvas has not.
  const parts = splitTop(inside).map((p) => p.replace(/ ?\bin [a-z0-9-]+( (longer|shorter) hue)?/, '')).filter((p) => p !== '');
  if (kind === 'radial') {
    const made = radial(g, parts, r, !!again);
    if (!made) return false;
    g.save();
    g.beginPath();
    g.rect(r.x, r.y, r.w, r.h);
    g.clip();
    g.translate(0, made.cy);
    g.scale(1, made.squeeze);
    g.translate(0, -made.cy);
    g.fillStyle = made.style;
    const up = (r.y - made.cy) / made.squeeze + made.cy;
    g.fillRect(r.x, up, r.w, r.h / made.squeeze);
    g.restore();
    return true;
  }
  const style = kind === 'linear' ? linear(g, parts, r, !!again) : conic(g, parts, r, !!again);
  if (!style) return false;
  g.fillStyle = style;
  g.fillRect(r.x, r.y, r.w, r.h);
  return true;
}
