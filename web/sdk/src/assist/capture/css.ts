// Reads the few computed values that a canvas does not take as they are. Pure.
import type { Mat } from './affine';

export interface Shadow {
  color: string;
  x: number;
  y: number;
  blur: number;
  spread: number;
  inset: boolean;
}

/** Splits at a separator outside of parentheses and quotes. */
export function splitTop(value: string, separator: ',' | ' ' | '/' = ','): string[] {
  const out: string[] = [];
  let depth = 0, quote = '', start = 0;
  for (let i = 0; i < value.length; i++) {
    const c = value[i]!;
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '(') depth++;
    else if (c === ')') depth--;
    else if (c === separator && depth === 0) {
      out.push(value.slice(start, i).trim());
      start = i + 1;
    }
  }
  out.push(value.slice(start).trim());
  return out.filter((part) => part !== '');
}

export const px = (value: string): number => parseFloat(value) || 0;

/** A length or a percentage of `whole`; calc() with both is summed up. */
export function length(value: string, whole: number): number {
  if (value.endsWith('%') && !value.includes('(')) return (px(value) * whole) / 100;
  if (!value.startsWith('calc(')) return px(value);
  let sum = 0, sign = 1;
  for (const part of splitTop(value.slice(5, -1), ' ')) {
    if (part === '+' || part === '-') sign = part === '+' ? 1 : -1;
    else sum += sign * length(part, whole);
  }
  return sum;
}

const kLengths = /^[-+]?[\d.]/;

/** box-shadow and text-shadow, first on top. */
export function shadows(value: string): Shadow[] {
  if (value === 'none' || value === '') return [];
  return splitTop(value).map((one) => {
    const parts = splitTop(one, ' ');
    const [x = 0, y = 0, blur = 0, spread = 0] = parts.filter((p) => kLengths.test(p)).map(px);
    return { color: parts.find((p) => !kLengths.test(p) && p !== 'inset') ?? '#000', x, y, blur, spread, inset: parts.includes('inset') };
  });
}

const kClear = /^rgba\(.*, 0\)$|^transparent$|\/ 0\)$/;
export const isClear = (color: string): boolean => color === '' || kClear.test(color);

/** Without a look at its size, which costs. */
export function isTransformed(cs: CSSStyleDeclaration): boolean {
  const { transform, rotate, scale } = cs;
  return (transform !== 'none' && transform !== '') || (!!rotate && rotate !== 'none') || (!!scale && scale !== 'none');
}

/** The 2D part of transform and of the properties translate, rotate, scale; null: nothing but a shift, or nothing. */
export function transformOf(cs: CSSStyleDeclaration, w: number, h: number): { mat: Mat; hidden: boolean } | null {
  const { transform, rotate, scale } = cs;
  const single = (rotate && rotate !== 'none') || (scale && scale !== 'none');
  if ((transform === 'none' || transform === '') && !single) return null;
  if (!single && transform.startsWith('matrix(1, 0, 0, 1,')) return null;
  const text: string[] = [];
  const { translate } = cs;
  if (translate && translate !== 'none') {
    const [x = '0px', y = '0px'] = splitTop(translate, ' ');
    text.push(`translate(${length(x, w)}px, ${length(y, h)}px)`);
  }
  if (rotate && rotate !== 'none') {
    const parts = splitTop(rotate, ' ');
    text.push(parts.length === 1 ? `rotate(${parts[0]})` : parts.length === 4 ? `rotate3d(${parts.join(', ')})` : `rotate${parts[0]!.toUpperCase()}(${parts[1]})`);
  }
  if (scale && scale !== 'none') {
    const [x = '1', y = x] = splitTop(scale, ' ');
    text.push(`scale(${x}, ${y})`);
  }
  if (transform !== 'none') text.push(transform);
  const m = new DOMMatrix(text.join(' '));
  const flipped = m.m33 < 0 && (cs as { backfaceVisibility?: string }).backfaceVisibility === 'hidden';
  return { mat: [m.a, m.b, m.c, m.d, m.e, m.f], hidden: flipped };
}

/** It blurs what lies behind it: privacy screens do. */
export const veils = (cs: CSSStyleDeclaration): boolean =>
  /blur\((?!0px)/.test(cs.backdropFilter ?? (cs as unknown as { webkitBackdropFilter?: string }).webkitBackdropFilter ?? '');

export type Radii = [number, number, number, number, number, number, number, number];

/** Horizontal and vertical radius of the four corners, shrunk as CSS says when they do not fit; null: square. */
export function radii(cs: CSSStyleDeclaration, w: number, h: number): Radii | null {
  // One question where most boxes are square, or round alike.
  const { borderRadius } = cs;
  if (borderRadius === '0px') return null;
  if (/^[\d.]+px$/.test(borderRadius)) {
    const q = Math.min(px(borderRadius), w / 2, h / 2);
    return q > 0 ? [q, q, q, q, q, q, q, q] : null;
  }
  const all = [cs.borderTopLeftRadius, cs.borderTopRightRadius, cs.borderBottomRightRadius, cs.borderBottomLeftRadius];
  if (all.every((v) => v === '0px' || v === '')) return null;
  const out: number[] = [];
  for (const value of all) {
    const [x = '0px', y = x] = splitTop(value, ' ');
    out.push(length(x, w), length(y, h));
  }
  const [tlx, tly, trx, try_, brx, bry, blx, bly] = out as Radii;
  const fit = Math.min(1, w / (tlx + trx || 1), w / (blx + brx || 1), h / (tly + bly || 1), h / (try_ + bry || 1));
  const shrunk = out.map((v) => Math.max(0, v * fit)) as Radii;
  return shrunk.some((v) => v > 0) ? shrunk : null;
}

/** Radii of an edge that lies `top`, `right`, … further inside (or outside, when negative). */
export function inner(r: Radii | null, top: number, right: number, bottom: number, left: number): Radii | null {
  if (!r) return null;
  const less = (v: number, by: number) => (v === 0 ? 0 : Math.max(0, v - by));
  return [less(r[0], left), less(r[1], top), less(r[2], right), less(r[3], top), less(r[4], right), less(r[5], bottom), less(r[6], left), less(r[7], bottom)];
}

export function cssString(value: string): string | null {
  const m = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(value);
  if (!m) return null;
  return m[1]!.replace(/\\([0-9a-f]{1,6}) ?|\\([\s\S])/gi, (_, hex: string, c: string) => (hex ? String.fromCodePoint(parseInt(hex, 16)) : c));
}

/** url("…") → its address. */
export function urlOf(value: string): string | null {
  const m = /^url\((?:"((?:[^"\\]|\\.)*)"|([^)]*))\)$/.exec(value);
  return m ? (m[1] ?? m[2] ?? '').replace(/\\(.)/g, '$1') : null;
}

/** rgb/rgba/hex from a computed colour with its alpha changed. */
export function withAlpha(color: string, alpha: number): string {
  const m = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)/.exec(color);
  return m ? `rgba(${m[1]}, ${m[2]}, ${m[3]}, ${alpha})` : color;
}
