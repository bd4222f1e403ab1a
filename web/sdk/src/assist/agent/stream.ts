import { guarded, type Environment } from '../../common/index';
import type { TopicAgentMessage } from '../protocol';

/** The server takes 50 messages a second; these are the ones that come in streams. */
const kStreamMs = 50;

interface Waiting {
  pointer?: TopicAgentMessage;
  scroll?: TopicAgentMessage & { type: 'scroll' };
  window?: TopicAgentMessage;
}

/** Movements, scrolling and the window's place: the newest, at most twenty times a second. */
export class Stream {
  private waiting_: Waiting = {};
  private timer_ = 0;

  constructor(
    private readonly env_: Environment,
    private readonly send_: (message: TopicAgentMessage) => void,
  ) {}

  put<K extends keyof Waiting>(kind: K, message: Waiting[K]): void {
    this.waiting_[kind] = message;
    if (this.timer_) return;
    this.flush();
    const over = () => {
      this.timer_ = 0;
      this.flush();
    };
    this.timer_ = this.env_.setTimer(guarded('assist stream', over), kStreamMs);
  }

  /** What has been scrolled and not been sent yet counts, too. */
  scroll(x: number, y: number, dx: number, dy: number): void {
    const before = this.waiting_.scroll ?? { dx: 0, dy: 0 };
    this.put('scroll', { type: 'scroll', x, y, dx: before.dx + dx, dy: before.dy + dy });
  }

  flush(): void {
    const { pointer, scroll, window } = this.waiting_;
    this.waiting_ = {};
    for (const message of [pointer, scroll, window]) if (message) this.send_(message);
  }

  stop(): void {
    this.env_.clearTimer(this.timer_);
  }
}
