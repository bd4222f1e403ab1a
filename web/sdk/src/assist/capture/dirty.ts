// Which tiles must be painted again: from what was reported as changed, and from where everything painted has moved to.
import { bounds, overlaps, type Rect } from './affine';
import type { Extent } from './changes';
import type { Seen } from './scan';
import { scrolled } from './scrolled';
import { atMost, TileSet } from './tiles';
import { backdropOf } from './top_layer';

/** Boxes reported as changed may paint outside of themselves: shadows, focus rings. */
const kMargin = 8;
const kMoved = 0.3;
/** What stays where it is has not gone with the page, however little that scrolled: the copy may have moved by a whole pixel. */
const kStayed = 0.05;
const kSides = ['x', 'y', 'w', 'h'] as const;
/** More elements than this inside of a changed one are not asked whether they stick out. */
const kMaxInside = 300;
/** Above this part of the window one rectangle is cheaper. */
const kMostlyAll = 0.6;
export const kMaxRects = 8;
/** What is painted again is cut out finely, unless it is in too many places: then in tiles as they are sent. Pixels of the picture. */
const kFine = 16, kCoarse = 64, kManyRects = 48;

export interface DirtyInput {
  scale: number;
  /** Picture size in its pixels. */
  width: number;
  height: number;
  marks: Map<Element, Extent>;
  seen: Map<Element, Seen>;
  /** Moved by themselves: nothing else moves with them. */
  animated: readonly Element[];
  /** Scrolled since the last picture, CSS pixels. */
  dx: number;
  dy: number;
  /** The same in whole pixels of the picture. */
  by: { x: number; y: number };
}

export interface Dirty {
  /** In CSS pixels of the window, on whole pixels of the picture. */
  rects: Rect[];
  /** It is all of it, as that is cheaper. */
  all: boolean;
  /** What goes along with the page, pixels of the picture. */
  copies: Rect[];
}

/** Updates `seen` to where things are now. */
export function dirtyRects(input: DirtyInput): Dirty {
  const { scale, width, height, dx, dy } = input;
  const tiles = new TileSet(width, height, kFine);
  const add = (r: Rect, margin = kMargin) => tiles.add({ x: (r.x - margin) * scale, y: (r.y - margin) * scale, w: (r.w + 2 * margin) * scale, h: (r.h + 2 * margin) * scale });
  const w = width / scale, h = height / scale;
  const { copies, bare } = scrolled(width, height, input.by.x, input.by.y, pinned(input));
  // What was copied moved by whole pixels of the picture, by up to one more.
  if (dx !== 0 || dy !== 0) for (const r of bare) add({ x: r.x / scale, y: r.y / scale, w: r.w / scale, h: r.h / scale }, 1 / scale);
  const whole = { rects: [{ x: 0, y: 0, w, h }], all: true, copies };
  // Before it is forgotten who had them.
  if (dimmed(input)) return whole;
  moved(input, add);
  for (const [element, extent] of input.marks) if (element.isConnected && !marked(element, extent, add)) return whole;
  const rects = atMost(fewer(tiles), kMaxRects).map((r) => ({ x: r.x / scale, y: r.y / scale, w: r.w / scale, h: r.h / scale }));
  const area = rects.reduce((sum, r) => sum + r.w * r.h, 0);
  return area > kMostlyAll * w * h ? whole : { rects, all: false, copies };
}

/** What was held where it is, pixels of the picture. What lies in it is painted again, as it may be seen through. */
function pinned({ seen, scale }: DirtyInput): Rect[] {
  const out: Rect[] = [];
  for (const [element, { rect: was, pin }] of seen) {
    if (!pin) continue;
    const now = toRect(element.getBoundingClientRect()), x = Math.floor(now.x * scale), y = Math.floor(now.y * scale);
    if (kSides.every((side) => Math.abs(now[side] - was[side]) <= kStayed)) out.push({ x, y, w: Math.ceil((now.x + now.w) * scale) - x, h: Math.ceil((now.y + now.h) * scale) - y });
  }
  return out;
}

/** Whether something above the page has come, gone or changed that dims or colours all that is behind it. */
function dimmed({ marks, seen }: DirtyInput): boolean {
  for (const [element, { backdrop }] of seen) if (backdrop && (!element.isConnected || backdropOf(element) !== backdrop)) return true;
  for (const element of marks.keys()) if (element.isConnected && backdropOf(element) !== (seen.get(element)?.backdrop ?? '')) return true;
  return false;
}

function fewer(fine: TileSet): Rect[] {
  const rects = fine.rects();
  if (rects.length <= kManyRects) return rects;
  const coarse = new TileSet(fine.width, fine.height, kCoarse);
  for (const r of rects) coarse.add(r);
  return coarse.rects();
}

