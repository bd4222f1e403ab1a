// What shows outside of the box that it is in: fixed, sticky and absolutely placed things, what is moved, turned, floats or hangs
// out, dialogs. A scan leaves out what is not in sight, with all that is in it; it asks here what is in sight nevertheless.
//
// To look at every element of a large page for each picture would take longer than to paint it. So each is looked at once, a few
// hundred at a time, and again when it or something around it was reported as changed.
import { rootOf } from '../early';
import type { Rect } from './affine';
import type { Extent } from './changes';
import { seenRect } from './dirty';
import { childrenOf } from './element';
import { fixedRects } from './fixed_part';
import { parentOf } from './masks';
import { kTop } from './top_layer';
import { documentIn } from './unseen';

/** Out of its box by no more than this is no more than a shadow, which a scan allows for. */
const kOut = 2;
/** A page of stickers: what is found above that is left out, unless it is fixed. */
const kMaxFound = 3000;
/** Changes that wait to be looked at; above that everything is looked at again. */
const kMaxWaiting = 500;
/** In lists as long as this a scan searches for what is in sight, as if each thing were below the one before. */
export const kLongList = 60;
const kClips = /paint|strict|content/;

/** Elements whose children are to be looked at, one after another. */
interface Look {
  around: Element;
  children: readonly Element[];
  at: number;
  /** Box that they may stick out of; null: nothing that a scan leaves out. */
  ground: Rect | null;
  /** The box cuts off what sticks out of it, unless that is placed by something farther out. */
  cuts: boolean;
  placed: boolean;
  bottom: number;
}

const styled = (element: Element): CSSStyleDeclaration => (element.ownerDocument.defaultView ?? window).getComputedStyle(element);
const boxOf = (element: Element): Rect => {
  // By the prototype: a page may have a function of its own there.
  const r = Element.prototype.getBoundingClientRect.call(element);
  return { x: r.x, y: r.y, w: r.width, h: r.height };
};
const isEmpty = (r: Rect) => r.w === 0 && r.h === 0;
const sticksOut = (r: Rect, of: Rect) => r.x < of.x - kOut || r.y < of.y - kOut || r.x + r.w > of.x + of.w + kOut || r.y + r.h > of.y + of.h + kOut;

/** true: fixed. `parts`: has something fixed before or after what is in it. */
type How = boolean | 'parts';

export interface Escaped {
  element: Element;
  /** In the whole page's window. */
  rect: Rect;
  fixed: boolean;
}

export class Escapes {
  private readonly found_ = new Map<Element, How>();
  private readonly waiting_: Look[] = [];
  /** Reported as changed; not asked for anything before a picture is, as that could make the browser lay the page out twice. */
  private readonly changed_ = new Map<Element, Extent>();
  private unordered_ = new WeakSet<Element>();

  /** `found`: something that was not known before, seen or not. */
  constructor(private readonly document_: Document, private readonly onFound_: (element: Element) => void = () => {}) {
    this.everything();
  }

  /** Everything may be anywhere. */
  everything(): void {
    this.waiting_.length = 0;
    this.changed_.clear();
    const { body } = this.document_;
    if (body) this.into(body);
  }

  changed(element: Element, extent: Extent): void {
    if (this.changed_.size + this.waiting_.length >= kMaxWaiting) return this.everything();
    if (this.changed_.get(element) !== 'deep') this.changed_.set(element, extent);
  }

  /** Looks at so many elements more; true: at all. */
  look(most: number): boolean {
    for (const [element, extent] of this.changed_) {
      const around = element.isConnected ? parentOf(element) : null;
      if (around) this.waiting_.push(this.lookInto(around, [element]));
      if (around && extent === 'deep') this.into(element);
    }
    this.changed_.clear();
    for (let left = most; left > 0;) {
      const next = this.waiting_[this.waiting_.length - 1];
      if (!next) return true;
      if (next.at >= next.children.length) this.waiting_.pop();
      else {
        left--;
        this.one(next, next.children[next.at++]!);
      }
    }
    return this.waiting_.length === 0;
  }

  /** What of it shows in a part of the window that is wanted. */
  shown(wanted: (at: Rect) => boolean): Escaped[] {
    const out: Escaped[] = [];
    for (const [element, how] of this.found_) {
      if (!element.isConnected) {
        this.found_.delete(element);
        continue;
      }
      const own = element.ownerDocument === this.document_ ? boxOf(element) : seenRect(element);
      for (const rect of how === 'parts' ? [own, ...fixedRects(element).map((r) => seenRect(element, r))] : [own]) if (!isEmpty(rect) && wanted(rect)) out.push({ element, rect, fixed: how !== false });
    }
    return out;
  }

