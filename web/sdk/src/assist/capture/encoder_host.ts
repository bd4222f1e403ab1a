// Where pictures are encoded: a worker if the page's policy allows one, else here.
import { opened, workerFrom, type StartWorker } from '../start_worker';
import { PictureEncoder, type Encoded, type Job } from './encoder';

/** A worker that has not said a word by then is not allowed to run. */
const kWorkerStartMs = 3000;
const kJobMs = 10000;

type Answer = Encoded & { fault?: string; ready?: boolean };

export class EncoderHost {
  private worker_: Worker | null = null;
  private local_: PictureEncoder | null = null;
  private frames_: (() => ReadableStream<VideoFrame>) | null = null;
  private waiting_: { id: number; done: (answer: Encoded) => void; failed: (fault: Error) => void; timer: number } | null = null;

  get inWorker(): boolean {
    return this.worker_ !== null;
  }

  /** `url`: the worker's script; `make`: how the page starts such. */
  async start(url: string | undefined, make: StartWorker = workerFrom): Promise<void> {
    if (url) {
      const worker = await opened(() => make(url), kWorkerStartMs);
      if (worker) {
        worker.onmessage = ({ data }) => this.answered(data as Answer);
        worker.onerror = () => this.broke();
        this.worker_ = worker;
        return;
      }
    }
    this.local_ = new PictureEncoder();
  }

  /** Jobs may be `filmed` from now on; `frames`: begins to read the film, anew where the worker has taken one with it. */
  film(frames: () => ReadableStream<VideoFrame>): void {
    this.frames_ = frames;
    const readable = frames();
    if (this.local_) this.local_.film(readable);
    else this.worker_!.postMessage({ film: readable }, [readable]);
  }

  run(job: Job): Promise<Encoded> {
    if (this.local_) return this.local_.run(job);
    return new Promise((done, failed) => {
      const timer = window.setTimeout(() => this.broke(), kJobMs);
      this.waiting_ = { id: job.id, done, failed, timer };
      this.worker_!.postMessage(job, [...new Set(job.patches.map((p) => p.bitmap))]);
    });
  }

  stop(): void {
    this.worker_?.terminate();
    this.worker_ = null;
    this.local_?.stop();
    this.finish()?.failed(new Error('stopped'));
  }

  private finish(): typeof this.waiting_ {
    const { waiting_: waiting } = this;
    this.waiting_ = null;
    if (waiting) clearTimeout(waiting.timer);
    return waiting;
  }

  private answered(answer: Answer): void {
    if (this.waiting_?.id !== answer.id) return;
    const waiting = this.finish()!;
    if (answer.fault) waiting.failed(new Error(answer.fault));
    else waiting.done(answer);
  }

  /** The worker died or hangs: on with an encoder in the page, which begins with a whole picture. */
  private broke(): void {
    this.worker_?.terminate();
    this.worker_ = null;
    this.local_ ??= new PictureEncoder();
    if (this.frames_) this.local_.film(this.frames_());
    this.finish()?.failed(new Error('the worker ended'));
  }
}
