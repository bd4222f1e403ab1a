// Boxes: shadows, backgrounds, borders, outlines.
import { addPath, type Brush } from './brush';
import { paintBackgrounds } from './background';
import { inner, isClear, px, radii, shadows, type Radii } from './css';
import type { Rect } from './affine';
import { innerShadow, outerShadow } from './shadow';

const kSides = ['Top', 'Right', 'Bottom', 'Left'] as const;
type Four = [number, number, number, number];

const kNone: Four = [0, 0, 0, 0];

/** `1px`, `1px 2px`, … as four numbers. */
function four(value: string): Four {
  if (value === '0px') return kNone;
  const parts = value.split(' ').map(px);
  const [top = 0, right = top, bottom = top, left = right] = parts;
  return [top, right, bottom, left];
}

/** Asked for several times in a walk, for which a computed style is one object. */
const widths = new WeakMap<CSSStyleDeclaration, Four>();

/** Widths of top, right, bottom and left border. One question to the browser is cheaper than four. */
export function borderWidths(cs: CSSStyleDeclaration): Four {
  let known = widths.get(cs);
  if (!known) widths.set(cs, (known = cs.borderWidth ? four(cs.borderWidth) : [px(cs.borderTopWidth), px(cs.borderRightWidth), px(cs.borderBottomWidth), px(cs.borderLeftWidth)]));
  return known;
}

export function paddings(cs: CSSStyleDeclaration): Four {
  const { padding } = cs;
  return padding ? four(padding) : [px(cs.paddingTop), px(cs.paddingRight), px(cs.paddingBottom), px(cs.paddingLeft)];
}

/** What borders and paddings add to what is in a box. */
export function frameOf(cs: CSSStyleDeclaration): { w: number; h: number } {
  const b = borderWidths(cs), p = paddings(cs);
  return { w: b[1] + b[3] + p[1] + p[3], h: b[0] + b[2] + p[0] + p[2] };
}

export const inset = (r: Rect, [t, rt, b, l]: Four): Rect => ({ x: r.x + l, y: r.y + t, w: Math.max(0, r.w - l - rt), h: Math.max(0, r.h - t - b) });

/** The dark and the light colour of a border that looks carved, as Chromium makes them; of what is nearly black both are lighter. */
function carved(color: string): string[] {
  const m = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(.*)/.exec(color);
  if (!m) return [color, color];
  const own = [m[1], m[2], m[3]].map(Number);
  const seen = own.reduce((sum, v, i) => sum + [0.21, 0.72, 0.07][i]! * v ** 2.2, 0);
  const shade = (from: number[], by: number) => {
    const most = Math.max(...from);
    return from.map((v) => (most ? (v / most) * Math.min(255, Math.max(0, most + by)) : by));
  };
  const light = shade(own, 84);
  return (seen < 2130 ? [light, shade(light, 84)] : [shade(own, -84), seen > 164000 ? own : light]).map((parts) => `rgb(${parts}${m[4]}`);
}

function ring(r: Rect, q: Radii | null, w: Four): Path2D {
  const path = new Path2D();
  addPath(path, r, q);
  addPath(path, inset(r, w), inner(q, ...w));
  return path;
}

function strokeDashed(g: OffscreenCanvasRenderingContext2D, r: Rect, q: Radii | null, w: Four, side: number, style: string, color: string): void {
  const width = w[side]!;
  g.strokeStyle = color;
  g.lineWidth = width;
  const dash = style === 'dotted' && width > 1 ? [0, width * 2] : style === 'dotted' ? [1, 1] : [width > 2 ? width * 2 : width * 3, width > 2 ? width : width * 2];
  g.lineCap = style === 'dotted' && width > 1 ? 'round' : 'butt';
  const half = w.map((v) => v / 2) as Four;
  const mid = inset(r, half);
  g.beginPath();
  const uniform = w.every((v) => v === width);
  if (q && uniform) {
    if (side === 0) addPath(g, mid, inner(q, ...half));
  } else {
    const [x2, y2] = [mid.x + mid.w, mid.y + mid.h];
    const line = [[mid.x, mid.y, x2, mid.y], [x2, mid.y, x2, y2], [mid.x, y2, x2, y2], [mid.x, mid.y, mid.x, y2]][side]!;
    g.moveTo(line[0]!, line[1]!);
    g.lineTo(line[2]!, line[3]!);
    const long = side % 2 === 0 ? mid.w : mid.h;
    // Whole dashes from corner to corner.
    const period = dash[0]! + dash[1]!;
    if (long > period * 2) dash[1] = dash[1]! * (1 + (long - Math.floor(long / period) * period - (style === 'dotted' ? 0 : dash[0]!)) / (Math.max(1, Math.floor(long / period)) * dash[1]!));
  }
  g.setLineDash(dash.map((v) => Math.max(0, v)));
  g.stroke();
  g.setLineDash([]);
  g.lineCap = 'butt';
}

