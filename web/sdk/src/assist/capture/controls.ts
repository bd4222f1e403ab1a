// Form controls: their values are no nodes of the page and their looks are the browser's own.
import { snapped, type Rect } from './affine';
import { borderWidths, inset, paddings } from './box';
import { addPath } from './brush';
import { kFirefox, paintToggle, paintBar, paintRange } from './native_looks';
import { isClear, px } from './css';
import { styleOf, type Scan, type Walk } from './scan';
import { cut, textColor, transformed, type Font } from './text';

type G = OffscreenCanvasRenderingContext2D;
type Field = HTMLInputElement | HTMLTextAreaElement;

const kButtons = new Set(['button', 'submit', 'reset']);
const kDates: Record<string, Intl.DateTimeFormatOptions> = {
  date: { year: 'numeric', month: '2-digit', day: '2-digit', timeZone: 'UTC' },
  'datetime-local': { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', timeZone: 'UTC' },
  time: { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' },
  month: { year: 'numeric', month: 'long', timeZone: 'UTC' },
};

const hasLook = (cs: CSSStyleDeclaration): boolean => cs.appearance !== 'none';

/** What a date field shows: in the words of the page's language. */
export function dateText(type: string, value: string, language: string): string {
  if (!value) return { date: 'dd/mm/yyyy', time: '--:--', 'datetime-local': 'dd/mm/yyyy, --:--', month: '--------- ----', week: 'Week --, ----' }[type] ?? '';
  if (type === 'week') return value.replace(/^(\d+)-W(\d+)$/, 'Week $2, $1');
  const at = new Date(type === 'time' ? `1970-01-01T${value}Z` : type === 'date' || type === 'month' ? value : `${value}Z`);
  if (Number.isNaN(at.getTime())) return value;
  try {
    return new Intl.DateTimeFormat(language || undefined, kDates[type]).format(at);
  } catch {
    // A page may claim a language that is none (`en_US`).
    return new Intl.DateTimeFormat(undefined, kDates[type]).format(at);
  }
}

export function paintControl(scan: Scan, el: HTMLInputElement, cs: CSSStyleDeclaration, walk: Walk, rect: Rect): void {
  const tag = el.localName;
  const at = walk.space.mat ? rect : snapped(rect, scan.options.scale);
  if (tag === 'progress' || tag === 'meter') return scan.push(walk, at, ({ g }) => paintBar(g, el, cs, at));
  if (tag === 'select') return select(scan, el as unknown as HTMLSelectElement, cs, walk, at);
  if (tag === 'textarea') return lines(scan, el as unknown as HTMLTextAreaElement, cs, walk, at);
  const type = el.type;
  if (type === 'checkbox' || type === 'radio') {
    if (hasLook(cs)) scan.push(walk, at, ({ g }) => paintToggle(g, el, cs, at));
    return;
  }
  if (type === 'range') return scan.push(walk, at, ({ g }) => paintRange(g, el, cs, at));
  if (type === 'color') return color(scan, el, cs, walk, at);
  if (type === 'image') return;
  if (kButtons.has(type)) return label(scan, cs, walk, at, el.value || { submit: 'Submit', reset: 'Reset' }[type] || '', 'center');
  if (type === 'file') return file(scan, el, cs, walk, at);
  if (type in kDates || type === 'week') return dates(scan, el, cs, walk, at);
  if (type !== 'hidden') single(scan, el, cs, walk, at);
}

function contentBox(cs: CSSStyleDeclaration, at: Rect): Rect {
  return inset(inset(at, borderWidths(cs)), paddings(cs));
}

/** Browsers round the room above a line down. */
const base = (font: Font, box: Rect): number => Math.round(box.y) + Math.floor((box.h - (font.ascent + font.descent)) / 2) + font.ascent;

/** Firefox shows each part of a date as a field of its own, with so much room at both sides (px). */
const kRoomOfPart = 3;

/** One line of text in a box that cuts it off; `parted`: numbers and words in it have room around them. */
function label(scan: Scan, cs: CSSStyleDeclaration, walk: Walk, at: Rect, text: string, align: string, right = 0, spread = '0px', parted = false): void {
  const box = contentBox(cs, at);
  box.w -= right;
  if (!text) return;
  const s = transformed(text, cs.textTransform);
  scan.push(walk, at, ({ g, fonts }) => {
    g.save();
    g.beginPath();
    g.rect(box.x, at.y, Math.max(0, box.w), at.h);
    g.clip();
    const font = fonts.set(g, cs);
    g.direction = 'ltr';
    if (spread !== '0px') g.letterSpacing = spread;
    const width = g.measureText(s).width;
    g.fillStyle = textColor(cs);
    if (parted) {
      let x = box.x;
      for (const [i, part] of s.split(/([\p{L}\p{N}]+)/u).entries()) {
        const room = i % 2 ? kRoomOfPart : 0;
        g.fillText(part, x + room, base(font, box));
        x += g.measureText(part).width + 2 * room;
      }
    } else {
      g.fillText(s, align === 'center' ? box.x + Math.max(0, (box.w - width) / 2) : align === 'right' ? box.x + box.w - width : box.x, base(font, box));
    }
    g.restore();
  });
}

const focusedIn = (el: Element): boolean => (el.getRootNode() as Document | ShadowRoot).activeElement === el;

function selectionOf(el: Field): [number, number] | null {
  try {
    return el.selectionStart === null || el.selectionEnd === null ? null : [el.selectionStart, el.selectionEnd];
  } catch {
    return null;
  }
}

function caret(g: G, cs: CSSStyleDeclaration, x: number, y: number, h: number): void {
  g.fillStyle = cs.caretColor === 'auto' || isClear(cs.caretColor) ? cs.color : cs.caretColor;
  g.fillRect(Math.round(x), Math.round(y), 1, Math.round(h));
}

function single(scan: Scan, el: HTMLInputElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  const box = contentBox(cs, at);
  const empty = el.value === '';
  const focused = focusedIn(el);
  if (empty && !el.placeholder && !focused) return;
  const style = empty && el.placeholder ? styleOf(el, '::placeholder') : cs;
  const text = empty ? el.placeholder : el.value;
  const selection = focused ? selectionOf(el) : null;
  const { scrollLeft } = el;
  // Room that is kept for the arrows, which are shown under the pointer only.
  const spinner = el.type === 'number' && cs.appearance !== 'textfield' && hasLook(cs) ? 15 : 0;
  box.w -= spinner;
  scan.push(walk, at, ({ g, fonts }) => {
    g.save();
    g.beginPath();
    g.rect(box.x - 1, at.y, Math.max(0, box.w + 2), at.h);
    g.clip();
    const font = fonts.set(g, cs);
    const s = text.replace(/[\r\n]/g, '');
    const width = g.measureText(s).width;
    const align = cs.textAlign === 'start' ? (cs.direction === 'rtl' ? 'right' : 'left') : cs.textAlign === 'end' ? (cs.direction === 'rtl' ? 'left' : 'right') : cs.textAlign;
    let x = box.x - scrollLeft;
    if (width < box.w && (align === 'right' || align === 'center')) x = box.x + (box.w - width) / (align === 'center' ? 2 : 1);
    const y = base(font, box), top = y - font.ascent, h = font.ascent + font.descent;
    const place = (n: number) => x + g.measureText(empty ? '' : s.slice(0, n)).width;
    if (selection && selection[0] !== selection[1]) {
      g.fillStyle = '#b5d5ff';
      g.fillRect(place(selection[0]), top, place(selection[1]) - place(selection[0]), h);
    }
    g.direction = 'ltr';
    g.fillStyle = textColor(style);
    g.globalAlpha = empty ? Number(style.opacity) || 1 : 1;
    g.fillText(s, x, y);
    g.globalAlpha = 1;
    if (focused && (!selection || selection[0] === selection[1])) caret(g, cs, selection ? place(selection[0]) : x + (empty ? 0 : width), top, h);
    g.restore();
  });
}

/** Lines of a text area, broken as a browser does for text without long words. */
export function wrapped(measure: (s: string) => number, value: string, width: number): string[] {
  const out: string[] = [];
  for (const paragraph of value.split('\n')) {
    let line = '';
    for (const word of paragraph.match(/\S+\s*|\s+/g) ?? ['']) {
      if (line !== '' && measure((line + word).trimEnd()) > width) {
        out.push(line);
        line = '';
      }
      let rest = word;
      while (measure(rest.trimEnd()) > width && rest.length > 1) {
        let n = 1;
        while (n < rest.length && measure(rest.slice(0, n + 1)) <= width) n++;
        out.push(rest.slice(0, n));
        rest = rest.slice(n);
      }
      line += rest;
    }
    out.push(line);
  }
  return out;
}

function lines(scan: Scan, el: HTMLTextAreaElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  const empty = el.value === '', focused = focusedIn(el);
  if (empty && !el.placeholder && !focused) return;
  const style = empty && el.placeholder ? styleOf(el, '::placeholder') : cs;
  const text = empty ? el.placeholder : el.value;
  const border = inset(at, borderWidths(cs));
  const bar = Math.max(0, el.offsetWidth - el.clientWidth - borderWidths(cs)[1] - borderWidths(cs)[3]);
  const box = contentBox(cs, at);
  const { scrollTop, scrollLeft } = el;
  const selection = focused && !empty ? selectionOf(el) : null;
  scan.push(walk, at, ({ g, fonts }) => {
    g.save();
    g.beginPath();
    g.rect(border.x, border.y, border.w - bar, border.h);
    g.clip();
    const font = fonts.set(g, cs);
    const step = px(cs.lineHeight) || Math.round((font.ascent + font.descent) * 1) || px(cs.fontSize) * 1.2;
    const list = wrapped((s) => g.measureText(s).width, text, cs.whiteSpace === 'pre' ? Infinity : box.w - bar);
    g.fillStyle = textColor(style);
    let from = 0;
    list.forEach((line, i) => {
      const top = box.y - scrollTop + i * step, y = Math.round(top + (step - font.ascent - font.descent) / 2 + font.ascent);
      if (y > border.y - step && y < border.y + border.h + step) g.fillText(line.replace(/\t/g, '        ').trimEnd(), box.x - scrollLeft, y);
      if (selection && selection[0] >= from && selection[0] <= from + line.length) caret(g, cs, box.x - scrollLeft + g.measureText(line.slice(0, selection[0] - from)).width, y - font.ascent, font.ascent + font.descent);
      from += line.length + (text[from + line.length] === '\n' ? 1 : 0);
    });
    if (focused && empty) caret(g, cs, box.x, box.y + (step - font.ascent - font.descent) / 2, font.ascent + font.descent);
    g.restore();
  });
}

function select(scan: Scan, el: HTMLSelectElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  if (el.multiple || el.size > 1) return listBox(scan, el, cs, walk, at);
  const option = el.selectedOptions[0];
  const look = hasLook(cs), arrow = look ? 17 : 0;
  // Chromium adds the room for its arrow to the padding that it does not report.
  const text = option?.label ?? '';
  const box = contentBox(cs, at);
  scan.push(walk, at, ({ g, fonts }) => {
    g.save();
    g.beginPath();
    g.rect(box.x, at.y, Math.max(0, at.x + at.w - box.x - arrow), at.h);
    g.clip();
    const font = fonts.set(g, cs);
    g.fillStyle = el.disabled && look ? '#8a8a8a' : textColor(cs);
    g.fillText(cut(g, transformed(text, cs.textTransform), 1e5), box.x + (look ? 4 : 0), base(font, box));
    g.restore();
    if (!look) return;
    const x = at.x + at.w - borderWidths(cs)[1] - 12, y = at.y + at.h / 2;
    g.strokeStyle = textColor(cs);
    g.lineWidth = 2;
    g.setLineDash([]);
    g.beginPath();
    g.moveTo(x, y - 2);
    g.lineTo(x + 4, y + 2);
    g.lineTo(x + 8, y - 2);
    g.stroke();
  });
}

function listBox(scan: Scan, el: HTMLSelectElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  const rows: { text: string; ground: string; ink: string; group: boolean; rect: Rect }[] = [];
  const focused = focusedIn(el);
  for (const item of el.querySelectorAll('option, optgroup')) {
    const { display, visibility, backgroundColor, color } = styleOf(item);
    // Not every browser tells where a row is: one that is nowhere has no style for it.
    if (display === 'none' || (item.parentElement !== el && styleOf(item.parentElement!).display === 'none')) continue;
    const r = item.getBoundingClientRect();
    const group = item.localName === 'optgroup', selected = !group && (item as HTMLOptionElement).selected;
    // Firefox says in which colours it shows a choice.
    const ground = !selected ? '' : kFirefox ? backgroundColor : focused ? '#1e6fd9' : '#cecece';
    const ink = !selected ? textColor(cs) : kFirefox ? color : focused ? '#fff' : textColor(cs);
    rows.push({ text: visibility === 'visible' ? (item as HTMLOptionElement).label : '', ground, ink, group, rect: scan.local(walk, r) });
  }
  const box = inset(at, borderWidths(cs));
  scan.push(walk, at, ({ g, fonts }) => {
    g.save();
    g.beginPath();
    g.rect(box.x, box.y, box.w, box.h);
    g.clip();
    const font = fonts.set(g, cs), step = Math.round((font.ascent + font.descent) * 1.1);
    rows.forEach((row, i) => {
      const r = row.rect.h > 0 ? row.rect : { x: box.x, y: box.y + i * step - el.scrollTop, w: box.w, h: step };
      if (row.ground) {
        g.fillStyle = row.ground;
        g.fillRect(r.x, r.y, r.w, r.h);
      }
      g.fillStyle = row.ink;
      g.fillText(row.text, r.x + (kFirefox ? 4 : 2), base(font, { ...r, h: row.group ? step : r.h }));
    });
    g.restore();
  });
}

function color(scan: Scan, el: HTMLInputElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  const { value } = el;
  const box = hasLook(cs) ? inset(contentBox(cs, at), [4, 2, 4, 2]) : contentBox(cs, at);
  scan.push(walk, at, ({ g }) => {
    g.fillStyle = value;
    g.fillRect(box.x, box.y, box.w, box.h);
    g.strokeStyle = '#777';
    g.lineWidth = 1;
    g.strokeRect(box.x + 0.5, box.y + 0.5, Math.max(0, box.w - 1), Math.max(0, box.h - 1));
  });
}

function file(scan: Scan, el: HTMLInputElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  const names = el.files && el.files.length > 1 ? `${el.files.length} files${kFirefox ? ' selected.' : ''}` : (el.files?.[0]?.name ?? (kFirefox ? `No file${el.multiple ? 's' : ''} selected.` : 'No file chosen'));
  const own = styleOf(el, '::file-selector-button');
  const text = kFirefox ? 'Browse…' : el.multiple ? 'Choose Files' : 'Choose File';
  const box = contentBox(cs, at);
  scan.push(walk, at, ({ g, fonts }) => {
    g.save();
    g.beginPath();
    g.rect(at.x, at.y, at.w, at.h);
    g.clip();
    const font = fonts.set(g, cs);
    const room = kFirefox ? 5.5 : 8, w = g.measureText(text).width + 2 * room;
    const button = { x: box.x, y: box.y, w, h: box.h };
    g.fillStyle = isClear(own.backgroundColor) ? '#efefef' : own.backgroundColor;
    g.strokeStyle = '#767676';
    g.lineWidth = 1;
    g.beginPath();
    addPath(g, inset(button, [0.5, 0.5, 0.5, 0.5]), [3, 3, 3, 3, 3, 3, 3, 3]);
    g.fill();
    g.stroke();
    g.fillStyle = own.color || '#000';
    g.fillText(text, box.x + room, base(font, box));
    g.fillStyle = textColor(cs);
    g.fillText(names, box.x + w + (kFirefox ? 6 : 4), base(font, box));
    g.restore();
  });
}

function dates(scan: Scan, el: HTMLInputElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  // Firefox has no picture beside a time.
  const plain = !hasLook(cs) || (kFirefox && el.type === 'time');
  label(scan, cs, walk, at, dateText(el.type, el.value, el.lang || document.documentElement.lang), 'left', plain ? 0 : 18, plain || kFirefox ? '0px' : '0.5px', kFirefox);
  if (plain) return;
  const box = contentBox(cs, at), x = box.x + box.w - 15, y = at.y + at.h / 2 - 6;
  scan.push(walk, at, ({ g }) => {
    g.strokeStyle = g.fillStyle = textColor(cs);
    g.lineWidth = 1.5;
    g.setLineDash([]);
    if (el.type === 'time') {
      g.beginPath();
      g.arc(x + 6, y + 6, 5.5, 0, 2 * Math.PI);
      g.moveTo(x + 6, y + 3);
      g.lineTo(x + 6, y + 6.5);
      g.lineTo(x + 8.5, y + 6.5);
      g.stroke();
      return;
    }
    g.strokeRect(x + 0.75, y + 1.75, 11, 10);
    g.fillRect(x, y + 1, 12.5, 3);
  });
}
