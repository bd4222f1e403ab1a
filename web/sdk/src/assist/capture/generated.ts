// What CSS adds to the page: ::before and ::after, list markers. Their boxes cannot be asked for: they are worked out.
import { snapped, type Rect } from './affine';
import { borderWidths, frameOf, paddings, paintBox } from './box';
import { cssString, isClear, length, px, splitTop, transformOf, urlOf, veils } from './css';
import { seenRect } from './dirty';
import { fixedPart, fixedRect, type Which } from './fixed_part';
import { newLayer, styleOf, type Scan, type Walk } from './scan';
import { drawLine, transformed } from './text';
import { about, multiply } from './affine';
import { paintVeil } from './veil';
import { dotted } from '../private_fields';

interface Content {
  text: string;
  url: string | null;
}

function contentOf(value: string, element: Element): Content | null {
  let text = '', url: string | null = null;
  for (const part of splitTop(value.split(' / ')[0]!, ' ')) {
    const string = cssString(part);
    if (string !== null) text += string;
    else if (part.startsWith('url(')) url = urlOf(part);
    else if (part.startsWith('attr(')) text += element.getAttribute(part.slice(5, -1)) ?? '';
    else if (part === 'open-quote') text += '“';
    else if (part === 'close-quote') text += '”';
    else if (part.startsWith('counter')) text += counterText(element);
    else return null;
  }
  return { text, url };
}

/** Counters are not to be read; the usual one counts the siblings. */
function counterText(element: Element): string {
  let n = 1;
  for (let at = element.previousElementSibling; at; at = at.previousElementSibling) if (at.localName === element.localName) n++;
  return String(n);
}

export function pseudoElement(scan: Scan, el: Element, which: Which, cs: CSSStyleDeclaration, walk: Walk, host: Rect): void {
  const own = styleOf(el, which);
  const { content } = own;
  if (content === 'none' || content === 'normal' || content === '' || own.display === 'none') return;
  if (own.visibility !== 'visible') return;
  const made = contentOf(content, el);
  if (!made) return;
  const out = own.position === 'absolute' || own.position === 'fixed';
  const rect = own.position === 'fixed' && !walk.space.inner ? inWindow(scan, el, which, walk) : out ? absoluteRect(own, cs, el, host, scan, made.text) : inlineRect(scan, el, which, own, cs, walk, host, made.text);
  if (!rect) return;
  let inside = walk;
  if (out || own.position === 'relative' || own.opacity !== '1') {
    const layer = newLayer(own.zIndex === 'auto' ? 0 : Number(own.zIndex));
    layer.opacity = Number(own.opacity);
    (layer.z < 0 ? walk.context.under : layer.z > 0 ? walk.context.over : walk.context.level).push(layer);
    inside = { ...walk, layer, clip: own.position === 'fixed' ? walk.fixed : walk.clip };
  }
  const turned = transformOf(own, rect.w, rect.h);
  const shift = turned ? null : /^matrix\(1, 0, 0, 1, ([-\d.]+), ([-\d.]+)\)$/.exec(own.transform);
  const at = shift ? { ...rect, x: rect.x + Number(shift[1]), y: rect.y + Number(shift[2]) } : rect;
  if (turned) {
    const [ox = 0, oy = 0] = own.transformOrigin.split(' ').map(px);
    const m = about(turned.mat, rect.x + ox, rect.y + oy);
    inside = { ...inside, space: { ...walk.space, mat: walk.space.mat ? multiply(walk.space.mat, m) : m } };
  }
  const box = inside.space.mat ? at : snapped(at, scan.options.scale);
  if (veils(own)) scan.push(inside, box, (brush) => paintVeil(brush, own, box));
  if (!isClear(own.backgroundColor) || own.backgroundImage !== 'none' || own.boxShadow !== 'none' || borderWidths(own).some((v) => v > 0)) {
    scan.push(inside, box, (brush) => paintBox(brush, own, box, el), own.boxShadow === 'none' ? 2 : 60);
  }
  if (made.url !== null) {
    const { url } = made;
    scan.push(inside, box, (brush) => {
      const image = brush.images.background(url, el);
      if (image) brush.g.drawImage(image.source, at.x, at.y, at.w || image.width, at.h || image.height);
    });
  }
  if (made.text.trim() === '') return;
  text(scan, inside, own, made.text, at);
}

