// Walks the page as it is laid out now and writes down what is to be painted, in the order of CSS 2.2 appendix E: nothing of a
// masked element is read. One synchronous walk, so that all of it belongs to one state of the page.
import { rootOf } from '../early';
import { about, bounds, grown, multiply, overlaps, rectBefore, snapped, type Mat, type Rect } from './affine';
import { borderWidths, inset, paddings, paintBorders, paintBox, paintOutline } from './box';
import { paintBackgrounds } from './background';
import type { Brush } from './brush';
import { inner, isClear, px, isTransformed, radii, transformOf, veils, type Radii } from './css';
import { paintContent } from './content';
import { clipPathOf } from './clip_path';
import { childNodesOf, childrenOf, matches } from './element';
import { paintMarker, pseudoElement } from './generated';
import { besides, isInside, kLongList, leadingTo, type Escaped, type Escapes } from './escapes';
import type { MaskRules } from './masks';
import { nativeFrame, paintNativeFrame, paintScrollbars } from './native_looks';
import { cut, decorationOf, drawDecoration, drawLine, linesOf, shown, type Decoration, type Fonts } from './text';
import { paintVeil, veil } from './veil';
import { backdropOf, backdropStyle, isOnTop } from './top_layer';

export interface Clip {
  parent: Clip | null;
  mat: Mat | null;
  rect: Rect;
  radii: Radii | null;
}

export interface Op {
  /** Where it can leave pixels, in the viewport. */
  bounds: Rect;
  clip: Clip | null;
  mat: Mat | null;
  draw(brush: Brush): void;
}

/** A stacking context, or a positioned element painted like one. */
export interface Layer {
  ops: Op[];
  under: Layer[];
  level: Layer[];
  over: Layer[];
  z: number;
  opacity: number;
  filter: string;
  blend: string;
  /** Shape that everything in it is cut to. */
  shape: { path: Path2D; mat: Mat | null } | null;
  /** Of a frame that is written in fonts of its own. */
  frame: Document | null;
}

export function newLayer(z = 0): Layer {
  return { ops: [], under: [], level: [], over: [], z, opacity: 1, filter: 'none', blend: 'normal', shape: null, frame: null };
}

/** Local coordinates: what the browser reports about a node, with every transform taken back. */
export interface Space {
  /** Added to coordinates of the node's document (frames). */
  dx: number;
  dy: number;
  /** Transforms between the document's coordinates and the local ones. */
  inner: Mat | null;
  /** From local coordinates to the viewport of the whole page. */
  mat: Mat | null;
  /** Of what the page holds in its place: not shifted with what scrolls. */
  held?: boolean;
}

export interface Walk {
  space: Space;
  clip: Clip | null;
  absolute: Clip | null;
  fixed: Clip | null;
  decorations: Decoration[];
  /** Right edge at which text ends with an ellipsis; bottom edge of the last line. */
  ellipsis: { right: number; bottom: number | null } | null;
  layer: Layer;
  context: Layer;
  escaping: boolean;
  flex: boolean;
  /** In something fixed or sticky. */
  pinned: boolean;
  /** Borders that the cells of a table share, painted after the cells. */
  shared: (() => void)[] | null;
}

export interface Seen {
  rect: Rect;
  leaf: boolean;
  fixed: boolean;
  frame: boolean;
  /** It is held where it is by itself, and not by what it is in. */
  pin?: boolean;
  /** What it dims or colours everything behind it with. */
  backdrop?: string;
}

export interface ScanOptions {
  masks: MaskRules;
  fonts: Fonts;
  /** Parts of the viewport that are wanted. */
  areas: readonly Rect[];
  /** The window, in which the page lies. */
  window: Rect;
  /** The page is painted shifted by so much: by less than a pixel of the picture. */
  nudge?: { x: number; y: number };
  scale: number;
  ignore: string;
  seen: Map<Element, Seen>;
  /** What shows outside of the box that it is in; without it a box that is not in sight is believed. */
  escapes?: Escapes;
  onMasked(element: Element, rule: string): void;
  /** An element that cannot be painted: it is left out. */
  onFault?(element: Element, fault: unknown): void;
}

