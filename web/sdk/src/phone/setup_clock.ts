// How long a person waits from pressing Assist (or Answer) to the first picture, and for what.

export type SetupPart =
  | 'getUserMedia'
  | 'token'
  | 'webSocket'
  | 'offer'
  | 'dial'
  | 'ringing'
  | 'sdp'
  | 'ice'
  | 'dtls'
  | 'firstFrame';

export interface SetupReport {
  /** From the press, in milliseconds; parts may overlap. */
  parts: Partial<Record<SetupPart, { start: number; duration: number }>>;
  /** First decoded remote video frame, from the press. */
  firstFrame?: number;
  /** First remote sound was played, from the press (voice-only calls). */
  firstAudio?: number;
  /** What a person took to answer; the rest is ours. */
  waitedForAnswer?: number;
}

export class SetupClock {
  private readonly start_: number;
  private readonly begun_ = new Map<SetupPart, number>();
  private readonly report_: SetupReport = { parts: {} };

  constructor(private readonly now_: () => number) {
    this.start_ = now_();
  }

  private elapsed(): number {
    return Math.round((this.now_() - this.start_) * 10) / 10;
  }

  begin(part: SetupPart): void {
    if (!this.begun_.has(part)) this.begun_.set(part, this.elapsed());
  }

  /** Only the first end of a part counts, and only if it began. */
  end(part: SetupPart): void {
    const start = this.begun_.get(part);
    if (start === undefined || this.report_.parts[part]) return;
    const duration = Math.round((this.elapsed() - start) * 10) / 10;
    this.report_.parts[part] = { start, duration };
    if (part === 'ringing') this.report_.waitedForAnswer = duration;
  }

  /** True the first time. */
  first(what: 'firstFrame' | 'firstAudio'): boolean {
    if (this.report_[what] !== undefined) return false;
    this.report_[what] = this.elapsed();
    return true;
  }

  get report(): SetupReport {
    return { ...this.report_, parts: { ...this.report_.parts } };
  }
}