/** As the page shows it: in capitals, or as dots. */
const shown = (content: string, own: CSSStyleDeclaration): string => dotted(transformed(content, own.textTransform), own);

function text(scan: Scan, walk: Walk, own: CSSStyleDeclaration, content: string, box: Rect): void {
  const { fonts, scale } = scan.options;
  const font = fonts.set(fonts.measuring, own);
  const s = shown(content, own);
  const width = fonts.measuring.measureText(s).width;
  const w = borderWidths(own), p = paddings(own);
  const left = box.x + w[3] + p[3], room = box.w - w[1] - w[3] - p[1] - p[3];
  const flexed = /flex|grid/.test(own.display);
  const middle = own.textAlign === 'center' || (flexed && own.justifyContent === 'center');
  const x = middle ? left + (room - width) / 2 : own.textAlign === 'right' ? left + room - width : left;
  const height = box.h - w[0] - w[2] - p[0] - p[2];
  const lineHeight = own.lineHeight === 'normal' || own.display === 'inline' || (flexed && own.alignItems === 'center') ? Math.max(height, font.ascent + font.descent) : px(own.lineHeight);
  const y = box.y + w[0] + p[0] + (lineHeight - font.ascent - font.descent) / 2;
  const at = { x, y, w: width, h: font.ascent + font.descent };
  scan.push(walk, at, (brush) => drawLine(brush.g, brush.fonts, own, s, at, scale, null), 8);
}

function size(own: CSSStyleDeclaration, scan: Scan, content: string): { w: number; h: number } {
  const { fonts } = scan.options;
  const font = fonts.set(fonts.measuring, own);
  const extra = frameOf(own), more = own.boxSizing === 'border-box' ? { w: 0, h: 0 } : extra;
  const auto = (v: string) => v === 'auto' || v === '';
  return {
    w: auto(own.width) ? (content ? fonts.measuring.measureText(shown(content, own)).width : 0) + extra.w : px(own.width) + more.w,
    h: auto(own.height) ? (content ? (own.lineHeight === 'normal' || own.display === 'inline' ? font.ascent + font.descent : px(own.lineHeight)) : 0) + extra.h : px(own.height) + more.h,
  };
}

/** Where it stays while the page, or its frame, scrolls, which is kept in mind. */
function inWindow(scan: Scan, el: Element, which: Which, { space }: Walk): Rect | null {
  const rect = fixedRect(el, which);
  if (!rect) return null;
  const frame = el.ownerDocument !== document;
  scan.options.seen.set(fixedPart(el, which), { rect: frame ? seenRect(el, rect) : rect, leaf: true, fixed: true, frame, pin: !frame });
  return frame ? { ...rect, x: rect.x + space.dx, y: rect.y + space.dy } : rect;
}

/** Against the padding box of the element when it is positioned, else of the nearest positioned element around it. */
function absoluteRect(own: CSSStyleDeclaration, cs: CSSStyleDeclaration, el: Element, host: Rect, scan: Scan, content: string): Rect | null {
  let frame = host, style = cs;
  if (cs.position === 'static' && cs.transform === 'none') {
    const holder = (el as HTMLElement).offsetParent;
    if (!holder) return null;
    const mine = el.getBoundingClientRect(), r = holder.getBoundingClientRect();
    frame = { x: host.x + r.x - mine.x, y: host.y + r.y - mine.y, w: r.width, h: r.height };
    style = styleOf(holder);
  }
  const w = borderWidths(style);
  const area = { x: frame.x + w[3], y: frame.y + w[0], w: frame.w - w[1] - w[3], h: frame.h - w[0] - w[2] };
  const { w: width, h: height } = size(own, scan, content);
  // Used values: browsers report left and top in pixels for boxes out of the flow.
  const x = own.left !== 'auto' ? area.x + length(own.left, area.w) : area.x + area.w - width - length(own.right, area.w);
  const y = own.top !== 'auto' ? area.y + length(own.top, area.h) : area.y + area.h - height - length(own.bottom, area.h);
  return { x: x + px(own.marginLeft), y: y + px(own.marginTop), w: width, h: height };
}

