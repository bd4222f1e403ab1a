import type { Point } from '../protocol';
import { shape } from './strokes';

/** So long nobody moved it: then it hides. */
const kIdle = 4_000;

/** An agent who points. */
export interface Who {
  party: string;
  name: string;
  /** `#rrggbb` */
  color: string;
}

/** Where agents point on a document. They hang in the pages and go with them when these are scrolled or zoomed. */
export class Pointers {
  private readonly shown_ = new Map<string, { element: HTMLElement; timer: number }>();

  /** `at`: parts of the page's width and height. null: nowhere. */
  show({ party, name, color }: Who, page: HTMLElement | null, [x, y]: Point): void {
    const known = this.shown_.get(party);
    window.clearTimeout(known?.timer);
    if (!page || x < 0 || y < 0 || x > 1 || y > 1) {
      known?.element.remove();
      this.shown_.delete(party);
      return;
    }
    const element = known?.element ?? made(party);
    element.style.setProperty('--c', color);
    element.style.setProperty('left', `${x * 100}%`);
    element.style.setProperty('top', `${y * 100}%`);
    element.lastElementChild!.textContent = name;
    if (element.parentElement !== page) page.append(element);
    this.shown_.set(party, { element, timer: window.setTimeout(() => this.show({ party, name, color }, null, [0, 0]), kIdle) });
  }

  clear(): void {
    for (const { element, timer } of this.shown_.values()) {
      window.clearTimeout(timer);
      element.remove();
    }
    this.shown_.clear();
  }
}

function made(party: string): HTMLElement {
  const element = document.createElement('div');
  element.className = 'pointer';
  element.dataset.test = 'document-cursor';
  element.dataset.party = party;
  element.setAttribute('aria-hidden', 'true');
  const arrow = shape('svg', { viewBox: '0 0 24 24' });
  arrow.append(shape('path', { d: 'M4 2.5l15.500 9-6.700 1.600-3.500 6.400z', fill: 'currentColor', stroke: '#fff', 'stroke-width': 1.5, 'stroke-linejoin': 'round' }));
  element.append(arrow, document.createElement('span'));
  return element;
}
