import type { Point, Stroke } from '../../../sdk/src/assist/protocol';

const kSvg = 'http://www.w3.org/2000/svg';

function make(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

const path = (points: Point[]) => points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`).join('') + (points.length === 1 ? 'l.1 .1' : '');

function corners(points: Point[]) {
  const none: Point = [0, 0];
  const a = points[0] ?? none;
  const b = points[points.length - 1] ?? none;
  return { x: Math.min(a[0], b[0]), y: Math.min(a[1], b[1]), w: Math.abs(a[0] - b[0]), h: Math.abs(a[1] - b[1]), a, b };
}

function arrowHead({ a, b }: ReturnType<typeof corners>, width: number): string {
  const angle = Math.atan2(b[1] - a[1], b[0] - a[0]);
  const size = Math.max(12, width * 3.5);
  const wing = (turn: number) => `${b[0] - size * Math.cos(angle + turn)} ${b[1] - size * Math.sin(angle + turn)}`;
  return `M${wing(0.45)}L${b[0]} ${b[1]}L${wing(-0.45)}`;
}

/** What the parties drew, as SVG in coordinates of the consumer's document: it moves with the page. */
export class InkLayer {
  readonly element = make('svg', { class: 'inklayer', 'data-test': 'assist-ink', 'aria-hidden': 'true' }) as SVGSVGElement;
  private readonly shapes_ = new Map<string, Stroke>();
  private readonly drawn_ = new Map<string, SVGElement>();
  private readonly cursor_ = make('g', { class: 'cursor', 'data-test': 'assist-cursor' });
  private scroll_ = { x: 0, y: 0 };

  get count(): number {
    return this.shapes_.size;
  }

  /** `whole`: the points replace what was there (a preview); else they are added. */
  draw(stroke: Stroke, whole = false): void {
    const known = this.shapes_.get(stroke.id);
    const shape = known && !whole ? { ...stroke, points: [...known.points, ...stroke.points] } : stroke;
    this.shapes_.set(stroke.id, shape);
    const element = this.shapeOf(shape);
    element.setAttribute('data-test', 'assist-shape');
    element.setAttribute('data-tool', shape.tool);
    element.setAttribute('data-id', shape.id);
    const before = this.drawn_.get(stroke.id);
    if (before) before.replaceWith(element);
    else this.element.insertBefore(element, this.cursor_.parentNode === this.element ? this.cursor_ : null);
    this.drawn_.set(stroke.id, element);
  }

  erase(ids?: string[]): void {
    for (const id of ids ?? [...this.shapes_.keys()]) {
      this.shapes_.delete(id);
      this.drawn_.get(id)?.remove();
      this.drawn_.delete(id);
    }
  }

  /** Where the consumer's mouse is, in CSS pixels of the viewport. */
  cursor(at: { x: number; y: number } | null, name = ''): void {
    if (!at) return this.cursor_.remove();
    const label = make('text', { x: 16, y: 26, class: 'name' });
    label.textContent = name;
    this.cursor_.replaceChildren(make('path', { d: 'M0 0l5.500 15 2.800-5.800 6-2.200z' }), label);
    this.cursor_.setAttribute('transform', `translate(${at.x + this.scroll_.x} ${at.y + this.scroll_.y})`);
    this.element.append(this.cursor_);
  }

  view(scrollX: number, scrollY: number, { w, h }: { w: number; h: number }): void {
    this.scroll_ = { x: scrollX, y: scrollY };
    this.element.setAttribute('viewBox', `${scrollX} ${scrollY} ${w || 1} ${h || 1}`);
  }

  private shapeOf(shape: Stroke): SVGElement {
    const { tool, points, color, width, text } = shape;
    const line = { fill: 'none', stroke: color, 'stroke-width': width, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
    const box = corners(points);
    switch (tool) {
      case 'pen':
        return make('path', { ...line, d: path(points) });
      case 'highlighter':
        return make('path', { ...line, d: path(points), 'stroke-opacity': 0.4 });
      case 'arrow':
        return make('path', { ...line, d: `${path([box.a, box.b])}${arrowHead(box, width)}` });
      case 'rect':
        return make('rect', { ...line, x: box.x, y: box.y, width: box.w, height: box.h, rx: 3 });
      case 'text': {
        const element = make('text', { x: box.a[0], y: box.a[1], fill: color, 'font-size': width, class: 'words' });
        element.textContent = text ?? '';
        return element;
      }
      case 'spot':
        // Everything but the spot is dimmed.
        return make('path', {
          d: `M-100000-100000H200000V200000H-100000zM${box.x} ${box.y + box.h / 2}a${box.w / 2} ${box.h / 2} 0 1 0 ${box.w} 0a${box.w / 2} ${box.h / 2} 0 1 0 ${-box.w} 0z`,
          'fill-rule': 'evenodd', fill: '#0a121a', 'fill-opacity': 0.5,
        });
    }
  }
}
