import {
  browserEnvironment,
  Connection,
  detach,
  Emitter,
  guarded,
  ParleyError,
  type ClientMessage,
  type ConnectionState,
  type Environment,
  type ReconnectPolicy,
  type Role,
  type ServerMessage,
  type Welcome,
} from '../common/index';
import type { Call } from './call';
import type { CallHost, DialOptions } from './call_types';
import { Devices } from './devices';
import { Tones } from './tones';

/** How often a call is looked at that goes on though nothing is heard of the gateway. */
const kLookAgain = 5000;

export interface PhoneOptions {
  /** Origin of the Parley server, e.g. `https://parley.example:8443`; default: the page's own. */
  server?: string;
  reconnectPolicy?: ReconnectPolicy;
  /** Passed to RTCPeerConnection (STUN and TURN servers). */
  rtcConfiguration?: RTCConfiguration;
  /** Tests give their own. */
  environment?: Environment;
}

export interface PhoneEvents {
  connection: ConnectionState;
  /** The connection is over and does not come back by itself. */
  failed: ParleyError;
}

/** What consumer and agent have in common: one connection, the calls on it, the devices. */
export abstract class Phone<E extends PhoneEvents> extends Emitter<E> implements CallHost {
  readonly environment: Environment;
  readonly devices: Devices;
  /** Sounds of the page itself. */
  readonly tones: Tones;
  readonly configuration: RTCConfiguration | undefined;
  abstract readonly role: Role;
  protected readonly calls_ = new Map<string, Call>();
  /** Being dialled, without an id yet; each with the timer that gives it up where the network is gone. */
  protected readonly unnamed_ = new Map<Call, number>();
  protected connection_: Connection | null = null;
  private readonly gaveUp_ = new Set<string>();
  private readonly base_: string;
  private stopNetwork_: (() => void) | null = null;
  private giveUpTimer_ = 0;
  private stopLeave_: (() => void) | null = null;

  constructor(protected readonly options_: PhoneOptions) {
    super();
    this.environment = options_.environment ?? browserEnvironment();
    this.devices = new Devices(this.environment);
    this.tones = new Tones(this.environment);
    this.configuration = options_.rtcConfiguration;
    this.base_ = (options_.server ?? this.environment.origin).replace(/\/+$/, '');
    if (!/^https?:\/\/[^/]/.test(this.base_)) {
      throw new ParleyError('argument.invalid', { text: 'server must be an address like https://parley.example:8443' });
    }
  }

  get connectionState(): ConnectionState {
    return this.connection_?.state ?? 'idle';
  }
  get calls(): Call[] {
    return [...this.calls_.values(), ...this.unnamed_.keys()];
  }
  get mediaLimits(): Welcome['media'] {
    return this.connection_?.welcome?.media ?? {};
  }
  get brokenFor(): number {
    return this.connection_?.brokenFor ?? 0;
  }

  send(message: ClientMessage): void {
    if (!this.connection_) throw new ParleyError('session.closed');
    this.connection_.send(message);
  }

  request(message: ClientMessage): Promise<ServerMessage> {
    if (!this.connection_) return Promise.reject(new ParleyError('session.closed'));
    return this.connection_.request(message);
  }

  released(call: Call): void {
    this.named(call);
    if (call.id) this.calls_.delete(call.id);
  }

  /** Ends calls and session. */
  close(): void {
    for (const call of this.calls) call.end();
    this.goodbye();
  }

  /** Leaves without hanging up first: the gateway ends what runs, and says why to the other side. */
  protected goodbye(): void {
    this.connection_?.close();
    this.connection_ = null;
    this.environment.clearTimer(this.giveUpTimer_);
    this.tones.close();
    this.stopNetwork_?.();
    this.stopLeave_?.();
    this.stopNetwork_ = this.stopLeave_ = null;
  }

  protected url(path: string): string {
    return this.base_ + path;
  }

  protected abstract token(fresh: boolean): Promise<string>;
  protected abstract leaving(): void;
  protected abstract welcomed(welcome: Welcome): void;
  protected abstract messageArrived(message: ServerMessage): void;

