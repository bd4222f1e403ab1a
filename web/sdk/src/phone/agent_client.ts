import {
  detach,
  parseFrame,
  ParleyError,
  patientReconnectPolicy,
  requestJson,
  type Availability,
  type CallFields,
  type MediaChoice,
  type ServerMessage,
  type Welcome,
} from '../common/index';
import { Call } from './call';
import type { DialOptions } from './call_types';
import type { CaptureChoice } from './devices';
import { Conference } from './conference';
import { Phone, type PhoneEvents, type PhoneOptions } from './phone';

export interface AgentUser {
  user: string;
  name: string;
  roles: string[];
}

export interface HistoryEntry {
  call: string;
  peer: { name: string; number?: string; address?: string };
  startedAt: string;
  answeredAt?: string;
  endedAt?: string;
  reason: string;
  text: string;
  by: string;
  direction: 'in' | 'out';
}

export interface AgentEvents extends PhoneEvents {
  availability: Availability;
  /** Rings: `answer` or `reject` it. */
  incoming: Call;
  /** A running call was taken up again after a reload. */
  rejoined: Call;
  /** All three hear each other, from `conference()` or again after a reload. */
  conference: Conference;
  /** The server will stop soon, or the like. */
  notice: ParleyError;
}

export interface AgentCallOptions extends Partial<DialOptions> {
  /** `agent2`, a hunt group, `sip:…`, `tel:…` or a number. Video is off unless asked for. */
  destination: string;
}

export interface AgentOptions extends PhoneOptions {
  /** Used when a call is rejoined after a reload. */
  capture?: Partial<CaptureChoice>;
}

const kMaxCalls = 2;
const kSessionKey = 'parley.agent.session';
const kRingingKey = 'parley.agent.ringing';
const kMutedKey = 'parley.agent.muted';
const kAvailabilityKey = 'parley.agent.availability';

/** An agent's page: availability, incoming calls. */
export class AgentClient extends Phone<AgentEvents> {
  readonly role = 'agent' as const;
  private availability_: Availability | null = null;
  private user_: AgentUser | null = null;
  private capture_: Partial<CaptureChoice>;
  private conference_: Conference | null = null;
  /** Calls of a conference that an earlier page mixed, until both are back. */
  private readonly again_ = new Set<Call>();

  constructor(options: AgentOptions = {}) {
    super(options);
    this.capture_ = options.capture ?? {};
  }

  get user(): AgentUser | null {
    return this.user_;
  }
  /** null until the gateway has said. */
  get availability(): Availability | null {
    return this.availability_;
  }

  get currentConference(): Conference | null {
    return this.conference_;
  }

  /** Devices for the next call that is rejoined. */
  setCapture(capture: Partial<CaptureChoice>): void {
    this.capture_ = capture;
  }

  async signIn(user: string, password: string): Promise<AgentUser> {
    const reply = await requestJson(this.environment, 'POST', this.url('/expertassist/agent/login'), { user, password });
    return (this.user_ = readUser(reply));
  }

  /** Ends the session; calls end, too. */
  async signOut(): Promise<void> {
    this.close();
    this.user_ = null;
    this.environment.storage.remove(kRingingKey);
    await requestJson(this.environment, 'POST', this.url('/expertassist/agent/logout'));
  }

  /** Who is signed in (the cookie decides), or null. */
  async whoAmI(): Promise<AgentUser | null> {
    try {
      return (this.user_ = readUser(await this.fetchToken()));
    } catch (error) {
      if (error instanceof ParleyError && error.code === 'login.required') return null;
      throw error;
    }
  }

  /** Connects, or resumes the session this tab had before a reload. */
  async connect(): Promise<void> {
    const state = this.connection_?.state;
    if (!this.connection_ || state === 'closed' || state === 'replaced') {
      this.makeConnection({ policy: patientReconnectPolicy, storageKey: kSessionKey });
    }
    await this.connection_!.connect();
  }

  setAvailability(state: 'available' | 'away'): void {
    this.send({ type: 'availability', state });
  }

  /** Calls somebody: an agent, a hunt group, a number. Never throws: what goes wrong ends the call with a reason and a sentence. */
  call(options: AgentCallOptions): Call {
    const { destination, audio = true, video = false, ...rest } = options;
    const call = new Call(this, 'out');
    call.on('muted', (muted) => this.rememberMuted(call.id, muted));
    // Two at most, as at the gateway: one that is held and one that is spoken in.
    const ready = this.calls.length < kMaxCalls ? this.connect() : Promise.reject(new ParleyError('call.too_many'));
    ready.catch(() => undefined);
    return this.dial(call, { ...this.capture_, ...rest, destination, audio, video }, ready);
  }

  /** Calls somebody about `call`, which is put on hold first. Rejects when that is refused. */
  async consult(call: Call, options: AgentCallOptions): Promise<Call> {
    if (!call.held) await call.hold();
    return this.call(options);
  }

  /** Holds the one and goes on with the other. */
  async swap(active: Call, held: Call): Promise<void> {
    if (!active.held && active.state !== 'ringing' && active.state !== 'preparing') await active.hold();
    await held.resume();
  }

  /**
   * Lets all three hear each other: customer, colleague and this page, which mixes the sound. Call it from a click; a call that
   * is held is taken back. Rejects with `call.state`, `conference.blocked` (the browser wants a gesture) or `conference.failed`,
   * or what the gateway says; the calls are then as before.
   */
  async conference(customer: Call, colleague: Call): Promise<Conference> {
    const two = customer !== colleague && [customer, colleague].every((call) => call.state === 'connected' && this.calls.includes(call));
    if (this.conference_ || !two) throw new ParleyError('call.state');
    const announce = (call: Call, other: Call | null) => this.announce(call, other);
    const conference = new Conference(this.environment, [customer, colleague], announce);
    this.conference_ = conference;
    conference.once('ended', () => (this.conference_ = null));
    await conference.start();
    this.emit('conference', conference);
    return conference;
  }

