import { AnnotationLayer } from '../annotations/index';
import type { Stroke } from '../protocol';
import type { CobrowseEvents } from './cobrowse_types';

/** A pointer that rests is out of the way, as on the consumer's page. */
const kIdleMs = 4_000;

/** What the parties drew, over the picture: the same layer as on the consumer's page, in coordinates of the consumer's document. */
export class InkLayer {
  readonly element = document.createElement('div');
  private readonly layer_: AnnotationLayer;
  /** When they are hidden. */
  private readonly pointers_ = new Map<string, number>();
  private view_ = { scrollX: 0, scrollY: 0, w: 1 };

  constructor() {
    this.element.className = 'inklayer';
    this.element.dataset.test = 'assist-ink';
    this.element.setAttribute('aria-hidden', 'true');
    this.layer_ = new AnnotationLayer({
      parent: this.element,
      view: () => ({ scrollX: this.view_.scrollX, scrollY: this.view_.scrollY, scale: (this.element.clientWidth || this.view_.w) / this.view_.w }),
    });
  }

  get count(): number {
    return this.layer_.size;
  }

  draw(stroke: Stroke): void {
    this.layer_.draw(stroke);
  }

  erase(ids?: string[]): void {
    this.layer_.erase(ids ? { ids } : { all: true });
  }

  /** Shapes go with the box of the page that they were drawn on. */
  carried(shapes: readonly { id: string; dx: number; dy: number }[]): void {
    for (const { id, dx, dy } of shapes) this.layer_.moved(id, dx, dy);
  }

  /** Where the consumer's mouse is, in CSS pixels of the viewport. */
  cursor(at: { x: number; y: number } | null, name = ''): void {
    this.layer_.cursor('consumer', at && { ...at, name, color: '#15212d' });
  }

  /** Where another agent points. */
  pointer({ party, gone, on, name, color, x, y, down }: CobrowseEvents['pointer']): void {
    window.clearTimeout(this.pointers_.get(party));
    const hide = () => this.layer_.cursor(party, null);
    this.pointers_.set(party, window.setTimeout(hide, kIdleMs));
    if (gone || on) hide();
    else this.layer_.cursor(party, { name, color, x, y, down });
  }

  /** Nobody but these points any more. */
  only(parties: readonly string[]): void {
    for (const [party, timer] of this.pointers_) {
      if (parties.includes(party)) continue;
      window.clearTimeout(timer);
      this.pointers_.delete(party);
      this.layer_.cursor(party, null);
    }
  }

  view(scrollX: number, scrollY: number, { w }: { w: number; h: number }): void {
    this.view_ = { scrollX, scrollY, w: w || 1 };
    this.layer_.refresh();
  }
}
