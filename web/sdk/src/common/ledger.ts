// Numbering, acknowledgement and repetition of messages: every message arrives once and in order, however
// often the connection broke. No I/O: texts to send are returned.

export const kMaxUnacknowledged = 256;
export const kMaxUnacknowledgedBytes = 1024 * 1024;

interface Kept {
  seq: number;
  message: object;
  size: number;
  /** When it was last put on a connection; for the liveness check. */
  sentAt: number;
}

export type Arrival = 'new' | 'duplicate' | 'gap';

export class Ledger {
  private next_ = 1;
  private received_ = 0;
  private acknowledgedToPeer_ = 0;
  private keptBytes_ = 0;
  private kept_: Kept[] = [];

  /** Highest number received in order. */
  get received(): number {
    return this.received_;
  }

  /** Something arrived that the other side does not yet know we have. */
  get owesAck(): boolean {
    return this.received_ > this.acknowledgedToPeer_;
  }

  get unacknowledged(): number {
    return this.kept_.length;
  }

  /** Time at which the oldest unacknowledged message was sent; undefined when there is none. */
  get oldestSentAt(): number | undefined {
    return this.kept_[0]?.sentAt;
  }

  /** Numbers and keeps a message. null: the bound is reached, the session cannot go on. */
  stamp(message: object, now: number): string | null {
    const size = JSON.stringify(message).length;
    if (this.kept_.length >= kMaxUnacknowledged || this.keptBytes_ + size > kMaxUnacknowledgedBytes) return null;
    const kept: Kept = { seq: this.next_++, message, size, sentAt: now };
    this.kept_.push(kept);
    this.keptBytes_ += size;
    return this.write(kept);
  }

  ack(): string {
    this.acknowledgedToPeer_ = this.received_;
    return JSON.stringify({ type: 'ack', ack: this.received_ });
  }

  /** The other side has everything up to and including `seq`. */
  acknowledged(seq: number): void {
    while (this.kept_.length > 0 && this.kept_[0]!.seq <= seq) this.keptBytes_ -= this.kept_.shift()!.size;
  }

  /** Judges a numbered message by its place; `new` counts it as received. */
  arrive(seq: number): Arrival {
    if (seq <= this.received_) return 'duplicate';
    if (seq !== this.received_ + 1) return 'gap';
    this.received_ = seq;
    return 'new';
  }

  /** After a resume: what the other side lacks, oldest first. */
  resume(peerReceived: number, now: number): string[] {
    this.acknowledged(peerReceived);
    // After a reload the numbers used before are known only to the other side.
    if (this.kept_.length === 0) this.next_ = Math.max(this.next_, peerReceived + 1);
    return this.kept_.map((kept) => {
      kept.sentAt = now;
      return this.write(kept);
    });
  }

  /** A page that was reloaded goes on where it stopped reading. */
  restore(received: number): void {
    this.received_ = received;
    this.acknowledgedToPeer_ = received;
  }

  reset(): void {
    this.next_ = 1;
    this.received_ = 0;
    this.acknowledgedToPeer_ = 0;
    this.kept_ = [];
    this.keptBytes_ = 0;
  }

  private write(kept: Kept): string {
    this.acknowledgedToPeer_ = this.received_;
    return JSON.stringify({ ...kept.message, seq: kept.seq, ack: this.received_ });
  }
}
