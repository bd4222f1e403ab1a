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

/**
 * Shows a consumer's pictures on a canvas. The canvas belongs to the viewer from then on (another thread may draw on it), and
 * one viewer uses it once.
 */
export class Viewer extends Emitter<ViewerEvents> {
  private surface_: PictureSurface | null = null;
  private worker_: Worker | null = null;
  private closed_ = false;

  constructor(canvas: HTMLCanvasElement, options: ViewerOptions = {}) {
    super();
    if (!options.worker || !this.startWorker(canvas, options.worker)) this.surface_ = this.makeSurface(canvas);
  }

  /** On a thread of its own. */
  get threaded(): boolean {
    return this.worker_ !== null;
  }

  push(frame: ArrayBuffer): void {
    if (this.worker_) this.post({ frame }, [frame]);
    else this.surface_?.push(frame);
  }

  /** Nothing of the consumer's page is left on the canvas. */
  clear(): void {
    if (this.worker_) this.post({ clear: true });
    else this.surface_?.clear();
  }

  close(): void {
    if (this.closed_) return;
    this.closed_ = true;
    this.worker_?.terminate();
    this.worker_ = null;
    this.surface_?.close();
    this.surface_ = null;
    this.removeAllListeners();
  }

  private makeSurface(canvas: HTMLCanvasElement): PictureSurface {
    return new PictureSurface(canvas, {
      drawn: (drawn) => this.emit('drawn', drawn),
      spoiled: (why, frame) => this.emit('spoiled', { why, frame }),
    });
  }

  private startWorker(canvas: HTMLCanvasElement, make: () => Worker): boolean {
    if (typeof OffscreenCanvas === 'undefined' || typeof canvas.transferControlToOffscreen !== 'function') return false;
    let worker: Worker;
    try {
      worker = make();
    } catch {
      return false; // Forbidden by the site's policy.
    }
    worker.onmessage = guarded('viewer', ({ data }: MessageEvent<FromWorker>) => {
      if ('drawn' in data) this.emit('drawn', data.drawn);
      else if ('spoiled' in data) this.emit('spoiled', data.spoiled);
    });
    worker.onerror = guarded('viewer worker', () => this.emit('spoiled', { why: 'unsupported', frame: 0 }));
    this.worker_ = worker;
    const offscreen = canvas.transferControlToOffscreen();
    this.post({ canvas: offscreen }, [offscreen]);
    return true;
  }

  private post(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker_?.postMessage(message, transfer);
  }
}
