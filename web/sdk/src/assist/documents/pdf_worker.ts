// pdf.js's worker as a classic script, which works from another origin: in a worker it answers what that is told by itself.
// @ts-expect-error: pdf.js has no types for it.
import { WorkerMessageHandler } from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs';

/** Where a page allows no worker: the one end of a channel, whose other end is answered here. */
export function answerPdfs(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  (WorkerMessageHandler as { initializeFromPort(port: MessagePort): void }).initializeFromPort(port1);
  port1.start();
  port2.start();
  return port2;
}
