// Controls that a browser draws itself when the page does not style them.
import { addPath } from './brush';
import { isClear, px, type Radii } from './css';
import type { Rect } from './affine';
import { borderWidths } from './box';
import type { Scan, Walk } from './scan';

type G = OffscreenCanvasRenderingContext2D;

export const kFirefox = typeof CSS !== 'undefined' && CSS.supports('-moz-appearance', 'none');
const kAccent = kFirefox ? '#0060df' : '#0075ff';
const kLine = kFirefox ? '#8f8f9d' : '#767676';
const kFaint = '#c5c5c5';

/** Of pages that say they can be dark, where the person wants them so. */
const isDark = ({ colorScheme }: CSSStyleDeclaration): boolean =>
  !!colorScheme && colorScheme.includes('dark') && (!colorScheme.includes('light') || matchMedia('(prefers-color-scheme: dark)').matches);

const accentOf = (cs: CSSStyleDeclaration): string =>
  cs.accentColor && cs.accentColor !== 'auto' && !isClear(cs.accentColor) ? cs.accentColor : isDark(cs) && !kFirefox ? '#99c8ff' : kAccent;
const round = (r: number): Radii => [r, r, r, r, r, r, r, r];

export function paintToggle(g: G, el: HTMLInputElement, cs: CSSStyleDeclaration, at: Rect): void {
  const size = Math.min(at.w, at.h);
  const r = { x: at.x + (at.w - size) / 2, y: at.y + (at.h - size) / 2, w: size, h: size };
  const on = el.checked || (el.type === 'checkbox' && el.indeterminate);
  const color = el.disabled ? kFaint : accentOf(cs);
  const [ground, line] = isDark(cs) ? ['#3b3b3b', '#858585'] : ['#fff', kLine];
  g.setLineDash([]);
  g.lineWidth = 1;
  g.beginPath();
  if (el.type === 'radio') g.arc(r.x + size / 2, r.y + size / 2, size / 2 - 0.5, 0, 2 * Math.PI);
  else addPath(g, { x: r.x + 0.5, y: r.y + 0.5, w: size - 1, h: size - 1 }, round(2));
  g.fillStyle = on && el.type === 'checkbox' ? color : ground;
  g.fill();
  g.strokeStyle = on ? color : el.disabled ? kFaint : line;
  g.stroke();
  if (!on) return;
  if (el.type === 'radio') {
    g.fillStyle = color;
    g.beginPath();
    g.arc(r.x + size / 2, r.y + size / 2, size * 0.3, 0, 2 * Math.PI);
    g.fill();
    return;
  }
  g.strokeStyle = ground;
  g.lineWidth = Math.max(1.5, size * 0.15);
  g.beginPath();
  if (el.indeterminate) {
    g.moveTo(r.x + size * 0.25, r.y + size / 2);
    g.lineTo(r.x + size * 0.75, r.y + size / 2);
  } else {
    g.moveTo(r.x + size * 0.2, r.y + size * 0.52);
    g.lineTo(r.x + size * 0.42, r.y + size * 0.74);
    g.lineTo(r.x + size * 0.8, r.y + size * 0.28);
  }
  g.stroke();
}

export function paintRange(g: G, el: HTMLInputElement, cs: CSSStyleDeclaration, at: Rect): void {
  const min = Number(el.min || 0), max = Number(el.max || 100);
  let part = max > min ? Math.min(1, Math.max(0, (Number(el.value) - min) / (max - min))) : 0;
  if (cs.direction === 'rtl') part = 1 - part;
  const thumb = 16, thick = 8, color = el.disabled ? kFaint : accentOf(cs);
  const y = at.y + at.h / 2, x = at.x + thumb / 2 + (at.w - thumb) * part;
  const track = { x: at.x + 1, y: y - thick / 2, w: at.w - 2, h: thick };
  if (cs.appearance !== 'none') {
    [g.fillStyle, g.strokeStyle] = isDark(cs) ? ['#3b3b3b', '#858585'] : ['#efefef', '#b2b2b2'];
    g.lineWidth = 1;
    g.setLineDash([]);
    g.beginPath();
    addPath(g, { x: track.x + 0.5, y: track.y + 0.5, w: track.w - 1, h: thick - 1 }, round(thick / 2));
    g.fill();
    g.stroke();
    g.fillStyle = color;
    g.beginPath();
    addPath(g, { ...track, w: x - track.x }, round(thick / 2));
    g.fill();
  }
  g.fillStyle = color;
  g.beginPath();
  g.arc(x, y - 0.5, thumb / 2 - 0.5, 0, 2 * Math.PI);
  g.fill();
}