/** In the flow: right before the first or right after the last thing in the element. */
function inlineRect(scan: Scan, el: Element, which: string, own: CSSStyleDeclaration, cs: CSSStyleDeclaration, walk: Walk, host: Rect, content: string): Rect | null {
  const box = size(own, scan, content);
  const before = which === '::before';
  const w = borderWidths(cs), p = paddings(cs);
  const area = { x: host.x + w[3] + p[3], y: host.y + w[0] + p[0], w: host.w - w[1] - w[3] - p[1] - p[3], h: host.h - w[0] - w[2] - p[0] - p[2] };
  const [top, right, , left] = [px(own.marginTop), px(own.marginRight), 0, px(own.marginLeft)];
  const range = el.ownerDocument.createRange();
  range.selectNodeContents(el);
  const rects = [...range.getClientRects()].filter((r) => r.width > 0 && r.height > 0);
  const edge = before ? rects[0] : rects[rects.length - 1];
  const seen = edge ? scan.local(walk, edge) : null;
  if (/^(block|flex|grid|table)$/.test(own.display) && !/flex|grid/.test(cs.display)) {
    const y = before ? area.y : area.y + area.h - box.h;
    return { x: area.x + left, y: y + (before ? top : 0), w: own.width === 'auto' ? area.w : box.w, h: box.h };
  }
  if (/flex/.test(cs.display)) {
    const column = cs.flexDirection.startsWith('column');
    const across = column ? area.w - box.w : area.h - box.h;
    const off = cs.alignItems === 'center' || own.alignSelf === 'center' ? across / 2 : cs.alignItems.includes('end') ? across : 0;
    const end = column ? area.y + area.h - box.h : area.x + area.w - box.w - right;
    // Before the first item, but never outside of the box.
    const start = column ? area.y : seen && cs.justifyContent !== 'normal' && cs.justifyContent !== 'flex-start' && before ? Math.max(area.x, seen.x - box.w - right - px(cs.columnGap)) : area.x + left;
    const main = before ? start : !column && seen && cs.justifyContent !== 'space-between' ? Math.min(end, seen.x + seen.w + left + px(cs.columnGap)) : end;
    return column ? { x: area.x + off, y: main, ...box } : { x: main, y: area.y + off, ...box };
  }
  if (!seen) return { x: area.x + (cs.textAlign === 'center' ? (area.w - box.w) / 2 : left), y: area.y + Math.max(0, (area.h - box.h) / 2), ...box };
  const x = before ? Math.max(own.position === 'relative' || px(own.marginLeft) < 0 ? -1e9 : area.x, seen.x - box.w - right) : seen.x + seen.w + left;
  const y = seen.y + (seen.h - box.h) / 2;
  return { x: x + px(own.left) - (own.left === 'auto' ? px(own.right) : 0), y: y + px(own.top) - (own.top === 'auto' ? px(own.bottom) : 0), ...box };
}

const kRoman: [number, string][] = [[1000, 'm'], [900, 'cm'], [500, 'd'], [400, 'cd'], [100, 'c'], [90, 'xc'], [50, 'l'], [40, 'xl'], [10, 'x'], [9, 'ix'], [5, 'v'], [4, 'iv'], [1, 'i']];