function sidePath(r: Rect, widths: Four, side: number, round: boolean): Path2D {
  // Between round corners the cut goes on to where the sides meet.
  const far = round ? Math.min(r.w / (widths[1] + widths[3] || 1), r.h / (widths[0] + widths[2] || 1)) : 1;
  const [t, rt, b, l] = widths.map((v) => v * far) as Four, x2 = r.x + r.w, y2 = r.y + r.h;
  const points = [
    [r.x, r.y, x2, r.y, x2 - rt, r.y + t, r.x + l, r.y + t],
    [x2, r.y, x2, y2, x2 - rt, y2 - b, x2 - rt, r.y + t],
    [r.x, y2, x2, y2, x2 - rt, y2 - b, r.x + l, y2 - b],
    [r.x, r.y, r.x, y2, r.x + l, y2 - b, r.x + l, r.y + t],
  ][side]!;
  const path = new Path2D();
  path.moveTo(points[0]!, points[1]!);
  // To the middle when the sides are the whole box (a triangle made of borders).
  for (let i = 2; i < 8; i += 2) path.lineTo(points[i]!, points[i + 1]!);
  path.closePath();
  return path;
}

export function paintBorders({ g }: Brush, cs: CSSStyleDeclaration, r: Rect, q: Radii | null, w: Four): void {
  if (w.every((v) => v === 0)) return;
  const styles = kSides.map((s) => cs[`border${s}Style`]), colors = kSides.map((s) => cs[`border${s}Color`]);
  const seen = [0, 1, 2, 3].filter((i) => w[i]! > 0 && styles[i] !== 'none' && styles[i] !== 'hidden' && !isClear(colors[i]!));
  if (seen.length === 0) return;
  const first = seen[0]!;
  const same = seen.length === 4 && styles.every((s) => s === styles[0]) && colors.every((c) => c === colors[0]);
  if (same && (styles[first] === 'solid' || (styles[first] === 'double' && w[0] < 3))) {
    const half = w[0] / 2;
    if (q && w.every((v) => v === w[0]) && q.every((v) => v >= half)) {
      g.strokeStyle = colors[first]!;
      g.lineWidth = w[0];
      g.beginPath();
      addPath(g, inset(r, [half, half, half, half]), inner(q, half, half, half, half));
      g.stroke();
      return;
    }
    g.fillStyle = colors[first]!;
    g.fill(ring(r, q, w), 'evenodd');
    return;
  }
  if (!q && seen.every((i) => styles[i] === 'solid' && colors[i] === colors[first])) {
    g.fillStyle = colors[first]!;
    if (seen.includes(0)) g.fillRect(r.x, r.y, r.w, w[0]);
    if (seen.includes(1)) g.fillRect(r.x + r.w - w[1], r.y, w[1], r.h);
    if (seen.includes(2)) g.fillRect(r.x, r.y + r.h - w[2], r.w, w[2]);
    if (seen.includes(3)) g.fillRect(r.x, r.y, w[3], r.h);
    return;
  }
  for (const side of seen) {
    const style = styles[side]!;
    if (style === 'dashed' || style === 'dotted') {
      strokeDashed(g, r, q, w, side, style, colors[side]!);
      continue;
    }
    g.save();
    if (!same || style !== 'double') g.clip(sidePath(r, w, side, q !== null));
    const carves = /^[orig]/.test(style), raised = /^[or]/.test(style);
    // Of those one that is given no colour, as that of a frame or a rule, is light grey, and not the text's, as styles say. Tables' is the text's.
    const color = carves && colors[side] === cs.color && !cs.display.includes('table') ? 'rgb(238, 238, 238)' : colors[side]!;
    let outer = w, within = kNone, fills = [color, color];
    if (style === 'double') outer = within = w.map((v) => Math.round(v / 3)) as Four;
    else if (carves && (style.endsWith('set') || w[side]! >= 2)) {
      fills = carved(color);
      if (raised === (side % 3 === 0)) fills.reverse();
      if (!style.endsWith('set')) {
        // Halves; between round ones there is no seam.
        within = w.map((v, i) => (q || i % 3 ? Math.ceil : Math.floor)(v / 2)) as Four;
        outer = q ? w : (w.map((v, i) => v - within[i]!) as Four);
      }
    }
    g.fillStyle = fills[0]!;
    g.fill(ring(r, q, outer), 'evenodd');
    const rest = w.map((v, i) => v - within[i]!) as Four;
    g.fillStyle = fills[1]!;
    if (within !== kNone) g.fill(ring(inset(r, rest), inner(q, ...rest), within), 'evenodd');
    g.restore();
  }
}

