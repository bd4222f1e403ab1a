import { ParleyError } from './errors';

/** Runs asynchronous steps one at a time, in order. After `close` waiting steps are refused. */
export class SerialQueue {
  private tail_: Promise<unknown> = Promise.resolve();
  private closed_ = false;
  private waiting_ = 0;

  get closed(): boolean {
    return this.closed_;
  }

  /** Steps that have not finished. */
  get size(): number {
    return this.waiting_;
  }

  run<T>(step: () => Promise<T>): Promise<T> {
    this.waiting_++;
    const guardedStep = async (): Promise<T> => {
      try {
        if (this.closed_) throw new ParleyError('call.ended');
        return await step();
      } finally {
        this.waiting_--;
      }
    };
    const result = this.tail_.then(guardedStep, guardedStep);
    this.tail_ = result.catch(() => undefined);
    return result;
  }

  close(): void {
    this.closed_ = true;
  }
}
