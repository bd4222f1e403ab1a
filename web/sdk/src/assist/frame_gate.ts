/** Bytes waiting in the socket: above, the network is slower than the pictures; below, it has caught up. */
const kLimit = 512 * 1024;
const kLow = 64 * 1024;

/** Holds pictures back while the socket is full: nothing queues up in it. */
export class FrameGate {
  private clogged_ = false;

  /** `pace` hears of it at each try, since it makes the pictures slower step by step, and once when it is over. */
  open(buffered: number, pace: (behind: boolean) => void): boolean {
    const clogged = buffered > (this.clogged_ ? kLow : kLimit);
    if (clogged || this.clogged_) pace(clogged);
    this.clogged_ = clogged;
    return !clogged;
  }
}
