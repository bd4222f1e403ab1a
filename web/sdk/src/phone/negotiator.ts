import {
  detach,
  guarded,
  ParleyError,
  type ClientMessage,
  type Environment,
  type MediaChoice,
  type ServerMessage,
} from '../common/index';
import type { PeerLink, Shape } from './peer_link';

const kRestartSettles = 2_000;
const kMaxGlare = 4;

/** What the negotiations of a call need to know of it. */
export interface NegotiatorHost {
  readonly environment: Environment;
  readonly call: string;
  readonly over: boolean;
  /** Milliseconds since the connection to the gateway broke; 0 while it stands. */
  readonly brokenFor: number;
  send(message: ClientMessage): void;
  request(message: ClientMessage): Promise<ServerMessage>;
}

/** Everything that is negotiated after the first offer and answer: restarts, added and removed media, the gateway's offers. */
export class Negotiator {
  private readonly env_: Environment;
  private restarting_ = false;
  private wanted_: 'no' | 'ice' | 'anew' = 'no';
  private failures_ = 0;
  private timer_ = 0;
  private pauses_ = new Set<() => void>();

  constructor(
    private readonly host_: NegotiatorHost,
    private readonly link_: PeerLink,
    /** A restart has found its answer. */
    private readonly restarted_: () => void,
  ) {
    this.env_ = host_.environment;
  }

  /** The path is up again by itself. */
  pathUp(): void {
    if (!this.restarting_) this.wanted_ = 'no';
  }

  wantRestart(how: 'ice' | 'anew'): void {
    if (this.host_.over) return;
    if (this.wanted_ !== 'anew') this.wanted_ = how;
    this.run();
  }

  /** Goes on with what waited for the gateway. */
  run(): void {
    if (this.wanted_ === 'no' || this.restarting_ || this.host_.over) return;
    if (this.host_.brokenFor > 0) return; // The call comes back here when signalling stands.
    const anew = this.wanted_ === 'anew';
    this.wanted_ = 'no';
    this.restarting_ = true;
    const exchange = (sdp: string) => this.answerTo({ type: 'restart', call: this.host_.call, sdp });
    const done = (error: unknown) => this.restartDone(error, anew);
    detach('restart', this.link_.restart(exchange, anew).then(() => done(null), done));
  }

  /** Rejects with the reason; what was before then holds on. A collision with an offer of the other side is tried again. */
  async change(shape: Shape, media: MediaChoice): Promise<void> {
    const exchange = (sdp: string) => this.answerTo({ type: 'offer', call: this.host_.call, sdp, media });
    for (let tries = 1; ; tries++) {
      try {
        return await this.link_.change(shape, exchange);
      } catch (thrown) {
        const error = ParleyError.from(thrown, 'media.failed');
        if (error.code !== 'call.glare' || tries > kMaxGlare || this.host_.over) throw error;
        await this.pause(500 + this.env_.random() * 1_500);
        if (this.host_.over) throw new ParleyError('call.ended');
      }
    }
  }

  /** An offer of the gateway: another codec, another far end, a change of the other side. */
  offered(sdp: string, media?: MediaChoice): Promise<void> {
    const reply = (answer: string) => this.host_.send({ type: 'answer', call: this.host_.call, sdp: answer });
    return this.link_.accept(sdp, reply, media);
  }

  close(): void {
    this.env_.clearTimer(this.timer_);
    for (const wake of [...this.pauses_]) wake();
  }

  private async answerTo(message: ClientMessage): Promise<string> {
    const reply = await this.host_.request(message);
    if (reply.type !== 'sdp') throw new ParleyError('server.malformed');
    return reply.sdp;
  }

  private restartDone(error: unknown, anew: boolean): void {
    this.restarting_ = false;
    if (this.host_.over) return;
    if (error === null) {
      this.failures_ = 0;
      this.restarted_();
      // What was wished for meanwhile is most likely done by this one: look again once it had time to work.
      if (this.wanted_ === 'anew') return this.run();
      if (this.wanted_ === 'ice') this.runIn(kRestartSettles);
      return;
    }
    this.failures_++;
    if (this.wanted_ !== 'anew') this.wanted_ = anew ? 'anew' : 'ice';
    this.runIn(Math.min(8_000, 500 * 2 ** Math.min(this.failures_, 5)));
  }

  private runIn(milliseconds: number): void {
    this.env_.clearTimer(this.timer_);
    this.timer_ = this.env_.setTimer(guarded('restart', () => this.run()), milliseconds);
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.env_.clearTimer(timer);
        this.pauses_.delete(wake);
        resolve();
      };
      const timer = this.env_.setTimer(wake, milliseconds);
      this.pauses_.add(wake);
    });
  }
}
