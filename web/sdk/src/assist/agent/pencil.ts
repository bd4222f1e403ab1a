import type { Point, Stroke, Tool } from '../protocol';
import type { Cobrowse } from './cobrowse';
import { kWidths } from './tools';

/** Points of a stroke go out so often; the server takes 50 messages a second. */
const kStrokeMs = 60;
/** The server takes 2,000 points a shape; longer strokes go on as a new one. */
const kMaxPoints = 1_900;
/** Half the size of a spotlight that was only clicked. */
const kSpot = [80, 50] as const;

interface Line {
  id: string;
  tool: Tool;
  color: string;
  start: Point;
  waiting: Point[];
  sent: number;
}

export interface Paper {
  draw(stroke: Stroke): void;
  erase(ids: string[]): void;
}

const isFree = (tool: Tool) => tool === 'pen' || tool === 'highlighter';

/** What a hand does with a tool becomes strokes of the session, in CSS pixels of the consumer's document. `paper`: shows what is not sent yet. */
export class Pencil {
  private line_: Line | null = null;
  private timer_ = 0;

  constructor(
    private readonly session_: Pick<Cobrowse, 'draw' | 'newId'>,
    private readonly paper_: Paper,
  ) {}

  get drawing(): boolean {
    return this.line_ !== null;
  }

  start(tool: Exclude<Tool, 'text'>, color: string, at: Point): void {
    this.end();
    this.line_ = { id: this.session_.newId(tool), tool, color, start: at, waiting: [at], sent: 0 };
  }

  moved(points: readonly Point[]): void {
    const line = this.line_;
    if (!line) return;
    line.waiting.push(...points);
    if (!isFree(line.tool)) this.preview(line);
    else if (!this.timer_) this.timer_ = window.setTimeout(() => this.send(false), kStrokeMs);
  }

  end(): void {
    const line = this.line_;
    if (!line) return;
    if (isFree(line.tool)) {
      this.send(true);
    } else {
      const end = line.waiting[line.waiting.length - 1]!;
      this.paper_.erase([line.id]);
      const [x, y] = line.start;
      // A click without a drag is a slip of the hand; a spotlight has a size of its own.
      const far = Math.abs(end[0] - x) + Math.abs(end[1] - y) > 6;
      const around: Point[] = [[x - kSpot[0], y - kSpot[1]], [x + kSpot[0], y + kSpot[1]]];
      if (far || line.tool === 'spot') this.put(line, far ? [line.start, end] : around, true);
    }
    this.line_ = null;
  }

  write(text: string, color: string, at: Point): void {
    this.session_.draw({ id: this.session_.newId('text'), tool: 'text', color, width: kWidths.text, points: [at], text, done: true });
  }

  stop(): void {
    clearTimeout(this.timer_);
    this.timer_ = 0;
    this.line_ = null;
  }

  /** Of a shape with two corners the others get the finished one only. */
  private preview({ id, tool, color, start, waiting }: Line): void {
    this.paper_.draw({ id, tool, color, width: kWidths[tool], points: [start, waiting[waiting.length - 1]!], done: false });
  }

  private put({ id, tool, color }: Line, points: Point[], done: boolean): void {
    this.session_.draw({ id, tool, color, width: kWidths[tool], points, done });
  }

  private send(done: boolean): void {
    clearTimeout(this.timer_);
    this.timer_ = 0;
    const line = this.line_;
    if (!line || (line.waiting.length === 0 && !done)) return;
    const points = line.waiting;
    line.waiting = [];
    line.sent += points.length;
    this.put(line, points, done);
    if (done || line.sent < kMaxPoints) return;
    // It goes on as another one from where it is.
    this.put(line, [], true);
    Object.assign(line, { id: this.session_.newId(line.tool), waiting: points.slice(-1), sent: 0 });
  }
}
