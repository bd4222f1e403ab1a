import { boxOf } from '../annotations/shapes';
import type { Point } from '../protocol';
import { kHighlighterTimes, kTextTimes, type DocumentStroke, type Size } from './types';

const kSvg = 'http://www.w3.org/2000/svg';

export function shape(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** The two short lines of an arrow's head. */
export function arrowHead(from: Point, to: Point, size: number): Point[] {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const wing = (turn: number): Point => [to[0] - size * Math.cos(angle + turn), to[1] - size * Math.sin(angle + turn)];
  return [wing(0.5), to, wing(-0.5)];
}

const path = (points: readonly Point[]) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');

function draw(stroke: DocumentStroke): SVGElement[] {
  const { tool, color, width, points } = stroke;
  const first = points[0];
  const last = points[points.length - 1];
  if (!first || !last) return [];
  const line = { fill: 'none', stroke: color, 'stroke-width': width, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
  switch (tool) {
    case 'highlighter':
      return [shape('polyline', { ...line, points: path(points), 'stroke-width': width * kHighlighterTimes, opacity: 0.35 })];
    case 'rect': {
      const [x, y] = [Math.min(first[0], last[0]), Math.min(first[1], last[1])];
      return [shape('rect', { ...line, x, y, width: Math.abs(last[0] - first[0]), height: Math.abs(last[1] - first[1]) })];
    }
    case 'arrow':
      return [shape('polyline', { ...line, points: path([first, last]) }), shape('polyline', { ...line, points: path(arrowHead(first, last, width * 5)) })];
    case 'text': {
      const size = width * kTextTimes;
      // The place is the upper left corner.
      const element = shape('text', { x: first[0], y: first[1] + size * 0.9, fill: color, 'font-size': size, 'font-family': 'sans-serif' });
      element.textContent = stroke.text ?? '';
      return [element];
    }
    default:
      return [shape('polyline', { ...line, points: path(points.length > 1 ? points : [first, first]) })];
  }
}

/** What is drawn on one page, over it and in its units. */
export class StrokeLayer {
  readonly element = document.createElementNS(kSvg, 'svg');
  private readonly groups_ = new Map<string, SVGElement>();
  private readonly spots_ = new Map<string, readonly Point[]>();
  private readonly shade_ = shape('path', { fill: '#0b1418', 'fill-opacity': 0.55, 'fill-rule': 'evenodd' });
  private size_: Size = { width: 0, height: 0 };

  resize(size: Size): void {
    this.size_ = size;
    this.element.setAttribute('viewBox', `0 0 ${size.width} ${size.height}`);
    this.element.setAttribute('preserveAspectRatio', 'none');
    this.element.setAttribute('aria-hidden', 'true');
    this.paintShade();
  }

  put(stroke: DocumentStroke): void {
    if (stroke.tool === 'spot') {
      this.spots_.set(stroke.id, stroke.points);
      return this.paintShade();
    }
    let group = this.groups_.get(stroke.id);
    if (!group) {
      group = shape('g', {});
      this.groups_.set(stroke.id, group);
      this.element.append(group);
    }
    group.replaceChildren(...draw(stroke));
  }

  remove(id: string): void {
    if (this.spots_.delete(id)) this.paintShade();
    this.groups_.get(id)?.remove();
    this.groups_.delete(id);
  }

  /** All of the page but the spots is darkened. */
  private paintShade(): void {
    const holes = [...this.spots_.values()].filter((points) => points.length > 1).map((points) => {
      const { x, y, w, h } = boxOf([points[0]!, points[points.length - 1]!]);
      return `M${x} ${y}h${w}v${h}h${-w}z`;
    });
    if (holes.length === 0) return this.shade_.remove();
    const { width, height } = this.size_;
    this.shade_.setAttribute('d', `M0 0h${width}v${height}h${-width}z${holes.join('')}`);
    if (!this.shade_.isConnected) this.element.prepend(this.shade_);
  }
}
