import { guarded } from '../../common/guard';
import type { Point, Stroke } from '../protocol';
import { kLayerStyle } from './layer_style';
import { arrowPath, boxOf, cleanShape, extend, kShapeLimits, linePath, textSize, touches, type Shape } from './shapes';

/** How document coordinates lie on the screen: screen = (document − scroll) × scale + offset. */
export interface LayerView {
  scrollX: number;
  scrollY: number;
  scale: number;
  offsetX?: number;
  offsetY?: number;
}

export interface LayerOptions {
  /** Where the layer goes: the consumer's overlay, or the box around the agent's picture. It fills it. */
  parent: Element | ShadowRoot;
  view: () => LayerView;
  /**
   * Finds what a new shape is fastened to inside the page: the scrollable box at a place of the viewport, if it is not the page itself. Only the
   * consumer's page knows it.
   */
  container?: (x: number, y: number) => Element | null;
  /** A shape was carried along by such a box: `dx`, `dy` from where it was drawn. */
  onMoved?: (id: string, dx: number, dy: number) => void;
}

interface Drawn {
  shape: Shape;
  element: SVGElement | null;
  anchor: { box: Element; left: number; top: number } | null;
  dx: number;
  dy: number;
}

export interface RemoteCursor {
  party: string;
  name: string;
  color: string;
  /** In the consumer's viewport, CSS pixels. */
  x: number;
  y: number;
  down?: boolean;
}

const kSvg = 'http://www.w3.org/2000/svg';
const kArrow = 'M0 0L0 17L4.2 13.2L7.2 20L10 18.8L7.1 12.2L12.8 12.2Z';

/** Everything that is drawn over a page, on both sides of a session; takes no events of its own. */
export class AnnotationLayer {
  private readonly svg_: SVGSVGElement;
  private readonly scene_: SVGGElement;
  private readonly shade_: SVGPathElement;
  private readonly cursors_: SVGGElement;
  private readonly shapes_ = new Map<string, Drawn>();
  private readonly byParty_ = new Map<string, { cursor: RemoteCursor; element: SVGGElement }>();
  private readonly document_: Document;
  private readonly watcher_: ResizeObserver | null;
  private view_: LayerView = { scrollX: 0, scrollY: 0, scale: 1 };

  constructor(private readonly options_: LayerOptions) {
    this.document_ = options_.parent.ownerDocument;
    this.svg_ = this.make('svg', { class: 'parley-layer', 'aria-hidden': 'true', 'data-parley-layer': '' });
    // Properties, not a style attribute: a strict Content-Security-Policy refuses the latter.
    const { style } = this.svg_;
    for (const [name, value] of kLayerStyle) style.setProperty(name, value);
    this.shade_ = this.make('path', { fill: '#0b1418', 'fill-opacity': '0.55', 'fill-rule': 'evenodd', d: '' });
    this.scene_ = this.make('g', {});
    this.cursors_ = this.make('g', {});
    this.svg_.append(this.shade_, this.scene_, this.cursors_);
    options_.parent.append(this.svg_);
    const Observer = this.document_.defaultView?.ResizeObserver;
    this.watcher_ = Observer ? new Observer(guarded('layer size', () => this.refresh())) : null;
    this.watcher_?.observe(this.svg_);
    this.refresh();
  }

  get size(): number {
    return this.shapes_.size;
  }

  get ids(): string[] {
    return [...this.shapes_.keys()];
  }

  /** A `draw` message: a new shape, or more of one. */
  draw(stroke: Stroke): void {
    const shape = cleanShape(stroke);
    if (!shape) return;
    const known = this.shapes_.get(shape.id);
    if (known) {
      extend(known.shape, shape);
      this.paint(known);
      return;
    }
    if (this.shapes_.size >= kShapeLimits.shapes) return;
    if (shape.tool !== 'pen' && shape.tool !== 'highlighter' && shape.points.length > 2) shape.points = [shape.points[0]!, shape.points[shape.points.length - 1]!];
    const drawn: Drawn = { shape, element: null, anchor: null, dx: 0, dy: 0 };
    this.fasten(drawn);
    this.shapes_.set(shape.id, drawn);
    this.paint(drawn);
  }

  erase({ ids, all }: { ids?: string[]; all?: boolean }): void {
    const gone = all ? this.ids : (ids ?? []);
    let spots = false;
    for (const id of gone) {
      const drawn = this.shapes_.get(id);
      if (!drawn) continue;
      drawn.element?.remove();
      this.shapes_.delete(id);
      spots ||= drawn.shape.tool === 'spot';
    }
    if (spots) this.paintShade();
  }