export function paintOutline({ g }: Brush, cs: CSSStyleDeclaration, r: Rect, q: Radii | null): void {
  const style = cs.outlineStyle;
  if (style === 'none' || style === '') return;
  // `auto` is the browser's own focus ring.
  const own = style === 'auto';
  const width = own ? Math.max(2, px(cs.outlineWidth)) : px(cs.outlineWidth);
  if (width <= 0) return;
  const away = px(cs.outlineOffset) + width / 2 - (own ? 1 : 0);
  g.strokeStyle = cs.outlineColor;
  g.lineWidth = width;
  g.setLineDash(style === 'dashed' ? [width * 3, width * 2] : style === 'dotted' ? [width, width] : []);
  const at = { x: r.x - away, y: r.y - away, w: r.w + 2 * away, h: r.h + 2 * away };
  g.beginPath();
  addPath(g, at, inner(q, -away, -away, -away, -away) ?? (own ? ([2, 2, 2, 2, 2, 2, 2, 2] as Radii) : null));
  g.stroke();
  g.setLineDash([]);
}

/** The box of an element or of a pseudo-element; `r` is its border box on whole pixels. */
export function paintBox(brush: Brush, cs: CSSStyleDeclaration, r: Rect, element: Element, borders = true): void {
  if (r.w <= 0 && r.h <= 0) return;
  const { g } = brush;
  const q = radii(cs, r.w, r.h);
  const list = cs.boxShadow === 'none' ? [] : shadows(cs.boxShadow);
  if (list.length > 0) {
    const covered = cs.backgroundColor.startsWith('rgb(') && cs.backgroundClip === 'border-box';
    for (const s of [...list].reverse()) if (!s.inset) outerShadow(brush, s, r, q, covered);
  }
  const w = borderWidths(cs);
  if (!isClear(cs.backgroundColor) && cs.backgroundClip !== 'text') {
    const clip = cs.backgroundClip;
    const at = clip === 'padding-box' ? inset(r, w) : clip === 'content-box' ? inset(inset(r, w), paddings(cs)) : r;
    g.fillStyle = cs.backgroundColor;
    if (!q) g.fillRect(at.x, at.y, at.w, at.h);
    g.beginPath();
    if (q) addPath(g, at, clip === 'padding-box' ? inner(q, ...w) : q);
    if (q) g.fill();
  }
  if (cs.backgroundImage !== 'none') paintBackgrounds(brush, cs, r, q, element);
  for (const s of [...list].reverse()) if (s.inset) innerShadow(brush, s, inset(r, w), inner(q, ...w));
  if (borders) paintBorders(brush, cs, r, q, w);
}
