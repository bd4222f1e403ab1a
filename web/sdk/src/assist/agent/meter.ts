// How well the pictures come, from what was drawn in the last seconds.

export interface Pace {
  /** `idle`: nothing changes on the consumer's page, so nothing is sent. */
  level: 'good' | 'slow' | 'idle' | 'unknown';
  kbps: number;
  /** Pictures a second. */
  rate: number;
}

const kWindowMs = 5_000;
/** From the arrival of a frame to its drawing. Beyond, this machine is the slow part. */
const kSlowMs = 400;
const kMaxKept = 512;

interface Entry {
  at: number;
  bytes: number;
  waited: number;
}

export class PaceMeter {
  private drawn_: Entry[] = [];
  private arrivals_: { frame: number; at: number }[] = [];
  private ever_ = false;

  arrived(now: number, frame: number): void {
    this.arrivals_.push({ frame, at: now });
    if (this.arrivals_.length > kMaxKept) this.arrivals_.shift();
  }

  /** What came before it and was not drawn never will be. */
  drawn(now: number, bytes: number, frame: number): void {
    this.ever_ = true;
    const at = this.arrivals_.findIndex((arrival) => arrival.frame === frame);
    const arrival = this.arrivals_.splice(0, at + 1).pop()?.at ?? now;
    this.drawn_.push({ at: now, bytes, waited: now - arrival });
    if (this.drawn_.length > kMaxKept) this.drawn_.shift();
  }

  /** What waits will not be drawn. */
  spoiled(): void {
    this.arrivals_ = [];
  }

  pace(now: number): Pace {
    this.drawn_ = this.drawn_.filter(({ at }) => now - at <= kWindowMs);
    if (!this.ever_) return { level: 'unknown', kbps: 0, rate: 0 };
    const seconds = kWindowMs / 1000;
    const bytes = this.drawn_.reduce((sum, entry) => sum + entry.bytes, 0);
    const rate = this.drawn_.length / seconds;
    const waits = this.drawn_.map(({ waited }) => waited).sort((a, b) => a - b);
    const waiting = this.arrivals_.length > 0 && now - this.arrivals_[0]!.at > kSlowMs;
    const slow = waiting || (waits[Math.floor(waits.length / 2)] ?? 0) > kSlowMs;
    return { level: slow ? 'slow' : rate === 0 ? 'idle' : 'good', kbps: Math.round((bytes * 8) / 1000 / seconds), rate: Math.round(rate * 10) / 10 };
  }
}
