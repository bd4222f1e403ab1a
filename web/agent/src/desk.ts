import { detach, Emitter, guarded, ParleyError, type AgentClient, type Call, type CaptureChoice, type Conference, type EndedInfo } from '@parley/sdk';

export interface LastCall {
  id: string;
  name: string;
  ended: EndedInfo;
  direction: 'in' | 'out';
}

export interface DeskEvents {
  /** Something that is drawn has changed. */
  changed: void;
  /** Somebody calls: ring until `quiet`. */
  rings: Call;
  quiet: void;
  /** A call is being answered without the agent's doing. */
  autoAnswer: Call;
  entered: Call;
  left: Call;
  error: ParleyError;
}

/** As long as the tone before it, so that nobody is surprised by a voice. */
export const kAutoAnswerMs = 1_200;

/**
 * The agent's calls, without drawing: one that rings, one that is spoken in (`active`) and one beside it (`other`), which
 * is held. Two at most, as at the gateway.
 */
export class Desk extends Emitter<DeskEvents> {
  ringing: Call | null = null;
  answering = false;
  active: Call | null = null;
  other: Call | null = null;
  last: LastCall | null = null;
  /** The call that is about to be answered by itself. */
  automatic: Call | null = null;
  /** A conference is being made. */
  joining = false;
  private readonly followed_ = new WeakSet<Call>();
  private timer_ = 0;
  /** The customer who was passed on: of the two calls that end then, the one to be told of. */
  private joined_: Call | null = null;

  constructor(
    private readonly client_: AgentClient,
    private readonly capture_: () => Partial<CaptureChoice>,
    private readonly name_: (call: Call) => string,
  ) {
    super();
    client_.on('incoming', (call) => this.rings(call));
    client_.on('rejoined', (call) => this.enter(call));
    client_.on('conference', (conference) => this.joined(conference));
  }

  get calls(): Call[] {
    return [this.active, this.other].filter((call): call is Call => call !== null);
  }

  /** The customer is held while the agent speaks with somebody about it (or the other way round). */
  get consult(): { customer: Call; colleague: Call } | null {
    const { active, other } = this;
    if (!active || !other) return null;
    // The one that was there first.
    const [customer, colleague] = (active.startedAt ?? 0) <= (other.startedAt ?? 0) ? [active, other] : [other, active];
    return { customer: customer!, colleague: colleague! };
  }

  /** All three hear each other: both calls are spoken in. */
  get conference(): Conference | null {
    return this.client_.currentConference;
  }

  /** Calls somebody; a running call is put on hold first. */
  async dial(destination: string, video = false): Promise<void> {
    const wanted = destination.trim();
    if (!wanted) return;
    if (this.other) return this.fail(new ParleyError('call.too_many'));
    try {
      const before = this.active;
      const options = { ...this.capture_(), destination: wanted, video };
      const call = before && !before.held ? await this.client_.consult(before, options) : this.client_.call(options);
      this.other = before && !before.ended ? before : null;
      this.active = null;
      this.enter(call);
    } catch (error) {
      this.fail(error);
    }
  }

  async answer(): Promise<void> {
    const call = this.ringing;
    if (!call || this.answering) return;
    this.answering = true;
    this.emit('quiet', undefined);
    this.changed();
    try {
      // What comes in the place of a call needs no hold: that one ends by itself.
      if (this.active && !this.active.held && call.replaces !== this.active.id) await this.active.hold();
      await call.answer(this.capture_());
    } catch (error) {
      if (!call.ended) this.fail(error);
    } finally {
      this.answering = false;
      this.automatic = null;
      this.changed();
    }
  }

  async swap(): Promise<void> {
    const { active, other } = this;
    if (!active || !other) return;
    // In a conference both are spoken in: only the one that is looked at changes.
    if (this.conference) return this.show(other);
    try {
      await this.client_.swap(active, other);
      if (!other.ended) [this.active, this.other] = [other, active.ended ? null : active];
    } catch (error) {
      this.fail(error);
    }
    this.changed();
  }

  /** Takes the customer back from hold, so that all three hear each other. */
  async talkTogether(): Promise<void> {
    const pair = this.consult;
    if (!pair || this.conference || this.joining) return;
    this.joining = true;
    this.changed();
    try {
      await this.client_.conference(pair.customer, pair.colleague);
    } catch (error) {
      this.fail(error);
    } finally {
      this.joining = false;
      this.changed();
    }
  }

