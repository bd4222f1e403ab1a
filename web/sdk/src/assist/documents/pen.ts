import { guarded } from '../../common/index';
import type { Point } from '../protocol';
import type { DocumentStroke, PagePoint } from './types';

/** A piece of a stroke; pieces with one id belong together. */
export type PenStroke = DocumentStroke & { page: number; done: boolean };

/** Points go out so often; the server takes 50 messages a second. */
const kSendMs = 60;
/** The server takes 2,000 points a shape; a longer line ends there. */
const kMaxPoints = 1_900;
const kColor = '#175cd3';
/** Of a line, in CSS pixels. */
const kWidth = 3;

/** The pen of the person who looks: while it is there, a drag draws on the page under it. Pages are scrolled with the wheel. */
export class Pen {
  /** Lies over what is drawn on. */
  readonly hand = document.createElement('div');
  private stroke_: { id: string; page: number; width: number; waiting: Point[]; count: number; pointer: number } | null = null;
  private timer_ = 0;
  private made_ = 0;

  constructor(
    private readonly scroller_: HTMLElement,
    private readonly at_: (clientX: number, clientY: number) => PagePoint | null,
    private readonly drawn_: (stroke: PenStroke) => void,
  ) {
    this.hand.className = 'hand';
    this.hand.dataset.test = 'pen-hand';
    this.hand.addEventListener('pointerdown', (event) => this.down(event));
    this.hand.addEventListener('pointermove', (event) => this.moved(event));
    this.hand.addEventListener('pointerup', (event) => this.up(event));
    this.hand.addEventListener('pointercancel', (event) => this.up(event));
    this.hand.addEventListener('wheel', (event) => this.scroller_.scrollBy(event.deltaX, event.deltaY), { passive: true });
  }

  remove(): void {
    this.send(true);
    this.hand.remove();
  }

  private down(event: PointerEvent): void {
    const at = event.button === 0 ? this.at_(event.clientX, event.clientY) : null;
    if (!at) return;
    event.preventDefault();
    this.send(true);
    const beside = this.at_(event.clientX + 1, event.clientY) ?? this.at_(event.clientX - 1, event.clientY);
    const unit = beside?.page === at.page ? Math.abs(beside.point[0] - at.point[0]) : 1;
    this.hand.setPointerCapture?.(event.pointerId);
    const width = Math.max(1, Math.round(kWidth * unit * 10) / 10);
    this.stroke_ = { id: `ink-${Date.now().toString(36)}-${++this.made_}`, page: at.page, width, waiting: [at.point], count: 1, pointer: event.pointerId };
  }

  private moved(event: PointerEvent): void {
    const stroke = this.stroke_;
    if (stroke?.pointer !== event.pointerId) return;
    const at = this.at_(event.clientX, event.clientY);
    // A line ends at the edge of its page.
    if (at?.page !== stroke.page) return;
    stroke.waiting.push(at.point);
    if (++stroke.count >= kMaxPoints) return this.send(true);
    this.timer_ ||= window.setTimeout(guarded('pen', () => this.send(false)), kSendMs);
  }

  private up(event: PointerEvent): void {
    if (this.stroke_?.pointer === event.pointerId) this.send(true);
  }

  private send(done: boolean): void {
    window.clearTimeout(this.timer_);
    this.timer_ = 0;
    const stroke = this.stroke_;
    if (!stroke) return;
    const { id, page, width, waiting: points } = stroke;
    stroke.waiting = [];
    if (done) this.stroke_ = null;
    this.drawn_({ id, tool: 'pen', color: kColor, width, points, page, done });
  }
}