const kSkipped = new Set(['script', 'style', 'link', 'meta', 'noscript', 'head', 'template', 'title', 'base', 'area', 'datalist', 'option', 'optgroup', 'source', 'track', 'param']);
const kFramed = new Set(['input', 'select', 'button']);
/** What may stick out of an element's box: shadows, outlines. */
const kReach = 60;
/** The same of a cell of a table without shadows, of which there are many. */
const kNear = 12;
/** Above every z-index that a page can give. */
const kOnTop = 2 ** 32;
const kPlainBlend = /^(normal|)$/;

export const styleOf = (element: Element, pseudo?: string): CSSStyleDeclaration =>
  (element.ownerDocument.defaultView ?? window).getComputedStyle(element, pseudo);

export class Scan {
  count = 0;

  private readonly top_: number;
  private readonly bottom_: number;
  private readonly escaped_: Escaped[];
  private readonly leading_: ReadonlySet<Element>;
  /** Of the whole page: what is shown above everything goes there. */
  private readonly root_ = newLayer();
  private onTop_ = 0;

  constructor(readonly options: ScanOptions) {
    this.top_ = Math.min(...options.areas.map((r) => r.y));
    this.bottom_ = Math.max(...options.areas.map((r) => r.y + r.h));
    this.escaped_ = options.escapes?.shown((at) => this.wanted(at, kReach)) ?? [];
    this.leading_ = leadingTo(this.escaped_);
  }

  /** Whether what shows in a rectangle of the viewport is asked for. */
  wanted(view: Rect, margin = 0): boolean {
    for (const area of this.options.areas) if (overlaps(view, area, margin)) return true;
    return false;
  }

  /** The whole page, top document first. */
  page(document_: Document): Layer {
    const { root_: root } = this;
    const walk: Walk = {
      space: this.space(), clip: null, absolute: null, fixed: null, decorations: [], ellipsis: null,
      layer: root, context: root, escaping: false, flex: false, shared: null, pinned: false,
    };
    this.document(document_, walk, this.options.window, true);
    return root;
  }

  /** A document in the rectangle of its frame (or of the window). */
  document(document_: Document, walk: Walk, at: Rect, top: boolean): void {
    const html = document_.documentElement, body = document_.body as HTMLElement | null;
    if (!html) return;
    const { masks, onMasked } = this.options;
    const rule = masks.ruleOf(html);
    if (rule !== null) {
      onMasked(html, rule);
      return this.blacken(walk, at);
    }
    const own = styleOf(html);
    if (body && masks.ruleOf(body) !== null) {
      this.blacken(walk, at);
      return this.each(html, walk);
    }
    const background = isClear(own.backgroundColor) && own.backgroundImage === 'none' && body ? { element: body as Element, cs: styleOf(body) } : { element: html as Element, cs: own };
    const { cs, element } = background;
    const color = isClear(cs.backgroundColor) ? (top ? '#fff' : '') : cs.backgroundColor;
    if (color) this.push(walk, at, ({ g }) => ((g.fillStyle = color), g.fillRect(at.x, at.y, at.w, at.h)));
    if (cs.backgroundImage !== 'none') {
      const r = html.getBoundingClientRect();
      const whole = { x: r.x + walk.space.dx, y: r.y + walk.space.dy, w: Math.max(r.width, at.w), h: Math.max(r.height, at.h) };
      this.push(walk, whole, (brush) => paintBackgrounds(brush, cs, whole, null, element));
    }
    this.each(html, walk);
  }

  private each(html: Element, walk: Walk): void {
    for (const child of html.childNodes) if (child.nodeType === 1) this.one(child as Element, walk);
  }

  /** An odd element of the page costs itself, not the picture. */
  private one(el: Element, walk: Walk): void {
    try {
      this.element(el, styleOf(el), walk);
    } catch (fault) {
      this.options.onFault?.(el, fault);
    }
  }

