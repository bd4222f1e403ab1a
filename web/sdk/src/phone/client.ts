import {
  defaultReconnectPolicy,
  detach,
  guarded,
  ParleyError,
  requestJson,
  type MediaChoice,
  type ServerMessage,
  type Welcome,
} from '../common/index';
import { Call } from './call';
import type { DialOptions } from './call_types';
import { Phone, type PhoneEvents, type PhoneOptions } from './phone';
import { SetupClock } from './setup_clock';

/** What the session is created with (`POST /assistserver/session`), or a token that the site's own server fetched. */
export interface SessionOptions {
  destination?: string;
  name?: string;
  applicationId?: string;
  uui?: string;
  correlationId?: string;
  token?: string;
}

export interface CallOptions extends Partial<DialOptions> {
  /** `agent1`, `sip:8000@…`; empty: what the session fixes, else the server's default. */
  destination?: string;
}

export interface ClientEvents extends PhoneEvents {
  call: Call;
}

export interface ClientOptions extends PhoneOptions {
  /**
   * Under this name the tab's storage keeps the session, so that the next page can `takeUp` a call. Without one, calls end with
   * the page.
   */
  storageKey?: string;
}

const kFirstConnect = 12_000;
const kFarewell = 2_000;
/** Closes a connection whose page is left: browsers' own 1001 cannot be said from here, and not all of them say it. */
const kPageLeft = 4020;

/** A consumer's page: calls an agent. */
export class Client extends Phone<ClientEvents> {
  readonly role = 'consumer' as const;
  private session_: SessionOptions = {};
  private token_: { value: string; until: number } | null = null;
  private clock_: SetupClock | null = null;

  constructor(private readonly own_: ClientOptions = {}) {
    super(own_);
  }

  /** What the next connection is made with, without making it. */
  setSession(session: SessionOptions): void {
    this.session_ = { ...session };
    this.token_ = null;
  }

  /** Optional: `call` connects by itself. Rejects with a ParleyError. */
  async connect(session?: SessionOptions): Promise<void> {
    if (session) this.setSession(session);
    const state = this.connection_?.state;
    if (!this.connection_ || state === 'closed' || state === 'replaced') {
      this.makeConnection({ policy: defaultReconnectPolicy, firstConnectMs: kFirstConnect, storageKey: this.own_.storageKey });
    }
    await this.connection_!.connect();
  }

  /** Starts a call. Never throws: what goes wrong ends the call with a reason and a sentence. */
  call(options: CallOptions = {}): Call {
    const clock = new SetupClock(() => this.environment.now());
    const call = new Call(this, 'out', clock);
    this.clock_ = clock;
    const { destination = this.session_.destination ?? '', audio = true, video = true, ...rest } = options;
    const name = options.name ?? this.session_.name;
    this.dial(call, { ...rest, destination, audio, video, name }, this.connect());
    this.emit('call', call);
    return call;
  }

  /**
   * Goes on with the call `id` of the page before, which had the same `storageKey`. Never throws: what cannot be taken up ends
   * with a reason and a sentence.
   */
  takeUp(id: string, options: Partial<DialOptions> = {}, muted: MediaChoice = { audio: false, video: false }): Call {
    const call = new Call(this, 'out');
    call.expect(id, options.ringback !== false);
    this.calls_.set(id, call);
    const run = async () => {
      try {
        await this.connect();
        const fields = this.connection_?.welcome?.calls.find((c) => c.call === id);
        // It has ended; where the gateway still knows why, it says so now.
        if (!fields) return void this.environment.setTimer(guarded('take up', () => call.lost(new ParleyError('session.lost'))), kFarewell);
        if (call.ended) this.send({ type: 'end', call: id });
        else await call.rejoin(fields, options, muted);
      } catch (thrown) {
        call.lost(ParleyError.from(thrown));
      }
    };
    detach('take up', run());
    this.emit('call', call);
    return call;
  }

  protected async token(fresh: boolean): Promise<string> {
    const now = this.environment.now();
    if (this.session_.token && !fresh) return this.session_.token;
    if (!fresh && this.token_ && now < this.token_.until) return this.token_.value;
    this.clock_?.begin('token');
    const { token: _given, ...body } = this.session_;
    const reply = await requestJson(this.environment, 'POST', this.url('/assistserver/session'), body);
    if (typeof reply.token !== 'string') throw new ParleyError('server.malformed');
    const seconds = typeof reply.expiresIn === 'number' ? reply.expiresIn : 60;
    this.token_ = { value: reply.token, until: now + (seconds - 10) * 1000 };
    this.clock_?.end('token');
    this.clock_?.begin('webSocket');
    return reply.token;
  }

  protected welcomed(_welcome: Welcome): void {
    this.clock_?.end('webSocket');
    this.clock_ = null;
  }

  protected messageArrived(message: ServerMessage): void {
    if (message.type === 'session' && message.what === 'ending') return this.remark(new ParleyError('session.ending', { text: message.text }));
    // A call this page ended before it had an id.
    if (message.type === 'call' && message.state !== 'ended') this.send({ type: 'end', call: message.call });
  }

  /** The page is left: the agent hears at once that the customer left, or that the next page may go on. */
  protected leaving(): void {
    if (this.own_.storageKey && this.calls_.size > 0) this.connection_?.suspend(kPageLeft);
    this.goodbye();
    this.close();
  }
}
