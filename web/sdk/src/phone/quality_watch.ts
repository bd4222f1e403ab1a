import { guarded, type Environment } from '../common/index';
import type { Quality } from './call_types';
import { judge, type QualityLevel, type StatsSummary } from './stats';

const kInterval = 2_000;
const kReportEvery = 5;

export interface QualityHooks {
  read(before: StatsSummary | null): Promise<StatsSummary | null>;
  tell(quality: Quality): void;
  /** Now and then, for the gateway's timeline. */
  report(quality: Quality): void;
}

/** Looks at the statistics of a call every two seconds, from `start` until `stop`. */
export class QualityWatch {
  private timer_ = 0;
  private ticks_ = 0;
  private last_: StatsSummary | null = null;
  private stopped_ = false;
  level: QualityLevel = 'unknown';

  constructor(
    private readonly env_: Environment,
    private readonly hooks_: QualityHooks,
  ) {}

  get last(): StatsSummary | null {
    return this.last_;
  }

  start(): void {
    if (this.timer_ || this.stopped_) return;
    this.timer_ = this.env_.setTimer(guarded('quality', () => this.tick()), kInterval);
  }

  stop(): void {
    this.stopped_ = true;
    this.env_.clearTimer(this.timer_);
  }

  private async tick(): Promise<void> {
    try {
      const summary = await this.hooks_.read(this.last_);
      if (this.stopped_ || !summary) return;
      this.level = judge(summary, this.last_);
      this.last_ = summary;
      const quality = { level: this.level, summary };
      this.hooks_.tell(quality);
      if (++this.ticks_ % kReportEvery === 1) this.hooks_.report(quality);
    } finally {
      this.timer_ = 0;
      this.start();
    }
  }
}