  private blacken(walk: Walk, piece: Rect): void {
    const black = { x: Math.floor(piece.x), y: Math.floor(piece.y), w: Math.ceil(piece.w) + 1, h: Math.ceil(piece.h) + 1 };
    this.push(walk, black, ({ g }) => ((g.fillStyle = '#000'), g.fillRect(black.x, black.y, black.w, black.h)));
  }

  push(walk: Walk, rect: Rect, draw: Op['draw'], margin = 2): void {
    const view = grown(bounds(walk.space.mat, rect), margin);
    if (!this.wanted(view)) return;
    walk.layer.ops.push({ bounds: view, clip: walk.clip, mat: walk.space.mat, draw });
  }

  local({ space }: Walk, r: { x: number; y: number; width: number; height: number }, hint?: { w: number; h: number }): Rect {
    const rect = { x: r.x, y: r.y, w: r.width, h: r.height };
    const at = space.inner ? rectBefore(space.inner, rect, hint ?? { w: 0, h: 0 }) : rect;
    return { x: at.x + space.dx, y: at.y + space.dy, w: at.w, h: at.h };
  }

  element(el: Element, cs: CSSStyleDeclaration, outer: Walk): void {
    if (kSkipped.has(el.localName)) return;
    // Each question to the browser costs: what is asked most is asked once.
    const { display, position } = cs;
    if (display === 'none' || matches(el, this.options.ignore)) return;
    if (display === 'contents') return this.boxless(el, cs, outer);
    const positioned = position !== 'static';
    const reported = el.getBoundingClientRect();
    let walk = outer;
    if (positioned) walk = { ...this.held(outer, el, cs, position, reported), clip: position === 'absolute' ? outer.absolute : position === 'fixed' ? outer.fixed : outer.clip, escaping: false, pinned: outer.pinned || position === 'fixed' || position === 'sticky' };
    if ((position === 'fixed' || position === 'absolute') && el.ownerDocument === document && isOnTop(el)) walk = this.above(el, outer);
    const moved = display === 'inline' ? walk : this.transform(el, cs, walk, reported);
    if (moved === null) return;
    if (moved !== walk) walk = moved;
    const rect = this.local(walk, reported, walk.space.inner ? { w: (el as HTMLElement).offsetWidth ?? 0, h: (el as HTMLElement).offsetHeight ?? 0 } : undefined);
    const culled = this.culled(el, cs, display, bounds(walk.space.mat, rect), walk);
    // What is behind something above the page has to know when that goes, wherever it shows itself.
    if (!culled || walk.layer !== outer.layer) this.note(el, display, position, reported, walk, outer);
    if (culled) return;
    this.count++;
    const layered = this.layered(cs, position, moved !== outer && walk.space !== outer.space, walk, rect);
    this.inside(el, cs, display, layered, rect);
  }

  private space(): Space {
    const { nudge } = this.options;
    return { dx: nudge?.x ?? 0, dy: nudge?.y ?? 0, inner: null, mat: null };
  }

  /** What is fixed, or sticks to the window just now, stays on the same pixels of the picture: else it would look new with each step of scrolling. */
  private held(walk: Walk, el: Element, cs: CSSStyleDeclaration, position: string, r: DOMRect): Walk {
    const { nudge, window: { h } } = this.options, { space } = walk;
    if (!nudge || space.held || space.inner || space.mat || el.ownerDocument !== document) return walk;
    const at = (side: string, by: number) => Math.abs(by - parseFloat(side)) < 0.5;
    const stays = position === 'fixed' || (position === 'sticky' && (at(cs.top, r.top) || at(cs.bottom, h - r.bottom)));
    return stays ? { ...walk, space: { ...space, dx: space.dx - nudge.x, dy: space.dy - nudge.y, held: true } } : walk;
  }

  /** In the window itself. */
  private bare(walk: Walk): Walk {
    return { ...walk, space: { dx: 0, dy: 0, inner: null, mat: null, held: true }, clip: null, absolute: null, fixed: null, decorations: [], ellipsis: null, escaping: false, flex: false, shared: null };
  }