  /** The customer is on hold again, the colleague is spoken with alone. */
  async split(): Promise<void> {
    const pair = this.consult;
    if (pair) await this.conference?.split(pair.customer).catch((error: unknown) => this.fail(error));
  }

  /** The browser stopped the sound of a conference. */
  async resumeSound(): Promise<void> {
    await this.conference?.resume().catch((error: unknown) => this.fail(error));
  }

  /** Joins customer and colleague; both calls end here. */
  async complete(): Promise<void> {
    const pair = this.consult;
    if (!pair) return;
    this.joined_ = pair.customer;
    await pair.customer.transferTo(pair.colleague).catch((error: unknown) => this.fail(error));
  }

  /** Ends the call with the colleague and goes on with the customer. */
  async back(): Promise<void> {
    const pair = this.consult;
    if (!pair) return;
    pair.colleague.end();
    if (pair.customer.held) await pair.customer.resume().catch((error: unknown) => this.fail(error));
  }

  dismiss(): void {
    this.last = null;
    this.changed();
  }

  /** Signed out: nothing of the calls is left. */
  clear(): void {
    this.client_.environment.clearTimer(this.timer_);
    this.ringing = this.active = this.other = this.last = this.automatic = null;
    this.emit('quiet', undefined);
    this.changed();
  }

  private show(call: Call): void {
    if (call === this.other) [this.active, this.other] = [call, this.active];
    this.changed();
  }

  private joined(conference: Conference): void {
    conference.on('changed', () => this.changed());
    conference.on('ended', ({ reason, call }) => {
      // What is held lies beside, whoever was looked at.
      if (reason === 'held' && call === this.active && this.other) this.show(this.other);
      else this.changed();
    });
    // Of a telephone there is nothing to be seen.
    if (this.other?.media.video && !this.active?.media.video) this.show(this.other);
    else this.changed();
  }

  private changed(): void {
    this.emit('changed', undefined);
  }

  private fail(error: unknown): void {
    this.emit('error', ParleyError.from(error));
    this.changed();
  }

  private rings(call: Call): void {
    if (this.ringing) return call.reject('busy');
    this.ringing = call;
    this.last = null;
    this.follow(call);
    call.on('state', ({ state }) => {
      if (state === 'ringing' || this.ringing !== call) return;
      this.emit('quiet', undefined);
      this.ringing = null;
      if (state !== 'ended') this.enter(call);
    });
    if (call.replaces && this.calls.some((known) => known.id === call.replaces)) detach('joined call', this.answer());
    else if (call.autoAnswer && !this.active) this.answerSoon(call);
    else this.emit('rings', call);
    this.changed();
  }

  private answerSoon(call: Call): void {
    this.automatic = call;
    this.emit('autoAnswer', call);
    const answer = () => {
      if (this.ringing === call) detach('auto-answer', this.answer());
    };
    this.timer_ = this.client_.environment.setTimer(guarded('auto-answer', answer), kAutoAnswerMs);
  }

  private enter(call: Call): void {
    if (this.active === call || this.other === call || call.ended) return;
    if (this.active) {
      // After a reload both come back; the one that is not held is spoken in.
      if (call.held) return void this.join(call, 'other');
      this.other = this.active;
    }
    this.join(call, 'active');
  }

  private join(call: Call, place: 'active' | 'other'): void {
    this[place] = call;
    this.last = null;
    this.follow(call);
    this.emit('entered', call);
    this.changed();
  }

  private follow(call: Call): void {
    if (this.followed_.has(call)) return;
    this.followed_.add(call);
    call.on('changed', () => this.changed());
    call.on('ended', (ended) => this.leave(call, ended));
  }

  private leave(call: Call, ended: EndedInfo): void {
    if (call === this.ringing) {
      this.ringing = this.automatic = null;
      this.answering = false;
      this.emit('quiet', undefined);
    }
    if (call === this.other) this.other = null;
    if (call === this.active) [this.active, this.other] = [this.other, null];
    const replaced = this.calls.some((other) => other.replaces === call.id);
    const aside = replaced || (ended.reason === 'transferred' && this.joined_ !== null && this.joined_ !== call);
    if (!aside) this.last = { id: call.id, name: this.name_(call), ended, direction: call.direction };
    this.emit('left', call);
    this.changed();
  }
}
