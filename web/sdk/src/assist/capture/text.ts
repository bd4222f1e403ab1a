// Text as the browser has broken it into lines, drawn with the page's own fonts.
import { dotted } from '../private_fields';
import type { Rect } from './affine';
import { px, shadows } from './css';

type G = OffscreenCanvasRenderingContext2D;

export interface Font {
  font: string;
  /** In pixels, as a canvas takes them. */
  letterSpacing: string;
  wordSpacing: string;
  kerning: CanvasFontKerning;
  direction: CanvasDirection;
  ascent: number;
  descent: number;
}

/** A line that an element draws under, over or through the text in it. */
export interface Decoration {
  lines: string;
  style: string;
  color: string;
  thickness: number;
  offset: number;
}

export interface Line {
  text: string;
  rect: Rect;
}

const kCaps = /^(small-caps|all-small-caps|petite-caps|unicase|titling-caps)$/;

const kMaxKnown = 500;
const kMaxWidths = 5000;

/** A canvas knows the fonts of the document whose window made it, and no others. */
export function canvasOf(document_: Document | null, alpha = true): G {
  const { OffscreenCanvas: Own } = (document_?.defaultView ?? window) as Window & typeof globalThis;
  return new Own(1, 1).getContext('2d', { alpha })!;
}

/** Whether a frame's words may look otherwise on a canvas of the document around it: one of the two has fonts of its own. */
export function hasOtherFonts(inside: Document, around: Document): boolean {
  // Those that were not loaded yet count, too: a canvas that is told to use one loads it.
  return [inside, around].some(({ fonts }) => fonts?.size > 0);
}

class Known {
  readonly heights = new Map<string, { ascent: number; descent: number }>();
  readonly widths = new Map<string, number>();

  constructor(readonly g: G) {}
}

/** Sets fonts on a context and remembers their heights, and how wide texts are in them. */
export class Fonts {
  private page_ = new Known(canvasOf(null));
  private frames_ = new WeakMap<Document, Known>();
  /** Of the document that is walked or painted now. */
  private now_ = this.page_;
  /** Computed styles are asked for anew in every walk: this lasts as long as one. */
  private byStyle_ = new WeakMap<CSSStyleDeclaration, Font>();

  get measuring(): G {
    return this.now_.g;
  }

  /** Fonts have been loaded: heights and widths are no longer what they were. */
  forget(): void {
    this.now_ = this.page_ = new Known(this.page_.g);
    this.frames_ = new WeakMap();
    this.byStyle_ = new WeakMap();
  }

  /** Does something with the fonts of a frame's document. */
  inside(document_: Document, work: () => void): void {
    const before = this.now_;
    let known = this.frames_.get(document_);
    if (!known) this.frames_.set(document_, (known = new Known(canvasOf(document_))));
    this.now_ = known;
    try {
      work();
    } finally {
      this.now_ = before;
    }
  }

  of(cs: CSSStyleDeclaration): Font {
    let font = this.byStyle_.get(cs);
    if (!font) this.byStyle_.set(cs, (font = this.read(cs)));
    return font;
  }

  set(g: G, cs: CSSStyleDeclaration): Font {
    const font = this.of(cs);
    if (g.font !== font.font) g.font = font.font;
    g.letterSpacing = font.letterSpacing;
    g.wordSpacing = font.wordSpacing;
    g.fontKerning = font.kerning;
    g.textBaseline = 'alphabetic';
    g.textAlign = 'left';
    g.direction = font.direction;
    return font;
  }

  /** `g` is set to the font. */
  width(g: G, font: Font, text: string): number {
    const key = `${font.font}|${font.letterSpacing}|${font.wordSpacing}|${text}`;
    const { widths } = this.now_;
    let width = widths.get(key);
    if (width === undefined) {
      if (widths.size > kMaxWidths) widths.clear();
      widths.set(key, (width = g.measureText(text).width));
    }
    return width;
  }

  private read(cs: CSSStyleDeclaration): Font {
    const caps = kCaps.test(cs.fontVariantCaps) ? 'small-caps ' : '';
    const font = `${cs.fontStyle} ${caps}${cs.fontWeight} ${cs.fontSize} ${cs.fontFamily}`;
    const { letterSpacing, wordSpacing } = cs;
    const known = this.now_.heights;
    let heights = known.get(font);
    if (!heights) {
      this.measuring.font = font;
      const m = this.measuring.measureText('Hg');
      heights = { ascent: Math.round(m.fontBoundingBoxAscent), descent: Math.round(m.fontBoundingBoxDescent) };
      if (known.size > kMaxKnown) known.clear();
      known.set(font, heights);
    }
    return {
      font, letterSpacing: letterSpacing === 'normal' ? '0px' : letterSpacing, wordSpacing: wordSpacing === 'normal' ? '0px' : wordSpacing,
      kerning: (cs.fontKerning as CanvasFontKerning) || 'auto', direction: cs.direction as CanvasDirection, ...heights,
    };
  }
}