  /** Nothing around it moves, cuts or fades what the browser shows above the page. */
  private above(el: Element, outer: Walk): Walk {
    const layer = newLayer(kOnTop + this.onTop_++), whole = this.options.window;
    this.root_.over.push(layer);
    const walk: Walk = { ...this.bare(outer), layer, context: layer };
    const behind = backdropStyle(el);
    if (veils(behind)) this.push(walk, whole, (brush) => paintVeil(brush, behind, whole));
    if (!isClear(behind.backgroundColor) || behind.backgroundImage !== 'none') this.push(walk, whole, (brush) => paintBox(brush, behind, whole, el, false));
    return walk;
  }

  /** An element without a box of its own: masked, everything in it is black where it lies. */
  private boxless(el: Element, cs: CSSStyleDeclaration, walk: Walk): void {
    const rule = this.options.masks.ruleOf(el);
    if (rule === null) return this.children(el, cs, walk, null);
    this.options.onMasked(el, rule);
    const range = el.ownerDocument.createRange();
    const assigned = el.localName === 'slot' ? (el as HTMLSlotElement).assignedNodes({ flatten: true }) : [];
    for (const node of assigned.length > 0 ? assigned : childNodesOf(el)) {
      range.selectNode(node);
      for (const r of range.getClientRects()) this.blacken(walk, this.local(walk, r));
    }
  }

  /** The walk in the coordinates of a transformed element; the same walk without transform; null when it shows its back. */
  private transform(el: Element, cs: CSSStyleDeclaration, walk: Walk, r: DOMRect): Walk | null {
    if (!isTransformed(cs)) return walk;
    const size = { w: (el as HTMLElement).offsetWidth || r.width, h: (el as HTMLElement).offsetHeight || r.height };
    const found = transformOf(cs, size.w, size.h);
    if (!found) return walk;
    if (found.hidden) return null;
    const { space } = walk;
    const line = found.mat;
    const linear: Mat = multiply(space.inner ?? [1, 0, 0, 1, 0, 0], [line[0], line[1], line[2], line[3], 0, 0]);
    const bare = rectBefore(linear, { x: r.x, y: r.y, w: r.width, h: r.height }, size);
    const [ox = 0, oy = 0] = cs.transformOrigin.split(' ').map(px);
    // The middle of what is seen is the middle of the box; from there the box's place before the transform follows.
    const seenX = r.x + r.width / 2, seenY = r.y + r.height / 2;
    const base = space.inner ? rectBefore(space.inner, { x: seenX, y: seenY, w: 0, h: 0 }, { w: 0, h: 0 }) : { x: seenX, y: seenY };
    const fx = bare.w / 2 - ox, fy = bare.h / 2 - oy;
    const tx = base.x - (ox + line[0] * fx + line[2] * fy + line[4]), ty = base.y - (oy + line[1] * fx + line[3] * fy + line[5]);
    const local = about(line, tx + ox, ty + oy);
    const { dx, dy } = space;
    const shifted = about(line, tx + ox + dx, ty + oy + dy);
    const next: Space = { dx, dy, held: space.held, inner: space.inner ? multiply(space.inner, local) : local, mat: space.mat ? multiply(space.mat, shifted) : shifted };
    return { ...walk, space: next };
  }

  private culled(el: Element, cs: CSSStyleDeclaration, display: string, view: Rect, walk: Walk): boolean {
    if (this.wanted(view, kNear)) return false;
    const cell = display === 'table-cell' && !el.firstElementChild && cs.boxShadow === 'none' && cs.textShadow === 'none';
    if (!cell && this.wanted(view, kReach)) return false;
    if (el.localName === 'body' || this.leading_.has(el)) return false;
    if (cs.overflowX !== 'visible' && cs.overflowY !== 'visible') return true;
    const more = () => el.scrollHeight > el.clientHeight + 2 || el.scrollWidth > el.clientWidth + 2;
    // A line of text may be longer than its box; that of something in a line is its box.
    if (!el.firstElementChild && !rootOf(el)) return display.startsWith('inline') || !more();
    if (display === 'table-row' || display === 'table-cell') return true;
    if (walk.escaping || display.startsWith('inline') || view.h === 0 || view.w === 0) return false;
    return !more();
  }

