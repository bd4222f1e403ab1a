import { Emitter, guarded } from '../common/index';
import { PictureSurface, type Drawn, type Spoiled } from './picture_surface';

export type { Drawn, PictureView, Spoiled } from './picture_surface';

export interface ViewerEvents {
  /** A frame is on the canvas: acknowledge it to the server (`seen`). */
  drawn: Drawn;
  /** A frame could not be drawn; a whole picture is needed. */
  spoiled: { why: Spoiled; frame: number };
}

export interface ViewerOptions {
  /** Makes the worker of viewer_worker.ts; absent, or where it cannot be had: pictures are drawn on the page's thread. */
  worker?: () => Worker;
}

/** What page and worker say to each other. */
export type ToWorker = { canvas: OffscreenCanvas } | { frame: ArrayBuffer } | { clear: true } | { close: true };
export type FromWorker = { ready: true } | { drawn: Drawn } | { spoiled: { why: Spoiled; frame: number } };

/** A worker that has not said a word by then is not allowed to run. */
const kWorkerStartMs = 3_000;
/** The server sends 8 pictures that were not acknowledged; a hostile one more. */
const kMaxEarly = 16;

/**
 * Shows a consumer's pictures on a canvas. The canvas belongs to the viewer from then on (another thread may draw on it), and
 * one viewer uses it once.
 */
export class Viewer extends Emitter<ViewerEvents> {
  private surface_: PictureSurface | null = null;
  private worker_: Worker | null = null;
  private closed_ = false;
  /** Until it is known where they are drawn. */
  private early_: ArrayBuffer[] | null = [];
  private startTimer_: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly canvas_: HTMLCanvasElement, options: ViewerOptions = {}) {
    super();
    if (!options.worker || !this.startWorker(options.worker)) this.drawHere();
  }

  /** On a thread of its own. */
  get threaded(): boolean {
    return this.worker_ !== null;
  }

  push(frame: ArrayBuffer): void {
    if (this.early_) {
      if (this.early_.length < kMaxEarly) this.early_.push(frame);
    } else if (this.worker_) this.post({ frame }, [frame]);
    else this.surface_?.push(frame);
  }

  /** Nothing of the consumer's page is left on the canvas. */
  clear(): void {
    if (this.early_) this.early_ = [];
    else if (this.worker_) this.post({ clear: true });
    else this.surface_?.clear();
  }

  close(): void {
    if (this.closed_) return;
    this.closed_ = true;
    clearTimeout(this.startTimer_);
    this.worker_?.terminate();
    this.worker_ = null;
    this.surface_?.close();
    this.surface_ = null;
    this.removeAllListeners();
  }

  /** On the page's own thread. */
  private drawHere(): void {
    this.surface_ = new PictureSurface(this.canvas_, {
      drawn: (drawn) => this.emit('drawn', drawn),
      spoiled: (why, frame) => this.emit('spoiled', { why, frame }),
    });
    this.begin();
  }

  private begin(): void {
    const early = this.early_ ?? [];
    this.early_ = null;
    for (const frame of early) this.push(frame);
  }

  private startWorker(make: () => Worker): boolean {
    if (typeof OffscreenCanvas === 'undefined' || typeof this.canvas_.transferControlToOffscreen !== 'function') return false;
    let worker: Worker;
    try {
      worker = make();
    } catch {
      return false; // Forbidden by the site's policy.
    }
    this.worker_ = worker;
    worker.onmessage = guarded('viewer', ({ data }: MessageEvent<FromWorker>) => {
      if ('ready' in data) this.handOver();
      else if ('drawn' in data) this.emit('drawn', data.drawn);
      else this.emit('spoiled', data.spoiled);
    });
    worker.onerror = guarded('viewer worker', () => (this.early_ ? this.withoutWorker() : this.emit('spoiled', { why: 'unsupported', frame: 0 })));
    this.startTimer_ = setTimeout(guarded('viewer worker', () => this.withoutWorker()), kWorkerStartMs);
    return true;
  }

  /** The canvas is given away only to a worker that lives: it cannot be had back. */
  private handOver(): void {
    if (!this.early_ || !this.worker_) return;
    clearTimeout(this.startTimer_);
    const canvas = this.canvas_.transferControlToOffscreen();
    this.post({ canvas }, [canvas]);
    this.begin();
  }

  private withoutWorker(): void {
    if (!this.early_ || this.closed_) return;
    clearTimeout(this.startTimer_);
    this.worker_?.terminate();
    this.worker_ = null;
    this.drawHere();
  }

  private post(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker_?.postMessage(message, transfer);
  }
}
