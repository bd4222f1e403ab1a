/** Time that moves only when told. */
export class FakeClock {
  private now_ = 1_000_000;
  private next_ = 1;
  private readonly timers_ = new Map<number, { at: number; fn: () => void }>();

  now(): number {
    return this.now_;
  }

  set(fn: () => void, milliseconds: number): number {
    const id = this.next_++;
    this.timers_.set(id, { at: this.now_ + Math.max(0, milliseconds), fn });
    return id;
  }

  clear(id: number): void {
    this.timers_.delete(id);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.timers_.size;
  }

  /** Runs what is due, in order, and lets promises settle between. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.now_ + milliseconds;
    await settle();
    for (;;) {
      let due: [number, { at: number; fn: () => void }] | null = null;
      for (const timer of this.timers_) if (timer[1].at <= until && (!due || timer[1].at < due[1].at)) due = timer;
      if (!due) break;
      this.timers_.delete(due[0]);
      this.now_ = Math.max(this.now_, due[1].at);
      due[1].fn();
      await settle();
    }
    this.now_ = until;
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 40; i++) await Promise.resolve();
}