  private note(el: Element, display: string, position: string, r: DOMRect, walk: Walk, outer: Walk): void {
    const frame = el.ownerDocument !== document;
    const { seen } = this.options, nudge = outer.space.held ? undefined : this.options.nudge;
    const at = frame || walk.space.mat ? bounds(outer.space.mat, this.local(outer, r)) : null;
    const rect = at ? { ...at, x: at.x - (nudge?.x ?? 0), y: at.y - (nudge?.y ?? 0) } : { x: r.x, y: r.y, w: r.width, h: r.height };
    const pin = !frame && !at && (position === 'fixed' || position === 'sticky');
    seen.set(el, { rect, leaf: !el.firstElementChild || display === 'table-row', fixed: walk.pinned, frame, pin, backdrop: walk.layer === outer.layer ? '' : backdropOf(el) });
  }

  /** Puts what makes a stacking context, or is positioned, into a layer of its own. */
  private layered(cs: CSSStyleDeclaration, position: string, turned: boolean, walk: Walk, rect: Rect): Walk {
    const { opacity, filter, mixBlendMode, clipPath, willChange } = cs;
    const positioned = position !== 'static', ordered = positioned || walk.flex, zIndex = ordered ? cs.zIndex : 'auto';
    const z = zIndex === 'auto' ? 0 : Number(zIndex);
    const shape = clipPath && clipPath !== 'none' ? clipPathOf(clipPath, rect) : null;
    const group = opacity !== '1' || filter !== 'none' || !kPlainBlend.test(mixBlendMode) || shape !== null;
    const veiled = veils(cs) && cs.visibility === 'visible';
    const own = group || turned || veiled || zIndex !== 'auto' || position === 'fixed' || position === 'sticky' ||
      (willChange !== 'auto' && (willChange.includes('transform') || willChange.includes('opacity'))) || cs.transform !== 'none' || cs.isolation === 'isolate';
    if (!own && !positioned) return walk;
    const layer = newLayer(z);
    layer.opacity = Number(opacity);
    layer.filter = filter;
    layer.blend = mixBlendMode;
    layer.shape = shape ? { path: shape, mat: walk.space.mat } : null;
    const { context } = walk;
    const among = z < 0 ? context.under : z > 0 ? context.over : context.level;
    if (veiled) among.push(veil(this, cs, walk, layer, rect));
    among.push(layer);
    return { ...walk, layer, context: own ? layer : context };
  }

  private inside(el: Element, cs: CSSStyleDeclaration, display: string, walk: Walk, rect: Rect): void {
    const { masks, onMasked, scale } = this.options;
    const rule = masks.ruleOf(el);
    const pieces = display === 'inline' && el.localName !== 'img' ? [...el.getClientRects()].map((r) => this.local(walk, r)) : [rect];
    if (rule !== null) {
      onMasked(el, rule);
      for (const piece of pieces) this.blacken(walk, piece);
      // What is fixed shows somewhere else: black there.
      if (this.leading_.has(el)) for (const one of this.escaped_) if (one.fixed && (one.element === el || isInside(one.element, el))) this.blacken(this.bare(walk), one.rect);
      return;
    }
    const visible = cs.visibility === 'visible';
    const at = walk.space.mat ? rect : snapped(rect, scale);
    if (visible && el.localName !== 'body') this.box(el, cs, display, walk, walk.space.mat ? pieces : pieces.map((p) => snapped(p, scale)), rect);
    if (visible && cs.outlineStyle !== 'none') this.push(walk, at, (brush) => paintOutline(brush, cs, at, radii(cs, at.w, at.h)), 12);
    // What the browser skips still says where it would be; of a line it skips nothing.
    if (cs.contentVisibility === 'hidden' && display !== 'inline') return;
    if (paintContent(this, el, cs, walk, rect, visible)) return;
    const next = this.contained(el, cs, display, walk, at);
    if (visible && display === 'list-item') paintMarker(this, el, cs, walk, rect);
    const table = display === 'table' && cs.borderCollapse === 'collapse';
    if (table) next.shared = [];
    this.children(el, cs, next, rect, visible);
    if (table) for (const paint of next.shared!) paint();
    if (visible) paintScrollbars(this, el as HTMLElement, cs, walk, at);
  }

