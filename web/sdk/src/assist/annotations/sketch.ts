// What a hand does with a tool becomes `draw` messages: a start, batches of points while it moves, an end.
import type { Point, Stroke, Tool } from '../protocol';
import { isLine, kShapeLimits } from './shapes';

export interface SketchOptions {
  tool: Tool;
  color: string;
  /** CSS pixels. */
  width: number;
  /** Shown for `text`. */
  text?: string;
  /** On a co-viewed document instead of the page. */
  on?: string;
  page?: number;
  /** Makes an id that nobody else in the session uses. */
  id: string;
  /** The message goes to the layer on this page at once, and to the server. */
  send: (stroke: Stroke) => void;
  /** Milliseconds, monotonic. */
  now?: () => number;
}

/** A batch at most so often: what the eye takes for movement, and far below the server's limit. */
const kInterval = 33;
/** Points nearer than this to the last are left out. */
const kNear = 1.5;

export class Sketch {
  private waiting_: Point[] = [];
  private last_: Point | null = null;
  private sentAt_ = -Infinity;
  private count_ = 0;
  private over_ = false;

  constructor(private readonly options_: SketchOptions) {}

  /** In document coordinates. */
  start(point: Point): void {
    this.add(point);
    // A text is there at once; the others when they are more than a place.
    if (this.options_.tool === 'text') this.end();
    else this.flush(false);
  }

  move(point: Point): void {
    if (this.over_ || !this.last_) return;
    if (Math.hypot(point[0] - this.last_[0], point[1] - this.last_[1]) < kNear) return;
    this.add(point);
    const now = (this.options_.now ?? (() => performance.now()))();
    if (now - this.sentAt_ >= kInterval) this.flush(false);
  }

  end(point?: Point): void {
    if (this.over_ || !this.last_) return;
    if (point && (point[0] !== this.last_[0] || point[1] !== this.last_[1])) this.add(point);
    this.over_ = true;
    this.flush(true);
  }

  private add(point: Point): void {
    const rounded: Point = [Math.round(point[0] * 10) / 10, Math.round(point[1] * 10) / 10];
    this.last_ = rounded;
    if (this.count_ >= kShapeLimits.points) return;
    if (isLine(this.options_.tool) || this.count_ === 0) {
      this.count_++;
      this.waiting_.push(rounded);
    } else {
      // Of a rectangle only the newest second corner counts.
      this.waiting_ = this.count_ === 1 && this.waiting_.length > 0 ? [this.waiting_[0]!, rounded] : [rounded];
    }
  }

  private flush(done: boolean): void {
    const { id, tool, color, width, text, on, page, send, now = () => performance.now() } = this.options_;
    const points = this.waiting_;
    this.waiting_ = [];
    if (this.count_ === 1 && !isLine(tool)) this.count_ = 2;
    this.sentAt_ = now();
    send({ id, tool, color, width, points, done, ...(text === undefined ? {} : { text }), ...(on === undefined ? {} : { on, page }) });
  }
}