  /** Somebody's pointer, with the name beside it; null takes it away. */
  cursor(party: string, cursor: Omit<RemoteCursor, 'party'> | null): void {
    const known = this.byParty_.get(party);
    if (!cursor || !Number.isFinite(cursor.x) || !Number.isFinite(cursor.y)) {
      known?.element.remove();
      this.byParty_.delete(party);
      return;
    }
    if (!known && this.byParty_.size >= 8) return;
    if (known && (known.cursor.name !== cursor.name || known.cursor.color !== cursor.color)) {
      known.element.remove();
      this.byParty_.delete(party);
    }
    const entry = this.byParty_.get(party) ?? { element: this.makeCursor(cursor.name, cursor.color), cursor: { ...cursor, party } };
    entry.cursor = { ...cursor, party };
    this.byParty_.set(party, entry);
    this.placeCursor(entry);
  }

  /** Takes every cursor away. */
  clearCursors(): void {
    for (const party of [...this.byParty_.keys()]) this.cursor(party, null);
  }

  /** After a scroll, a zoom or a resize. Cheap: one attribute for all shapes. */
  refresh(): void {
    this.view_ = this.options_.view();
    const { scrollX, scrollY, scale, offsetX = 0, offsetY = 0 } = this.view_;
    this.scene_.setAttribute('transform', `translate(${offsetX} ${offsetY}) scale(${scale}) translate(${-scrollX} ${-scrollY})`);
    for (const drawn of this.shapes_.values()) this.carry(drawn);
    this.paintShade();
    for (const entry of this.byParty_.values()) this.placeCursor(entry);
  }

  /** Moves a shape as a box on the consumer's page carried it (`onMoved` there). */
  moved(id: string, dx: number, dy: number): void {
    const drawn = this.shapes_.get(id);
    if (!drawn || !Number.isFinite(dx) || !Number.isFinite(dy)) return;
    Object.assign(drawn, { dx, dy });
    this.shift(drawn);
  }

  /** From the layer's own coordinates (CSS pixels from its corner) to those of the document. */
  toDocument(x: number, y: number): Point {
    const { scrollX, scrollY, scale, offsetX = 0, offsetY = 0 } = this.view_;
    return [(x - offsetX) / scale + scrollX, (y - offsetY) / scale + scrollY];
  }

  /** The newest shape at a place of the layer, for a rubber. */
  hit(x: number, y: number, reach = 8): string | null {
    const [dx, dy] = this.toDocument(x, y);
    let found: string | null = null;
    for (const { shape, dx: sx, dy: sy } of this.shapes_.values()) if (touches(shape, [dx - sx, dy - sy], reach / this.view_.scale)) found = shape.id;
    return found;
  }

  destroy(): void {
    this.watcher_?.disconnect();
    this.svg_.remove();
    this.shapes_.clear();
    this.byParty_.clear();
  }