export function paintBar(g: G, el: Element, cs: CSSStyleDeclaration, at: Rect): void {
  const bar = el as HTMLProgressElement | HTMLMeterElement;
  const min = 'min' in bar ? bar.min : 0;
  const part = bar.localName === 'progress' && (bar as HTMLProgressElement).position < 0 ? 0.3 : (bar.value - min) / (bar.max - min || 1);
  if (cs.appearance === 'none') {
    g.fillStyle = isClear(cs.backgroundColor) ? '#efefef' : cs.backgroundColor;
    g.fillRect(at.x, at.y, at.w, at.h);
    g.fillStyle = bar.localName === 'meter' ? '#107c10' : isClear(cs.color) ? kAccent : kAccent;
    g.fillRect(at.x, at.y, at.w * part, at.h);
    return;
  }
  const meter = bar.localName === 'meter';
  const thick = meter ? at.h * (kFirefox ? 0.8 : 0.5) : Math.min(at.h, Math.max(6, px(cs.fontSize) * 0.5));
  const r = { x: at.x, y: at.y + (at.h - thick) / 2, w: at.w, h: thick };
  g.setLineDash([]);
  g.lineWidth = 1;
  g.fillStyle = kFirefox ? '#e9e9ed' : '#efefef';
  g.strokeStyle = kFirefox ? kLine : meter ? '#b8b8b8' : '#c0c0c0';
  g.beginPath();
  addPath(g, { x: r.x + 0.5, y: r.y + 0.5, w: r.w - 1, h: r.h - 1 }, round(thick / 2));
  g.fill();
  g.stroke();
  g.fillStyle = meter ? meterColor(bar as HTMLMeterElement) : accentOf(cs);
  g.save();
  g.beginPath();
  addPath(g, r, round(thick / 2));
  g.clip();
  g.fillRect(r.x, r.y, r.w * Math.min(1, Math.max(0, part)), r.h);
  g.restore();
}

function meterColor(m: HTMLMeterElement): string {
  const zone = (v: number) => (v < m.low ? 0 : v > m.high ? 2 : 1);
  const away = Math.abs(zone(m.value) - zone(m.optimum));
  return (kFirefox ? ['#00ab60', '#ffbd4f', '#e22850'] : ['#107c10', '#ffb900', '#d83b01'])[away]!;
}

export type NativeFrame = 'field' | 'menu' | 'button';

/** Greys of buttons in Chromium and in Firefox. */
const kButtonFace = /^rgb\((239, 239, 239|233, 233, 237)\)$/;

/** Which frame the browser draws by itself; null: the page has styled box or border, or there is none. */
export function nativeFrame(el: Element, cs: CSSStyleDeclaration): NativeFrame | null {
  if (cs.appearance === 'none' || cs.backgroundImage !== 'none' || cs.borderTopLeftRadius !== '0px') return null;
  const name = el.localName, type = name === 'input' ? (el as HTMLInputElement).type : '';
  const width = px(cs.borderTopWidth), style = cs.borderTopStyle;
  const button = name === 'button' || type === 'button' || type === 'submit' || type === 'reset' || type === 'color';
  if (button) return kButtonFace.test(cs.backgroundColor) && (style === 'outset' || type === 'color') ? 'button' : null;
  // Of a list Chromium says itself how its frame is drawn.
  if (name === 'select' && kFirefox && style === 'inset') return 'field';
  if (name === 'select') return kButtonFace.test(cs.backgroundColor) && (style === 'outset' || style === 'inset' || (style === 'solid' && width === 1)) ? 'menu' : null;
  if (name === 'input' && style === 'inset' && width === 2 && type !== 'checkbox' && type !== 'radio') return 'field';
  return null;
}

export function paintNativeFrame(g: G, frame: NativeFrame, cs: CSSStyleDeclaration, at: Rect, disabled: boolean): void {
  const r = frame === 'button' ? 3 : 2;
  g.fillStyle = frame === 'menu' && !kFirefox ? '#fff' : cs.backgroundColor;
  g.beginPath();
  addPath(g, at, round(r));
  g.fill();
  g.strokeStyle = disabled ? kFaint : kLine;
  g.lineWidth = 1;
  g.setLineDash([]);
  g.beginPath();
  addPath(g, { x: at.x + 0.5, y: at.y + 0.5, w: at.w - 1, h: at.h - 1 }, round(r));
  g.stroke();
}

/** Classic scroll bars take room; overlay ones do not and are not painted. */
export function paintScrollbars(scan: Scan, el: HTMLElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  if (!/auto|scroll/.test(cs.overflowY) || !el.offsetWidth || el.localName === 'body') return;
  const w = borderWidths(cs);
  const bar = el.offsetWidth - el.clientWidth - w[1] - w[3];
  if (bar < 4 || el.scrollHeight <= 0) return;
  const track = { x: at.x + at.w - w[1] - bar, y: at.y + w[0], w: bar, h: el.clientHeight };
  const size = Math.max(16, (track.h * el.clientHeight) / el.scrollHeight);
  const y = track.y + ((track.h - size) * el.scrollTop) / Math.max(1, el.scrollHeight - el.clientHeight);
  scan.push(walk, track, ({ g }) => {
    g.fillStyle = '#f4f4f4';
    g.fillRect(track.x, track.y, track.w, track.h);
    if (el.scrollHeight <= el.clientHeight) return;
    g.fillStyle = '#a8a8a8';
    g.fillRect(track.x + 3, y, track.w - 6, size);
  });
}
