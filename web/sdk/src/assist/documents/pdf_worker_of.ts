import { loadScript, startWorker } from '../load_part';
import { opened, type StartWorker } from '../start_worker';

/** How a page brings in scripts of the Parley server, as its policy has it. */
export interface Brings {
  startWorker: StartWorker;
  loadScript: (url: string) => Promise<void>;
}
export interface PdfPort {
  port: Worker | MessagePort;
  close: () => void;
}

/** The script is large: a slow line may take so long. */
const kOpenMs = 20_000;

/** What parses PDFs: pdf.js's worker; where the page allows no worker, the same script in the page itself. */
export async function pdfWorkerOf(assets: string, brings: Brings = { startWorker, loadScript }): Promise<PdfPort> {
  const url = `${assets}pdf.worker.js`;
  const worker = await opened(() => brings.startWorker(url), kOpenMs);
  if (worker) return { port: worker, close: () => worker.terminate() };
  await brings.loadScript(url);
  const port = (window as unknown as { Parley: { answerPdfs(): MessagePort } }).Parley.answerPdfs();
  return { port, close: () => port.close() };
}
