import { guarded, type Environment } from '../../common/index';

/** The server takes one question for a whole picture a second. */
const kRefreshMs = 1_200;

/** Asks for a whole picture until one is drawn: the server passes over what is asked too often. */
export class WholePicture {
  private askedAt_ = -Infinity;
  /** Timer of the next question; 0: none is missing. */
  private timer_ = 0;

  constructor(
    private readonly env_: Environment,
    private readonly wanted_: () => boolean,
    private readonly ask_: () => void,
  ) {}

  want(): void {
    if (!this.timer_) this.attempt();
  }

  stop(): void {
    this.env_.clearTimer(this.timer_);
    this.timer_ = 0;
  }

  private attempt(): void {
    const wait = this.askedAt_ + kRefreshMs - this.env_.now();
    if (wait <= 0) {
      this.askedAt_ = this.env_.now();
      this.ask_();
    }
    this.timer_ = this.env_.setTimer(guarded('whole picture', () => (this.wanted_() ? this.attempt() : this.stop())), wait > 0 ? wait : kRefreshMs);
  }
}