interface Broken {
  key: string;
  data: string;
  lines: string[];
}
const broken = new WeakMap<Text, Broken>();

/** Lines of a text node: where they lie and what is in them. `local` turns what the browser reports into local coordinates. */
export function linesOf(t: Text, cs: CSSStyleDeclaration, local: (r: DOMRect) => Rect): Line[] {
  const range = t.ownerDocument.createRange();
  range.selectNodeContents(t);
  const rects: Rect[] = [];
  for (const r of range.getClientRects()) {
    if (r.width === 0) continue;
    const at = local(r), last = rects[rects.length - 1];
    // The same line in pieces (bidi, ligatures).
    if (last && Math.abs(last.y - at.y) < 1 && Math.abs(last.x + last.w - at.x) < 1) last.w = at.x + at.w - last.x;
    else rects.push({ ...at });
  }
  if (rects.length === 0) return [];
  const texts = rects.length === 1 ? [t.data] : [...breaks(t, rects, cs, range, local)];
  if (/^\s/.test(texts[0]!)) {
    // Whether the space in front is shown cannot be seen from the whole line.
    const end = texts[0]!.search(/\S/);
    range.setStart(t, 0);
    range.setEnd(t, end < 0 ? texts[0]!.length : end);
    if (!/^(pre|pre-wrap|break-spaces)$/.test(cs.whiteSpace) && ![...range.getClientRects()].some((r) => r.width > 0)) texts[0] = texts[0]!.trimStart();
  }
  return rects.map((rect, i) => ({ rect, text: texts[i]! }));
}

function breaks(t: Text, rects: Rect[], cs: CSSStyleDeclaration, range: Range, local: (r: DOMRect) => Rect): string[] {
  const key = `${rects.length} ${rects.map((r) => r.w.toFixed(1)).join(' ')} ${cs.fontSize}`;
  const known = broken.get(t);
  if (known && known.key === key && known.data === t.data) return known.lines;
  const n = t.data.length, lines: string[] = [];
  // Where the character at `i` is, or the next one that is anywhere (white space that is not shown is nowhere).
  const place = (i: number): Rect | null => {
    for (let k = i; k < Math.min(n, i + 40); k++) {
      range.setStart(t, k);
      range.setEnd(t, k + 1);
      for (const r of range.getClientRects()) if (r.width > 0) return local(r);
    }
    return null;
  };
  let start = 0;
  for (let i = 0; i < rects.length; i++) {
    let low = n;
    if (i < rects.length - 1) {
      const line = rects[i]!;
      const inLine = (r: Rect | null) => r !== null && Math.abs(r.y - line.y) < line.h * 0.6 && r.x > line.x - 2 && r.x < line.x + line.w + 2;
      let high = n;
      low = Math.min(start + 1, n);
      while (low < high) {
        const mid = (low + high + 1) >> 1;
        if (inLine(place(mid - 1))) low = mid;
        else high = mid - 1;
      }
    }
    lines.push(t.data.slice(start, low));
    start = low;
  }
  broken.set(t, { key, data: t.data, lines });
  return lines;
}

