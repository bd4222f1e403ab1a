import { AnnotationLayer } from '../annotations/index';
import type { Stroke } from '../protocol';

/** What the parties drew, over the picture: the same layer as on the consumer's page, in coordinates of the consumer's document. */
export class InkLayer {
  readonly element = document.createElement('div');
  private readonly layer_: AnnotationLayer;
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

  view(scrollX: number, scrollY: number, { w }: { w: number; h: number }): void {
    this.view_ = { scrollX, scrollY, w: w || 1 };
    this.layer_.refresh();
  }
}
