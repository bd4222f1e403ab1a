import { getDocument, PDFWorker, type PDFDocumentLoadingTask, type PDFDocumentProxy } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { ParleyError } from '../../common/index';
import { kPart, PdfParts } from './pdf_parts';
import { pdfWorkerOf, type Brings, type PdfPort } from './pdf_worker_of';
import type { PageSource, RenderedPage, Size } from './types';

const kLeaveMs = 1000;
const kUnloaded = 'This document cannot be shown here: what reads it did not come.';
const kUnreadable = 'This document cannot be shown: it is damaged or not a PDF.';
/** A document comes from somebody else: no more than this of it. */
export const kBounds = { pages: 5_000, canvasPixels: 16_000_000, imagePixels: 64_000_000, openMs: 30_000, renderMs: 20_000, side: 20_000 } as const;

/** The worker is given a moment to take leave: one that hangs in a document does not. */
function end(task: PDFDocumentLoadingTask | undefined, worker: PdfPort): void {
  void task?.destroy().catch(() => undefined);
  window.setTimeout(worker.close, kLeaveMs);
}

function late(ms: number, text: string, stop: () => void): { promise: Promise<never>; clear: () => void } {
  let timer = 0;
  const promise = new Promise<never>((_, no) => {
    timer = window.setTimeout(() => {
      no(new ParleyError('document.too_slow', { text }));
      stop();
    }, ms);
  });
  return { promise, clear: () => window.clearTimeout(timer) };
}

/**
 * A PDF on pdf.js: parsed in a worker, drawn on canvases; no scripts, forms or links of the document. Pages are fetched
 * as they are looked at (Range requests), so that the first one is there at once.
 */
export class PdfSource implements PageSource {
  private constructor(
    private readonly task_: PDFDocumentLoadingTask,
    private readonly worker_: PdfPort,
    private readonly document_: PDFDocumentProxy,
    readonly size: Size,
  ) {}

  /** `assets`: address of the folder with worker, character maps and fonts (`…/shared/pdf/`); `brings`: how it comes into the page. */
  static async open(src: string, assets: string, brings?: Brings): Promise<PdfSource> {
    // Both at once: on a slow line either takes a while.
    const parts = PdfParts.open(src);
    parts.catch(() => undefined);
    const worker = await pdfWorkerOf(assets, brings).catch((cause: unknown) => {
      void parts.then(({ range }) => range?.abort());
      throw new ParleyError('document.unreadable', { text: kUnloaded, cause });
    });
    let task: PDFDocumentLoadingTask | undefined;
    const limit = late(kBounds.openMs, 'The document took too long to open.', () => void task?.destroy());
    try {
      task = getDocument({
        ...(await Promise.race([parts, limit.promise])),
        worker: new PDFWorker({ port: worker.port as unknown as null }), isEvalSupported: false, enableXfa: false, disableAutoFetch: true, disableStream: true,
        rangeChunkSize: kPart, maxImageSize: kBounds.imagePixels, cMapUrl: `${assets}cmaps/`, cMapPacked: true, standardFontDataUrl: `${assets}standard_fonts/`,
        verbosity: 0,
      });
      const document = await Promise.race([task.promise, limit.promise]);
      const first = (await Promise.race([document.getPage(1), limit.promise])).getViewport({ scale: 1 });
      return new PdfSource(task, worker, document, { width: first.width, height: first.height });
    } catch (error) {
      end(task, worker);
      throw ParleyError.from(error instanceof ParleyError ? error : new ParleyError('document.unreadable', { text: kUnreadable, cause: error }));
    } finally {
      limit.clear();
    }
  }

  get pages(): number {
    return Math.min(this.document_.numPages, kBounds.pages);
  }

  async render(number: number, scale: number, signal: AbortSignal): Promise<RenderedPage> {
    const page = await this.document_.getPage(number);
    const { width, height } = page.getViewport({ scale: 1 });
    if (!(width > 0 && height > 0 && width < kBounds.side && height < kBounds.side)) throw new ParleyError('document.unreadable', { text: kUnreadable });
    const fits = Math.min(scale, Math.sqrt(kBounds.canvasPixels / (width * height)));
    const viewport = page.getViewport({ scale: fits });
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.floor(viewport.width));
    canvas.height = Math.max(1, Math.floor(viewport.height));
    const canvasContext = canvas.getContext('2d', { alpha: false });
    if (!canvasContext || signal.aborted) throw new ParleyError('document.cancelled');
    const task = page.render({ canvasContext, viewport, annotationMode: 0 });
    const limit = late(kBounds.renderMs, 'This page took too long to draw.', () => task.cancel());
    const stop = () => task.cancel();
    signal.addEventListener('abort', stop);
    try {
      await Promise.race([task.promise, limit.promise]);
    } finally {
      limit.clear();
      signal.removeEventListener('abort', stop);
      page.cleanup();
    }
    return { canvas, size: { width, height } };
  }

  close(): void {
    end(this.task_, this.worker_);
  }
}
