// Background images: gradients and pictures, with size, place, repetition and clipping.
import { addPath, type Brush } from './brush';
import { borderWidths, inset, paddings } from './box';
import { inner, length, splitTop, urlOf, type Radii } from './css';
import { fillGradient, isGradient, position } from './gradient';
import type { Rect } from './affine';

/** More tiles than this are one pattern. */
const kMaxTiles = 2000;

export function paintBackgrounds(brush: Brush, cs: CSSStyleDeclaration, r: Rect, q: Radii | null, element: Element): void {
  const { g } = brush;
  const layers = splitTop(cs.backgroundImage);
  const lists = {
    size: splitTop(cs.backgroundSize), place: splitTop(cs.backgroundPosition), repeat: splitTop(cs.backgroundRepeat),
    origin: splitTop(cs.backgroundOrigin), clip: splitTop(cs.backgroundClip), attachment: splitTop(cs.backgroundAttachment),
  };
  const w = borderWidths(cs), p = paddings(cs);
  const boxOf = (name: string | undefined) => (name === 'border-box' ? r : name === 'content-box' ? inset(inset(r, w), p) : inset(r, w));
  for (let i = layers.length - 1; i >= 0; i--) {
    const nth = (list: string[]) => list[i % Math.max(1, list.length)];
    if (nth(lists.clip) === 'text') continue;
    const clip = nth(lists.clip);
    g.save();
    g.beginPath();
    addPath(g, clip === 'border-box' ? r : boxOf(clip), clip === 'padding-box' ? inner(q, ...w) : q);
    g.clip();
    layer(brush, layers[i]!, boxOf(nth(lists.origin)), r, nth(lists.size) ?? 'auto', nth(lists.place) ?? '0% 0%', nth(lists.repeat) ?? 'repeat', element);
    g.restore();
  }
}

function sizeOf(value: string, area: Rect, nw: number, nh: number): [number, number] {
  const ratio = nw > 0 && nh > 0 ? nw / nh : 0;
  if (value === 'cover' || value === 'contain') {
    if (!ratio) return [area.w, area.h];
    const k = value === 'cover' ? Math.max(area.w / nw, area.h / nh) : Math.min(area.w / nw, area.h / nh);
    return [nw * k, nh * k];
  }
  const [x = 'auto', y = 'auto'] = splitTop(value, ' ');
  if (x === 'auto' && y === 'auto') return nw > 0 ? [nw, nh] : [area.w, area.h];
  if (x === 'auto') return [ratio ? length(y, area.h) * ratio : area.w, length(y, area.h)];
  return [length(x, area.w), y === 'auto' ? (ratio ? length(x, area.w) / ratio : area.h) : length(y, area.h)];
}

function layer(brush: Brush, value: string, area: Rect, whole: Rect, sizeText: string, place: string, repeat: string, element: Element): void {
  if (value === 'none' || area.w <= 0 || area.h <= 0) return;
  const { g } = brush;
  const gradient = isGradient(value);
  const url = gradient ? null : urlOf(value);
  if (!gradient && url === null) return;
  const image = url === null ? null : brush.images.background(url, element);
  if (!gradient && !image) return;
  let [tw, th] = sizeOf(sizeText, area, image?.width ?? 0, image?.height ?? 0);
  if (tw <= 0 || th <= 0) return;
  const [x0, y0] = position(splitTop(place, ' '), area, tw, th);
  let [rx = 'repeat', ry = rx] = repeat.split(' ');
  if (rx === 'repeat-x') [rx, ry] = ['repeat', 'no-repeat'];
  if (rx === 'repeat-y') [rx, ry] = ['no-repeat', 'repeat'];
  if (rx === 'round') tw = area.w / Math.max(1, Math.round(area.w / tw));
  if (ry === 'round') th = area.h / Math.max(1, Math.round(area.h / th));
  const starts = (from: number, size: number, begin: number, end: number, how: string) => {
    if (how === 'no-repeat') return [from];
    const out: number[] = [];
    for (let at = from - Math.ceil((from - begin) / size) * size; at < end && out.length <= kMaxTiles; at += size) out.push(at);
    return out;
  };
  const xs = starts(x0, tw, whole.x, whole.x + whole.w, rx), ys = starts(y0, th, whole.y, whole.y + whole.h, ry);
  if (xs.length * ys.length > kMaxTiles) return pattern(brush, value, image, { x: xs[0]!, y: ys[0]!, w: tw, h: th }, whole);
  for (const y of ys) {
    for (const x of xs) {
      if (gradient) fillGradient(g, value, { x, y, w: tw, h: th });
      else g.drawImage(image!.source, x, y, tw, th);
    }
  }
}

function pattern({ g, scale }: Brush, value: string, image: { source: CanvasImageSource } | null, tile: Rect, whole: Rect): void {
  const w = Math.max(1, Math.round(tile.w * scale)), h = Math.max(1, Math.round(tile.h * scale));
  const small = new OffscreenCanvas(w, h);
  const sg = small.getContext('2d')!;
  if (image) sg.drawImage(image.source, 0, 0, w, h);
  else fillGradient(sg, value, { x: 0, y: 0, w, h });
  const made = g.createPattern(small, 'repeat');
  if (!made) return;
  made.setTransform(new DOMMatrix([tile.w / w, 0, 0, tile.h / h, tile.x, tile.y]));
  g.fillStyle = made;
  g.fillRect(whole.x, whole.y, whole.w, whole.h);
}