  private box(el: Element, cs: CSSStyleDeclaration, display: string, walk: Walk, pieces: Rect[], rect: Rect): void {
    if ((el.localName === 'progress' || el.localName === 'meter') && cs.appearance !== 'none') return;
    const native = kFramed.has(el.localName) ? nativeFrame(el, cs) : null;
    if (native) return this.push(walk, pieces[0] ?? rect, ({ g }) => paintNativeFrame(g, native, cs, pieces[0] ?? rect, el.matches(':disabled')));
    const plain = isClear(cs.backgroundColor) && cs.backgroundImage === 'none' && cs.boxShadow === 'none' && borderWidths(cs).every((v) => v === 0);
    if (plain) return;
    const collapsed = display === 'table-cell' && cs.borderCollapse === 'collapse';
    for (const piece of pieces) {
      this.push(walk, piece, (brush) => paintBox(brush, cs, piece, el, !collapsed), cs.boxShadow === 'none' ? 2 : 60);
    }
    if (collapsed) this.sharedBorders(cs, walk, rect);
  }

  /** Cells of a table share their borders: each lies on the edge, less than half of it up and left; all above all cells. */
  private sharedBorders(cs: CSSStyleDeclaration, walk: Walk, r: Rect): void {
    const w = borderWidths(cs);
    const start = (edge: number, width: number) => Math.floor(edge) - Math.floor(width / 2);
    const x = start(r.x, w[3]), y = start(r.y, w[0]);
    const at = { x, y, w: start(r.x + r.w, w[1]) + w[1] - x, h: start(r.y + r.h, w[2]) + w[2] - y };
    const later = () => this.push(walk, at, (brush) => paintBorders(brush, cs, at, null, w));
    if (walk.shared) walk.shared.push(later);
    else later();
  }

  /** What the element does to everything in it: clipping, containing block, decorations, ellipsis. */
  private contained(el: Element, cs: CSSStyleDeclaration, display: string, walk: Walk, rect: Rect): Walk {
    const next = { ...walk, flex: /flex|grid/.test(display) };
    const { position } = cs;
    const decoration = decorationOf(cs);
    const cutOff = /^(inline-|absolute|fixed)/;
    if (cutOff.test(display) || cutOff.test(position) || cs.cssFloat !== 'none') next.decorations = [];
    if (decoration) next.decorations = [...next.decorations, decoration];
    const x = cs.overflowX !== 'visible', y = cs.overflowY !== 'visible';
    const rootish = el.localName === 'body' && styleOf(el.ownerDocument.documentElement).overflowX === 'visible';
    if ((x || y || /paint|strict|content/.test(cs.contain)) && !rootish) {
      const w = borderWidths(cs), at = inset(rect, w), far = 1e5;
      const clipped = { x: x ? at.x : at.x - far, y: y ? at.y : at.y - far, w: x ? at.w : at.w + 2 * far, h: y ? at.h : at.h + 2 * far };
      next.clip = { parent: walk.clip, mat: walk.space.mat, rect: clipped, radii: x && y ? inner(radii(cs, rect.w, rect.h), ...w) : null };
      const content = inset(at, paddings(cs));
      const clamp = (cs as unknown as Record<string, string>).webkitLineClamp;
      const clamped = clamp !== undefined && clamp !== 'none' && clamp !== '';
      next.ellipsis = x && (cs.textOverflow === 'ellipsis' || clamped) ? { right: content.x + content.w, bottom: clamped ? content.y + content.h : null } : null;
    } else if (display !== 'inline') next.ellipsis = null;
    if (position !== 'static' || walk.space.inner) next.absolute = next.clip;
    if (walk.space.inner) next.fixed = next.clip;
    next.escaping = el.localName !== 'body' && (walk.escaping || (!x && !y && position !== 'static' && (el.scrollHeight > el.clientHeight + 2 || el.scrollWidth > el.clientWidth + 2)));
    return next;
  }

