import type { Point } from '../protocol';
import type { DocumentStroke, Size } from './types';

const kSvg = 'http://www.w3.org/2000/svg';

function shape(name: string, attributes: Record<string, string | number>): SVGElement {
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
      return [shape('polyline', { ...line, points: path(points), 'stroke-width': width * 4, opacity: 0.35 })];
    case 'rect': {
      const [x, y] = [Math.min(first[0], last[0]), Math.min(first[1], last[1])];
      return [shape('rect', { ...line, x, y, width: Math.abs(last[0] - first[0]), height: Math.abs(last[1] - first[1]) })];
    }
    case 'arrow':
      return [shape('polyline', { ...line, points: path([first, last]) }), shape('polyline', { ...line, points: path(arrowHead(first, last, width * 5)) })];
    case 'spot':
      return [shape('circle', { cx: last[0], cy: last[1], r: width * 5, fill: color, opacity: 0.35 })];
    case 'text': {
      const element = shape('text', { x: first[0], y: first[1], fill: color, 'font-size': Math.max(10, width * 5), 'font-family': 'sans-serif' });
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

  resize({ width, height }: Size): void {
    this.element.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.element.setAttribute('preserveAspectRatio', 'none');
    this.element.setAttribute('aria-hidden', 'true');
  }

  put(stroke: DocumentStroke): void {
    let group = this.groups_.get(stroke.id);
    if (!group) {
      group = shape('g', {});
      this.groups_.set(stroke.id, group);
      this.element.append(group);
    }
    group.replaceChildren(...draw(stroke));
  }

  remove(id: string): void {
    this.groups_.get(id)?.remove();
    this.groups_.delete(id);
  }
}