/** Where an element, or a part of its document's window, shows in the whole page's window: frames add their place. */
export function seenRect(element: Element, at = toRect(element.getBoundingClientRect())): Rect {
  for (let view = element.ownerDocument.defaultView; view && view !== view.parent; view = view.parent as Window & typeof globalThis) {
    const { frameElement: frame } = view;
    if (!frame) break;
    const f = frame.getBoundingClientRect(), fw = (frame as HTMLElement).offsetWidth || f.width;
    const k = fw > 0 ? f.width / fw : 1;
    at = bounds([k, 0, 0, k, f.x + frame.clientLeft * k, f.y + frame.clientTop * k], at);
  }
  return at;
}

function moved({ seen, animated, dx, dy, width, height, scale }: DirtyInput, add: (r: Rect, margin?: number) => void): void {
  const w = width / scale, h = height / scale, window_ = { x: 0, y: 0, w, h };
  // What comes into the window from outside was not seen before: as wide a strip as the things beside it have moved.
  let [up, down, left, right_] = [0, 0, 0, 0];
  for (const [element, was] of seen) {
    const expected = { ...was.rect, x: was.rect.x - dx, y: was.rect.y - dy };
    if (!element.isConnected) {
      add(expected);
      seen.delete(element);
      continue;
    }
    const now = was.frame ? seenRect(element) : toRect(element.getBoundingClientRect());
    const least = was.fixed ? kStayed : kMoved;
    const shifted = Math.abs(now.x - expected.x) > least || Math.abs(now.y - expected.y) > least;
    const sized = Math.abs(now.w - expected.w) > kMoved || Math.abs(now.h - expected.h) > kMoved;
    was.rect = now;
    if (!was.backdrop && !overlaps(now, window_, 100) && !overlaps(expected, window_, 100)) {
      seen.delete(element);
      continue;
    }
    // What has gone from sight, or come back, has not moved.
    if (shifted && !was.fixed && !isEmpty(now) && !isEmpty(expected) && !animated.some((by) => by.contains(element))) {
      up = Math.max(up, expected.y - now.y);
      down = Math.max(down, now.y - expected.y);
      left = Math.max(left, expected.x - now.x);
      right_ = Math.max(right_, now.x - expected.x);
    }
    // What is fixed has been taken along by the copy: it is painted where it belongs.
    if (shifted || (sized && was.leaf)) {
      add(expected);
      add(now);
    } else if (sized) {
      // Grown or shrunk at its end: only there.
      const bottom = [Math.min(expected.y + expected.h, now.y + now.h), Math.max(expected.y + expected.h, now.y + now.h)] as const;
      const right = [Math.min(expected.x + expected.w, now.x + now.w), Math.max(expected.x + expected.w, now.x + now.w)] as const;
      if (bottom[1] - bottom[0] > kMoved) add({ x: now.x, y: bottom[0] - 12, w: Math.max(expected.w, now.w), h: bottom[1] - bottom[0] + 24 });
      if (right[1] - right[0] > kMoved) add({ x: right[0] - 12, y: now.y, w: right[1] - right[0] + 24, h: Math.max(expected.h, now.h) });
    }
  }
  if (up > 0) add({ x: 0, y: Math.max(0, h - up), w, h: up });
  if (down > 0) add({ x: 0, y: 0, w, h: Math.min(h, down) });
  if (left > 0 && left < w) add({ x: w - left, y: 0, w: left, h });
  if (right_ > 0 && right_ < w) add({ x: 0, y: 0, w: right_, h });
}

const isEmpty = (r: Rect): boolean => r.w === 0 && r.h === 0;
const toRect = (r: DOMRect): Rect => ({ x: r.x, y: r.y, w: r.width, h: r.height });

/** false: the whole page is affected. */
function marked(element: Element, extent: Extent, add: (r: Rect, margin?: number) => void): boolean {
  const { localName } = element;
  if (localName === 'html' || (localName === 'body' && extent === 'deep')) return element.ownerDocument !== document ? (addFrame(element, add), true) : false;
  if (localName === 'body') return true;
  const r = seenRect(element);
  const around = element.ownerDocument.defaultView?.getComputedStyle(element).boxShadow !== 'none' ? 40 : kMargin;
  add(r, around);
  if (extent === 'self') return true;
  let n = 0;
  for (const inside of element.querySelectorAll('*')) {
    if (n++ > kMaxInside) break;
    const q = seenRect(inside);
    if (q.x < r.x - 1 || q.y < r.y - 1 || q.x + q.w > r.x + r.w + 1 || q.y + q.h > r.y + r.h + 1) add(q, 20);
  }
  return true;
}

function addFrame(element: Element, add: (r: Rect) => void): void {
  const frame = element.ownerDocument.defaultView?.frameElement;
  if (frame) add(seenRect(frame));
}