  children(el: Element, cs: CSSStyleDeclaration, walk: Walk, rect: Rect | null, visible = cs.visibility === 'visible'): void {
    if (rect) pseudoElement(this, el, '::before', cs, walk, rect);
    for (const child of this.near(el, walk)) {
      if (child.nodeType === 1) this.one(child as Element, walk);
      else if (child.nodeType === 3 && visible && /\S/.test((child as Text).data)) this.text(child as Text, el.localName === 'slot' && child.parentElement ? styleOf(child.parentElement) : cs, walk);
    }
    if (rect) pseudoElement(this, el, '::after', cs, walk, rect);
  }

  /** Children as they are painted; of a long list only those that can be seen. */
  private near(el: Element, walk: Walk): Iterable<Node> {
    const root = rootOf(el);
    if (root) return root.childNodes;
    if (el.localName === 'slot') {
      // Not flattened: that would leave out the slots in between, and what is masked by them.
      const assigned = (el as HTMLSlotElement).assignedNodes();
      return assigned.length > 0 ? assigned : childNodesOf(el);
    }
    const list = childrenOf(el);
    if (el.localName === 'details' && !(el as HTMLDetailsElement).open) return [...list].filter((each) => each.localName === 'summary').slice(0, 1);
    if (list.length < kLongList || walk.space.inner || (el.localName !== 'tbody' && list.length < 300) || this.options.escapes?.isUnordered(el)) return childNodesOf(el);
    const top = this.top_ - kReach - walk.space.dy, bottom = this.bottom_ + kReach - walk.space.dy;
    let low = 0, high = list.length - 1;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (list[mid]!.getBoundingClientRect().bottom < top) low = mid + 1;
      else high = mid;
    }
    const out: Element[] = [];
    for (let i = Math.max(0, low - 1); i < list.length; i++) {
      out.push(list[i]!);
      if (list[i]!.getBoundingClientRect().top > bottom) break;
    }
    const { before, after } = besides(out[0]!, out[out.length - 1]!, this.leading_);
    return [...before, ...out, ...after];
  }

  text(t: Text, cs: CSSStyleDeclaration, walk: Walk): void {
    const { fonts, scale } = this.options;
    const g = fonts.measuring;
    const font = fonts.of(cs);
    const lines = linesOf(t, cs, (r) => this.local(walk, r, { w: 0, h: font.ascent + font.descent }));
    const { decorations, ellipsis } = walk;
    lines.forEach(({ text, rect }, i) => {
      if (!this.wanted(bounds(walk.space.mat, rect), 4)) return;
      let s = shown(text, cs, i === 0, i === lines.length - 1);
      let at = rect;
      if (ellipsis) {
        const below = lines[i + 1];
        const last = ellipsis.bottom !== null && below !== undefined && below.rect.y >= ellipsis.bottom - 2;
        if (last || (ellipsis.bottom === null && rect.x + rect.w > ellipsis.right + 1)) {
          if (rect.x >= ellipsis.right) return;
          fonts.set(g, cs);
          s = last ? cut(g, `${s}${'\u2003'.repeat(4)}`, Math.min(ellipsis.right - rect.x, g.measureText(`${s}…`).width)) : cut(g, s, ellipsis.right - rect.x);
          at = { ...rect, w: g.measureText(s).width };
        }
      }
      this.push(walk, at, (brush) => {
        for (const d of decorations) if (!d.lines.includes('line-through')) drawDecoration(brush.g, d, font, at, scale);
        drawLine(brush.g, fonts, cs, s, at, scale, null);
        for (const d of decorations) if (d.lines.includes('line-through')) drawDecoration(brush.g, { ...d, lines: 'line-through' }, font, at, scale);
      }, 8);
    });
  }
}