  /** The last calls of this agent, newest first. */
  async history(): Promise<HistoryEntry[]> {
    const reply = await requestJson(this.environment, 'GET', this.url('/expertassist/agent/history'));
    return Array.isArray(reply.calls) ? (reply.calls as HistoryEntry[]) : [];
  }

  protected async token(_fresh: boolean): Promise<string> {
    const reply = await this.fetchToken();
    if (typeof reply.token !== 'string') throw new ParleyError('server.malformed');
    return reply.token;
  }

  /** A reload may follow: the session stays and the next page finds it. */
  protected leaving(): void {}

  protected welcomed(welcome: Welcome): void {
    // A resumed session is told only of changes; what held before the reload was kept.
    const kept = welcome.resumed ? this.environment.storage.get(kAvailabilityKey) : null;
    this.availability_ = kept === 'available' || kept === 'busy' || kept === 'away' ? kept : null;
    if (this.availability_) this.emit('availability', this.availability_);
    if (!this.user_) this.user_ = { user: welcome.user, name: welcome.name, roles: [] };
    const offers = this.load(kRingingKey);
    for (const fields of welcome.calls) {
      if (this.calls_.has(fields.call) || fields.state === 'ended') continue;
      const offer = fields.sdp ?? offers[fields.call];
      if (fields.state !== 'ringing') this.rejoin(fields);
      else if (fields.direction === 'out') this.send({ type: 'end', call: fields.call }); // Its offer went with the page.
      else if (typeof offer === 'string') this.ring(fields, offer);
    }
  }

  protected messageArrived(message: ServerMessage): void {
    switch (message.type) {
      case 'incoming':
        return this.ring(message, message.sdp);
      case 'call':
        // Taken over from this agent's other page; or dialled and given up before it had an id.
        if (message.state === 'ringing' && message.direction === 'out') this.send({ type: 'end', call: message.call });
        else if (message.state !== 'ringing' && message.state !== 'ended') this.rejoin(message);
        return;
      case 'availability':
        this.availability_ = message.state;
        this.environment.storage.set(kAvailabilityKey, message.state);
        return this.emit('availability', message.state);
      case 'session':
        if (message.what === 'ending') this.emit('notice', new ParleyError('session.ending', { text: message.text }));
        return;
      case 'error':
        if (!message.fatal && !message.request) this.emit('notice', new ParleyError(message.reason, { text: message.text }));
        return;
      default:
        return;
    }
  }

  private ring(fields: CallFields, offer: string): void {
    if (this.calls_.has(fields.call)) return;
    const call = new Call(this, 'in');
    this.calls_.set(fields.call, call);
    this.environment.storage.set(kRingingKey, JSON.stringify({ [fields.call]: offer }));
    call.on('muted', (muted) => this.rememberMuted(fields.call, muted));
    call.once('ended', () => this.environment.storage.remove(kRingingKey));
    call.offered(fields, offer);
    this.emit('incoming', call);
  }

  private rejoin(fields: CallFields): void {
    const call = new Call(this, fields.direction);
    this.calls_.set(fields.call, call);
    call.on('muted', (muted) => this.rememberMuted(fields.call, muted));
    // Who was muted before the reload must not be heard after it.
    const muted = (this.load(kMutedKey)[fields.call] ?? {}) as Partial<MediaChoice>;
    detach('rejoin', call.rejoin(fields, this.capture_, { audio: muted.audio === true, video: muted.video === true }));
    this.emit('rejoined', call);
    if (!fields.conference?.call) return;
    this.again_.add(call);
    call.on('state', () => this.conferenceAgain());
    call.on('ended', () => this.again_.clear());
  }

  /** The gateway remembers a conference over a reload: this page mixes it once both calls are back. */
  private conferenceAgain(): void {
    const calls = [...this.again_].sort((a, b) => Number(a.startedAt) - Number(b.startedAt));
    const [customer, colleague] = calls;
    if (!customer || !colleague || !calls.every((call) => call.state === 'connected')) return;
    this.again_.clear();
    this.conference(customer, colleague).catch((thrown: unknown) => {
      for (const call of calls) if (!call.ended) this.announce(call, null);
      this.emit('notice', ParleyError.from(thrown));
    });
  }

  private announce(call: Call, other: Call | null): void {
    // What the gateway knows of it is for the others' pages; the sound does not depend on it.
    this.request({ type: 'conference', call: call.id, to: other?.id ?? '' }).catch(() => undefined);
  }

  private rememberMuted(call: string, muted: MediaChoice): void {
    const running = this.calls.map((c) => c.id);
    const kept = Object.entries(this.load(kMutedKey)).filter(([id]) => id !== call && running.includes(id));
    this.environment.storage.set(kMutedKey, JSON.stringify({ ...Object.fromEntries(kept), [call]: muted }));
  }

  private load(key: string): Record<string, unknown> {
    return parseFrame(this.environment.storage.get(key)) ?? {};
  }

  private fetchToken(): Promise<Record<string, unknown>> {
    return requestJson(this.environment, 'GET', this.url('/expertassist/agent/token'));
  }
}

function readUser(reply: Record<string, unknown>): AgentUser {
  if (typeof reply.user !== 'string') throw new ParleyError('server.malformed');
  return {
    user: reply.user,
    name: typeof reply.name === 'string' && reply.name ? reply.name : reply.user,
    roles: Array.isArray(reply.roles) ? reply.roles.filter((r): r is string => typeof r === 'string') : [],
  };
}