export function markerText(type: string, n: number): string | null {
  const letters = (v: number) => {
    let s = '';
    for (let k = v; k > 0; k = Math.floor((k - 1) / 26)) s = String.fromCharCode(97 + ((k - 1) % 26)) + s;
    return s;
  };
  let roman = '', rest = n;
  if (type.endsWith('roman')) for (const [value, digits] of kRoman) for (; rest >= value; rest -= value) roman += digits;
  switch (type) {
    case 'decimal': return `${n}.`;
    case 'decimal-leading-zero': return `${String(n).padStart(2, '0')}.`;
    case 'lower-alpha': case 'lower-latin': return `${letters(n)}.`;
    case 'upper-alpha': case 'upper-latin': return `${letters(n).toUpperCase()}.`;
    case 'lower-roman': return `${roman}.`;
    case 'upper-roman': return `${roman.toUpperCase()}.`;
    case 'disclosure-open': return '▾';
    case 'disclosure-closed': return '▸';
    default: return cssString(type);
  }
}

function ordinal(el: Element): number {
  const list = el.parentElement as HTMLOListElement | null;
  let n = list?.localName === 'ol' ? list.start : 1;
  for (const item of list?.children ?? []) {
    if (item.localName !== 'li') continue;
    if (item.hasAttribute('value')) n = (item as HTMLLIElement).value;
    if (item === el) return n;
    n++;
  }
  return n;
}

export function paintMarker(scan: Scan, el: Element, cs: CSSStyleDeclaration, walk: Walk, rect: Rect): void {
  const type = cs.listStyleType;
  const image = cs.listStyleImage !== 'none' ? urlOf(cs.listStyleImage) : null;
  if (type === 'none' && !image) return;
  const { fonts, scale } = scan.options;
  const own = styleOf(el, '::marker');
  const font = fonts.set(fonts.measuring, cs);
  const range = el.ownerDocument.createRange();
  range.selectNodeContents(el);
  const first = [...range.getClientRects()].find((r) => r.height > 0);
  const line = first ? scan.local(walk, first) : { ...rect, h: px(cs.lineHeight) || font.ascent + font.descent };
  const outside = cs.listStylePosition === 'outside';
  const top = line.y + (line.h - font.ascent - font.descent) / 2, color = own.color || cs.color;
  if (image) {
    scan.push(walk, { x: rect.x - 30, y: top, w: 30, h: 20 }, (brush) => {
      const picture = brush.images.background(image, el);
      if (picture) brush.g.drawImage(picture.source, rect.x - picture.width - 7, top + font.ascent - picture.height);
    });
    return;
  }
  if (type === 'disc' || type === 'circle' || type === 'square') {
    // As Chromium places them: two thirds of the ascent and seven pixels away.
    const reach = Math.floor((font.ascent * 2) / 3), d = Math.max(2, Math.floor((reach + 1) / 2));
    const x = Math.round(outside ? rect.x - reach - 7 : rect.x + 1), y = Math.round(top + Math.floor((3 * (font.ascent - reach)) / 2));
    scan.push(walk, { x, y, w: d, h: d }, ({ g }) => {
      g.fillStyle = g.strokeStyle = color;
      g.lineWidth = 1;
      if (type === 'square') return g.fillRect(x, y, d, d);
      g.beginPath();
      g.arc(x + d / 2, y + d / 2, type === 'disc' ? d / 2 : d / 2 - 0.5, 0, 2 * Math.PI);
      if (type === 'disc') g.fill();
      else g.stroke();
    });
    return;
  }
  const s = markerText(type, ordinal(el));
  if (!s) return;
  const shownText = own.content && own.content !== 'normal' ? (cssString(own.content) ?? s) : `${s} `;
  const width = fonts.measuring.measureText(shownText).width;
  const at = { x: outside ? rect.x - width : rect.x, y: top, w: width, h: font.ascent + font.descent };
  scan.push(walk, at, (brush) => drawLine(brush.g, brush.fonts, cs, shownText, at, scale, color));
}