export function transformed(text: string, how: string): string {
  if (how === 'uppercase') return text.toUpperCase();
  if (how === 'lowercase') return text.toLowerCase();
  if (how === 'capitalize') return text.replace(/(^|[\s\-([{"'/])(\p{L})/gu, (_, before: string, c: string) => before + c.toUpperCase());
  return text;
}

/** White space as it is shown: collapsed, and gone at the ends of a line. */
export function shown(text: string, cs: CSSStyleDeclaration, first: boolean, last: boolean): string {
  const keeps = /^(pre|pre-wrap|break-spaces)$/.test(cs.whiteSpace);
  let s = text;
  if (keeps) s = s.replace(/[\n\r]/g, '').replace(/\t/g, ' '.repeat(Math.max(1, Math.min(16, px(cs.tabSize) || 8))));
  else {
    s = s.replace(/[ \t\n\r\f]+/g, ' ');
    if (!first) s = s.replace(/^ /, '');
    if (!last) s = s.replace(/ $/, '');
  }
  s = s.replace(/\u00ad$/, '-').replace(/\u00ad/g, '');
  return dotted(transformed(s, cs.textTransform), cs);
}

/** Cuts a text to a width, with an ellipsis. */
export function cut(g: G, text: string, width: number): string {
  if (g.measureText(text).width <= width) return text;
  const room = width - g.measureText('…').width;
  let low = 0, high = text.length;
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if (g.measureText(text.slice(0, mid)).width <= room) low = mid;
    else high = mid - 1;
  }
  return text.slice(0, Math.max(low, 1)) + '…';
}

/** Draws one line at its place; its words are spread until it is as wide as the browser made it (justified text, other hinting). */
export function drawLine(g: G, fonts: Fonts, cs: CSSStyleDeclaration, text: string, r: Rect, scale: number, fillStyle: string | null): void {
  const font = fonts.set(g, cs);
  const baseline = Math.round((r.y + (r.h - (font.ascent + font.descent)) / 2 + font.ascent) * scale) / scale;
  let s = text;
  let measured = fonts.width(g, font, s);
  if (measured > r.w + 1 && s !== s.trim()) {
    s = s.endsWith(' ') ? s.trimEnd() : s.trimStart();
    measured = fonts.width(g, font, s);
  }
  const missing = r.w - measured;
  if (Math.abs(missing) > 0.75 && s.length > 1) {
    const gaps = s.split(' ').length - 1;
    if (gaps > 0 && (cs.textAlign === 'justify' || Math.abs(missing) / gaps < px(cs.fontSize))) g.wordSpacing = `${px(font.wordSpacing) + missing / gaps}px`;
    else if (gaps === 0 && Math.abs(missing) < r.w * 0.4) g.letterSpacing = `${px(font.letterSpacing) + missing / s.length}px`;
  }
  const rtl = font.direction === 'rtl', x = rtl ? r.x + r.w : r.x;
  if (rtl) g.textAlign = 'right';
  g.fillStyle = fillStyle ?? textColor(cs);
  const list = shadows(cs.textShadow);
  for (const shadow of list.reverse()) {
    g.shadowColor = shadow.color;
    g.shadowBlur = shadow.blur * scale;
    g.shadowOffsetX = shadow.x * scale;
    g.shadowOffsetY = shadow.y * scale;
    g.fillText(s, x, baseline);
  }
  if (list.length > 0) g.shadowColor = 'transparent';
  else g.fillText(s, x, baseline);
  const stroke = px((cs as unknown as Record<string, string>).webkitTextStrokeWidth ?? '');
  if (stroke > 0) {
    g.lineWidth = stroke;
    g.strokeStyle = (cs as unknown as Record<string, string>).webkitTextStrokeColor ?? cs.color;
    g.strokeText(s, x, baseline);
  }
  g.textAlign = 'left';
}

export function textColor(cs: CSSStyleDeclaration): string {
  return (cs as unknown as Record<string, string>).webkitTextFillColor || cs.color;
}

export function decorationOf(cs: CSSStyleDeclaration): Decoration | null {
  const lines = cs.textDecorationLine;
  if (!lines || lines === 'none') return null;
  const size = px(cs.fontSize), own = cs.textDecorationThickness;
  const thickness = own === 'auto' || own === 'from-font' || own === '' ? Math.max(1, Math.round(size / 16)) : Math.max(1, own.endsWith('%') ? (px(own) * size) / 100 : px(own));
  const offset = cs.textUnderlineOffset === 'auto' || !cs.textUnderlineOffset ? Math.max(1, Math.ceil(size / 20)) : px(cs.textUnderlineOffset);
  return { lines, style: cs.textDecorationStyle, color: cs.textDecorationColor, thickness, offset };
}

export function drawDecoration(g: G, d: Decoration, font: Font, r: Rect, scale: number): void {
  const baseline = Math.round((r.y + (r.h - (font.ascent + font.descent)) / 2 + font.ascent) * scale) / scale;
  const at: number[] = [];
  if (d.lines.includes('underline')) at.push(baseline + d.offset);
  if (d.lines.includes('line-through')) at.push(Math.round(baseline - font.ascent * 0.33));
  if (d.lines.includes('overline')) at.push(baseline - font.ascent);
  g.fillStyle = d.color;
  g.strokeStyle = d.color;
  for (const y of at) {
    if (d.style === 'solid' || d.style === 'double') g.fillRect(r.x, y, r.w, d.thickness);
    if (d.style === 'double') g.fillRect(r.x, y + 2 * d.thickness, r.w, d.thickness);
    if (d.style === 'dotted' || d.style === 'dashed') {
      g.lineWidth = d.thickness;
      g.setLineDash(d.style === 'dotted' ? [d.thickness, d.thickness] : [d.thickness * 3, d.thickness * 2]);
      g.beginPath();
      g.moveTo(r.x, y + d.thickness / 2);
      g.lineTo(r.x + r.w, y + d.thickness / 2);
      g.stroke();
      g.setLineDash([]);
    }
    if (d.style === 'wavy') {
      g.lineWidth = d.thickness;
      g.beginPath();
      for (let x = 0; x <= r.w; x += 1) g.lineTo(r.x + x, y + d.thickness + Math.sin((x / (4 * d.thickness)) * Math.PI) * 1.5 * d.thickness);
      g.stroke();
    }
  }
}