  protected makeConnection(extra: { policy: ReconnectPolicy; storageKey?: string; firstConnectMs?: number }): Connection {
    const connection = new Connection({
      environment: this.environment,
      url: this.url('/gateway/websocketcall').replace(/^http/, 'ws'),
      token: (fresh) => this.token(fresh),
      ...extra,
      policy: this.options_.reconnectPolicy ?? extra.policy,
    });
    this.connection_ = connection;
    const current = () => connection === this.connection_;
    connection.on('state', (state) => {
      if (!current()) return;
      for (const call of this.calls) call.signallingChanged(state === 'connected');
      this.environment.clearTimer(this.giveUpTimer_);
      if (state === 'reconnecting') this.giveUpAfter(this.patience());
      this.publish('connection', state);
    });
    connection.on('welcome', (welcome) => {
      if (!current()) return;
      this.synchronise(welcome);
      this.welcomed(welcome);
    });
    connection.on('message', (message) => current() && this.route(message));
    connection.on('failed', (error) => {
      if (!current()) return;
      for (const call of this.calls) call.lost(error);
      this.publish('failed', error);
    });
    this.stopNetwork_ ??= this.environment.onNetwork(
      guarded('network change', (what) => {
        if (what !== 'offline') for (const call of this.calls) call.networkChanged();
      }),
    );
    this.stopLeave_ ??= this.environment.onLeave(guarded('leaving', () => this.leaving()));
    return connection;
  }

  protected publish<K extends keyof PhoneEvents>(name: K, detail: PhoneEvents[K]): void {
    this.emit(name as keyof E, detail as E[keyof E]);
  }

  /** How long calls wait for a broken connection: as long as the gateway says. */
  private patience(): number {
    return (this.connection_?.welcome?.limits.resumeSeconds ?? 60) * 1000;
  }

  /**
   * Whoever sits here is not left before a picture that stands still. The gateway may see some seconds later that the connection
   * broke: a call that it still has when the page is back is ended there, too, since here people were told that it is over.
   */
  private giveCallsUp(): void {
    for (const call of this.calls_.values()) {
      if (call.flowing) continue; // People talk: only the signalling is gone.
      this.gaveUp_.add(call.id);
      call.lost(new ParleyError('session.lost'));
    }
    if (this.calls_.size > 0) this.giveUpAfter(kLookAgain);
  }

  private giveUpAfter(ms: number): void {
    this.giveUpTimer_ = this.environment.setTimer(guarded('giving calls up', () => this.giveCallsUp()), ms);
  }

  /** The gateway's list is the truth: what it does not know has ended. */
  private synchronise(welcome: Welcome): void {
    welcome.calls = welcome.calls.filter((fields) => {
      if (!this.gaveUp_.has(fields.call)) return true;
      if (fields.state !== 'ended') this.send({ type: 'end', call: fields.call });
      return false;
    });
    if (!welcome.resumed) this.gaveUp_.clear();
    const known = new Map(welcome.calls.map((fields) => [fields.call, fields]));
    for (const call of [...this.calls_.values()]) {
      const fields = known.get(call.id);
      if (fields) call.apply(fields);
      else if (!welcome.resumed) call.lost(new ParleyError('session.lost'));
    }
  }

  /** Something that people in every call of this page should read. */
  protected remark(error: ParleyError): void {
    for (const call of this.calls) call.remark(error);
  }

  /** Starts a call on what `connected` waits for. */
  protected dial(call: Call, options: DialOptions, connected: Promise<unknown>): Call {
    const tooLong = () => {
      if (this.connectionState !== 'connected') call.lost(new ParleyError('session.lost'));
    };
    this.unnamed_.set(call, this.environment.setTimer(guarded('giving a call up', tooLong), this.patience()));
    detach('call', call.dial(options, connected));
    return call;
  }

  private named(call: Call): void {
    const timer = this.unnamed_.get(call);
    if (timer !== undefined) this.environment.clearTimer(timer);
    this.unnamed_.delete(call);
  }

  private route(message: ServerMessage): void {
    if ('call' in message && message.call) {
      if (this.gaveUp_.has(message.call)) {
        // What was said of it meanwhile; it ends now.
        if (message.type === 'call' && message.state === 'ended') this.gaveUp_.delete(message.call);
        return;
      }
      // The answer to a dial names the call; a call that is being dialled takes the first unknown one.
      let call = this.calls_.get(message.call);
      if (!call && message.type === 'call' && message.direction === 'out') {
        call = [...this.unnamed_.keys()].find((c) => c.dialling);
        if (call) {
          this.named(call);
          this.calls_.set(message.call, call);
        }
      }
      if (call) return call.handle(message);
    }
    this.messageArrived(message);
  }
}
