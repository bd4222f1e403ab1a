// The script of the worker: /assistserver/sdk/web/shared/assist-worker.js
import { PictureEncoder, type Job } from './encoder';

interface WorkerScope {
  onmessage: ((event: { data: Job | { film: ReadableStream<VideoFrame> } }) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

const scope = self as unknown as WorkerScope;
const encoder = new PictureEncoder();
let queue: Promise<unknown> = Promise.resolve();

scope.onmessage = ({ data }) => {
  if ('film' in data) return encoder.film(data.film);
  queue = queue.then(async () => {
    try {
      const done = await encoder.run(data);
      scope.postMessage(done, done.frame ? [done.frame] : []);
    } catch (fault) {
      scope.postMessage({ id: data.id, frame: null, tiles: 0, blurred: 0, fault: String(fault) });
    }
  });
};
scope.postMessage({ ready: true });