  private make<K extends keyof SVGElementTagNameMap>(name: K, attributes: Record<string, string>): SVGElementTagNameMap[K] {
    const element = this.document_.createElementNS(kSvg, name) as SVGElementTagNameMap[K];
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  private fasten(drawn: Drawn): void {
    const [first] = drawn.shape.points;
    if (!first || !this.options_.container) return;
    const { scrollX, scrollY } = this.view_;
    const box = this.options_.container(first[0] - scrollX, first[1] - scrollY);
    if (box) drawn.anchor = { box, left: box.scrollLeft, top: box.scrollTop };
  }

  private carry(drawn: Drawn): void {
    const { anchor } = drawn;
    if (!anchor?.box.isConnected) return;
    const dx = anchor.left - anchor.box.scrollLeft;
    const dy = anchor.top - anchor.box.scrollTop;
    if (dx === drawn.dx && dy === drawn.dy) return;
    Object.assign(drawn, { dx, dy });
    this.shift(drawn);
    this.options_.onMoved?.(drawn.shape.id, dx, dy);
  }

  private shift(drawn: Drawn): void {
    if (drawn.shape.tool === 'spot') this.paintShade();
    else drawn.element?.setAttribute('transform', `translate(${drawn.dx} ${drawn.dy})`);
  }

  private paint(drawn: Drawn): void {
    const { shape } = drawn;
    if (!drawn.element) {
      drawn.element = shape.tool === 'text' ? this.makeText(shape) : this.makeLines(shape);
      for (const [name, value] of [['data-test', 'assist-shape'], ['data-tool', shape.tool], ['data-id', shape.id]] as const) drawn.element.setAttribute(name, value);
      this.scene_.append(drawn.element);
      if (drawn.dx || drawn.dy) this.shift(drawn);
    }
    if (shape.tool === 'spot') return this.paintShade(); // All of them are one path.
    if (shape.tool === 'text') this.fillText(drawn.element, shape);
    else for (const path of drawn.element.children) path.setAttribute('d', pathOf(shape));
  }

  /** Lines have a light edge below them, so that they show on any ground. */
  private makeLines(shape: Shape): SVGElement {
    if (shape.tool === 'spot') return this.make('g', {});
    const wide = shape.width;
    const round = { fill: 'none', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
    const line = this.make('path', { ...round, stroke: shape.color, 'stroke-width': String(wide) });
    const group = this.make('g', shape.tool === 'highlighter' ? { opacity: '0.4' } : {});
    if (shape.tool !== 'highlighter') group.append(this.make('path', { ...round, stroke: '#fff', 'stroke-opacity': '0.8', 'stroke-width': String(wide + 3) }));
    group.append(line);
    return group;
  }

  private makeText(shape: Shape): SVGElement {
    return this.make('text', {
      fill: shape.color, stroke: '#fff', 'stroke-width': '4', 'stroke-linejoin': 'round', 'paint-order': 'stroke',
      'font-family': 'system-ui, sans-serif', 'font-weight': '600', 'font-size': String(textSize(shape.width)),
    });
  }

  private fillText(element: SVGElement, shape: Shape): void {
    const [x, y] = shape.points[0] ?? [0, 0];
    const size = textSize(shape.width);
    const lines = (shape.text ?? '').split('\n').slice(0, 10);
    element.replaceChildren(...lines.map((text, i) => {
      // The place is the upper left corner.
      const line = this.make('tspan', { x: String(x), y: String(Math.round(y + size * 0.9 + i * size * 1.25)) });
      line.textContent = text;
      return line;
    }));
  }

  /** All but the spots is darkened. */
  private paintShade(): void {
    const spots = [...this.shapes_.values()].filter((d) => d.shape.tool === 'spot' && d.shape.points.length > 1);
    if (spots.length === 0) return this.shade_.setAttribute('d', '');
    const { scrollX, scrollY, scale, offsetX = 0, offsetY = 0 } = this.view_;
    const { clientWidth: w, clientHeight: h } = this.svg_;
    const holes = spots.map(({ shape, dx, dy }) => {
      const b = boxOf(shape.points);
      const at = (v: number, scroll: number, offset: number) => Math.round((v - scroll) * scale + offset);
      const [x, y, bw, bh] = [at(b.x + dx, scrollX, offsetX), at(b.y + dy, scrollY, offsetY), Math.round(b.w * scale), Math.round(b.h * scale)];
      const r = Math.min(10, bw / 2, bh / 2);
      return `M${x + r} ${y}h${bw - 2 * r}a${r} ${r} 0 0 1 ${r} ${r}v${bh - 2 * r}a${r} ${r} 0 0 1 ${-r} ${r}h${2 * r - bw}a${r} ${r} 0 0 1 ${-r} ${-r}v${2 * r - bh}a${r} ${r} 0 0 1 ${r} ${-r}z`;
    });
    this.shade_.setAttribute('d', `M0 0h${w}v${h}h${-w}z${holes.join('')}`);
  }

  private makeCursor(name: string, color: string): SVGGElement {
    const fill = /^#[0-9a-f]{6}$/i.test(color) ? color : '#0b5f6b';
    const group = this.make('g', { 'data-test': 'assist-cursor' });
    const ring = this.make('circle', { r: '14', fill: 'none', stroke: fill, 'stroke-width': '3', visibility: 'hidden' });
    const arrow = this.make('path', { d: kArrow, fill, stroke: '#fff', 'stroke-width': '1.5', 'stroke-linejoin': 'round' });
    const label = this.make('text', { x: '20', y: '25', fill: inkOn(fill), 'font-family': 'system-ui, sans-serif', 'font-size': '12', 'font-weight': '600' });
    label.textContent = name.slice(0, 40);
    group.append(ring, arrow);
    this.cursors_.append(group);
    if (!name) return group;
    group.append(label);
    const width = label.getComputedTextLength?.() || label.textContent.length * 7;
    group.insertBefore(this.make('rect', { x: '13', y: '12', rx: '9', width: String(Math.ceil(width) + 14), height: '18', fill, stroke: '#fff', 'stroke-width': '1' }), label);
    return group;
  }

  private placeCursor({ cursor, element }: { cursor: RemoteCursor; element: SVGGElement }): void {
    const { scale, offsetX = 0, offsetY = 0 } = this.view_;
    element.setAttribute('transform', `translate(${cursor.x * scale + offsetX} ${cursor.y * scale + offsetY})`);
    element.firstElementChild?.setAttribute('visibility', cursor.down ? 'visible' : 'hidden');
  }
}

function pathOf(shape: Shape): string {
  const { points } = shape;
  const [first] = points;
  if (!first) return '';
  const last = points[points.length - 1]!;
  if (shape.tool === 'arrow') return arrowPath(first, last, shape.width);
  if (shape.tool !== 'rect') return linePath(points);
  const { x, y, w, h } = boxOf([first, last]);
  return `M${x} ${y}h${w}v${h}h${-w}z`;
}

/** Black or white, whichever can be read on a colour (WCAG's relative luminance). */
export function inkOn(color: string): string {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(color.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.179 ? '#000' : '#fff';
}
