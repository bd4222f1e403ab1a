import { ParleyError, type TransferInfo } from '../common/index';

interface Waiter {
  resolve: () => void;
  reject: (error: ParleyError) => void;
}

/** Follows one transfer at a time through the `transfer` field of `call` messages, for who waits for its end. */
export class TransferWatch {
  private info_: TransferInfo | null = null;
  private waiter_: Waiter | null = null;
  /** Called off here: that it then fails is no news. */
  private quiet_ = false;

  /** The transfer that is under way, or how the last one failed. */
  get info(): TransferInfo | null {
    return this.info_;
  }
  get running(): boolean {
    return this.waiter_ !== null || this.info_?.state === 'trying' || this.info_?.state === 'ringing';
  }

  /** Settles when the transfer is done, failed or called off. `asked`: the request, which may be refused. */
  begin(to: string, asked: Promise<unknown>): Promise<void> {
    this.info_ = { state: 'trying', to };
    this.quiet_ = false;
    const done = new Promise<void>((resolve, reject) => (this.waiter_ = { resolve, reject }));
    asked.catch((error: unknown) => {
      this.info_ = null;
      this.settle((waiter) => waiter.reject(ParleyError.from(error)));
    });
    return done;
  }

  /** What the gateway says now; true: it is news. */
  update(info: TransferInfo | undefined): boolean {
    const before = this.info_;
    if (this.quiet_ && info && info.state !== 'done') return false;
    if (!info) {
      // The answer to another request may come before the transfer has begun there.
      if (!before || (this.waiter_ && before.state === 'trying')) return false;
      this.info_ = null;
      if (before.state !== 'failed') this.settle((waiter) => waiter.reject(new ParleyError('transfer.cancelled')));
      return true;
    }
    if (before && before.state === info.state && before.to === info.to && before.text === info.text) return false;
    this.info_ = info;
    if (info.state === 'done') this.settle((waiter) => waiter.resolve());
    if (info.state === 'failed') this.settle((waiter) => waiter.reject(new ParleyError('transfer.failed', { text: info.text })));
    return true;
  }

  cancelled(): void {
    this.info_ = null;
    this.quiet_ = true;
    this.settle((waiter) => waiter.reject(new ParleyError('transfer.cancelled')));
  }

  /** The call is over; `transferred`: that is what was wanted. */
  ended(transferred: boolean): void {
    this.settle((waiter) => (transferred ? waiter.resolve() : waiter.reject(new ParleyError('call.ended'))));
  }

  private settle(how: (waiter: Waiter) => void): void {
    const waiter = this.waiter_;
    this.waiter_ = null;
    if (waiter) how(waiter);
  }
}