  /** A long list whose parts do not lie one below the other. */
  isUnordered(list: Element): boolean {
    return this.unordered_.has(list);
  }

  /** `cs`, `rect`: of the element, where they are known. */
  private into(element: Element, cs?: CSSStyleDeclaration, rect?: Rect): void {
    const inside = rootOf(element), frame = documentIn(element)?.body;
    if (frame) return void this.waiting_.push(this.lookInto(frame, [...childrenOf(frame)]));
    const assigned = element.localName === 'slot' ? (element as HTMLSlotElement).assignedElements({ flatten: true }) : [];
    const children = inside ? [...inside.children] : assigned.length > 0 ? assigned : [...childrenOf(element)];
    if (children.length > 0) this.waiting_.push(this.lookInto(element, children, cs, rect));
  }

  private lookInto(around: Element, children: readonly Element[], known?: CSSStyleDeclaration, rect?: Rect): Look {
    const look: Look = { around, children, at: 0, ground: null, cuts: false, placed: false, bottom: -Infinity };
    // What has no box of its own, or one of a line only, is never left out by itself.
    for (let at: Element | null = around; at && at.localName !== 'body'; at = parentOf(at)) {
      const cs = at === around && known ? known : styled(at), cuts = cs.overflowX !== 'visible' && cs.overflowY !== 'visible';
      if (!cuts && (cs.display === 'contents' || cs.display.startsWith('inline'))) continue;
      return { ...look, ground: at === around && rect ? rect : boxOf(at), cuts, placed: cs.position !== 'static' };
    }
    return look;
  }

  private one(look: Look, element: Element): void {
    const cs = styled(element), { position, display } = cs;
    const fixed = position === 'fixed', free = fixed || position === 'sticky' || (position === 'absolute' && !look.placed);
    const rect = display === 'none' ? null : boxOf(element);
    const list = look.children.length >= kLongList;
    if (rect && !isEmpty(rect) && list) {
      if (rect.y + rect.h < look.bottom - 1 || position === 'absolute' || fixed) this.unordered_.add(look.around);
      look.bottom = rect.y + rect.h;
    }
    // Also what is not shown now: a style may bring it back without a word.
    if (rect && fixedRects(element).length > 0) this.found(element, 'parts');
    else if (free && (rect || fixed)) this.found(element, fixed);
    else if (rect && !isEmpty(rect) && look.ground && !look.cuts && sticksOut(rect, look.ground)) this.found(element, false);
    else this.found_.delete(element);
    if (!rect || (!element.firstElementChild && !rootOf(element) && !documentIn(element) && element.localName !== 'slot')) return;
    const { contentVisibility } = cs as { contentVisibility?: string };
    if ((contentVisibility ?? 'visible') === 'visible' && !kClips.test(cs.contain)) return this.into(element, cs, rect);
    // Nothing leaves it, and what is not in sight has no layout; but what is above the page.
    for (const inside of element.querySelectorAll(kTop)) this.found(inside, true);
  }

  private found(element: Element, how: How): void {
    if (!how && this.found_.size >= kMaxFound) return;
    const known = this.found_.has(element);
    this.found_.set(element, how);
    if (!known) this.onFound_(element);
  }
}

/** What is to be walked though it is not in sight itself: everything around what escapes from it. */
export function leadingTo(escaped: readonly Escaped[]): Set<Element> {
  const out = new Set<Element>();
  for (const { element } of escaped) for (let at: Element | null = element; at && !out.has(at); at = parentOf(at)) out.add(at);
  return out;
}

/** Children of a long list that a search for what is in sight has not found: those before and those after what it has. */
export function besides(first: Element, last: Element, leading: ReadonlySet<Element>): { before: Element[]; after: Element[] } {
  const before: Element[] = [], after: Element[] = [];
  if (leading.size === 0) return { before, after };
  const { parentNode } = first;
  for (const element of leading) {
    if (element.parentNode !== parentNode) continue;
    if (first.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING) before.push(element);
    else if (last.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) after.push(element);
  }
  const byPlace = (a: Element, b: Element) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
  return { before: before.sort(byPlace), after: after.sort(byPlace) };
}

/** What escapes from a masked element, through components and frames, has no content either. */
export function isInside(element: Element, around: Element): boolean {
  for (let at = parentOf(element); at; at = parentOf(at)) if (at === around) return true;
  return false;
}
