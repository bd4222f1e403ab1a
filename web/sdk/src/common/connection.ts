import { Emitter } from './emitter';
import type { Environment, SocketLike } from './environment';
import { ParleyError } from './errors';
import { detach, guarded } from './guard';
import { Ledger } from './ledger';
import {
  kProtocolVersion,
  kSdkVersion,
  parseFrame,
  parseServerMessage,
  parseWelcome,
  type ClientMessage,
  type ServerMessage,
  type Welcome,
} from './protocol';
import type { ReconnectPolicy } from './reconnect';

export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'replaced' | 'closed';

export interface ConnectionEvents {
  state: ConnectionState;
  welcome: Welcome;
  message: ServerMessage;
  /** The connection is over and does not come back by itself. */
  failed: ParleyError;
}

export interface ConnectionOptions {
  environment: Environment;
  url: string;
  /** A token for the hello; `fresh`: the last one was refused. */
  token: (fresh: boolean) => Promise<string>;
  policy: ReconnectPolicy;
  /** Keep the session under this key, so that a reloaded page resumes it. */
  storageKey?: string;
  /** How long the first connection may take before `connect` gives up; absent: as long as the policy says. */
  firstConnectMs?: number;
}

export const kTimes = {
  /** From opening the socket to the welcome. */
  handshake: 8_000,
  /** A lone acknowledgement goes out after so long. */
  ackDelay: 150,
  /** Something unacknowledged for so long, and nothing heard: the path is dead. */
  silence: 6_000,
  /** Longer than the gateway's own wait (20 s), so that its answer is the one that counts. */
  request: 25_000,
} as const;

const kRefreshToken = ['token.expired', 'token.invalid'];
const kRetry = ['server.draining', 'server.full', 'rate.exceeded', 'server.unreachable', 'hello.expected'];

interface Pending {
  resolve: (message: ServerMessage) => void;
  reject: (error: ParleyError) => void;
  timer: number;
}

interface StoredSession {
  session: string;
  key: string;
  received: number;
}

/** The WebSocket to the gateway and the session on it, which outlives any one socket. */
export class Connection extends Emitter<ConnectionEvents> {
  private readonly env_: Environment;
  private readonly options_: ConnectionOptions;
  private readonly ledger_ = new Ledger();
  private readonly pending_ = new Map<string, Pending>();
  private state_: ConnectionState = 'idle';
  private socket_: SocketLike | null = null;
  private welcomed_ = false;
  private session_: { session: string; key: string } | null = null;
  private welcome_: Welcome | null = null;
  private refused_: ParleyError | null = null;
  private attempt_ = 0;
  private brokenAt_ = 0;
  private lastHeard_ = 0;
  private freshToken_ = false;
  private tokenRefusals_ = 0;
  private nextRequest_ = 1;
  private generation_ = 0;
  private retryTimer_ = 0;
  private handshakeTimer_ = 0;
  private ackTimer_ = 0;
  private silenceTimer_ = 0;
  private stopNetwork_: (() => void) | null = null;
  private connecting_: { promise: Promise<Welcome>; resolve: (w: Welcome) => void; reject: (e: ParleyError) => void } | null =
    null;

  constructor(options: ConnectionOptions) {
    super();
    this.options_ = options;
    this.env_ = options.environment;
  }

  get state(): ConnectionState {
    return this.state_;
  }

  get welcome(): Welcome | null {
    return this.welcome_;
  }

  /** Milliseconds since the connection broke; 0 while it stands. */
  get brokenFor(): number {
    return this.state_ === 'reconnecting' ? this.env_.now() - this.brokenAt_ : 0;
  }

  /** Resolves with the welcome. Rejects with a ParleyError when the first connection cannot be made. */
  connect(): Promise<Welcome> {
    if (this.state_ === 'connected' && this.welcome_) return Promise.resolve(this.welcome_);
    if (this.connecting_) return this.connecting_.promise;
    let resolve!: (w: Welcome) => void;
    let reject!: (e: ParleyError) => void;
    const promise = new Promise<Welcome>((yes, no) => ((resolve = yes), (reject = no)));
    this.connecting_ = { promise, resolve, reject };
    if (this.state_ === 'reconnecting') return promise;
    this.restore();
    this.attempt_ = 0;
    this.tokenRefusals_ = 0;
    this.brokenAt_ = this.env_.now();
    this.stopNetwork_ ??= this.env_.onNetwork(guarded('network change', (what) => this.networkChanged(what)));
    this.setState('connecting');
    this.open();
    return promise;
  }

  /** Sends now or after the next resume. Throws a ParleyError when the session is over. */
  send(message: ClientMessage): void {
    if (this.state_ === 'closed' || this.state_ === 'replaced' || this.state_ === 'idle') {
      throw new ParleyError('session.closed');
    }
    const text = this.ledger_.stamp(message, this.env_.now());
    if (text === null) {
      this.fail(new ParleyError('session.overflow', { text: 'Too much was waiting for the connection to come back.' }));
      throw new ParleyError('session.overflow');
    }
    if (this.welcomed_ && this.socket_) {
      this.write(text);
      this.watchSilence();
    }
  }

  /** Sends and waits for the message that answers it; rejects with the gateway's reason. */
  request(message: ClientMessage): Promise<ServerMessage> {
    const request = `r${this.nextRequest_++}`;
    return new Promise((resolve, reject) => {
      const timer = this.env_.setTimer(
        guarded('request timeout', () => {
          this.pending_.delete(request);
          reject(new ParleyError('request.timeout'));
        }),
        kTimes.request,
      );
      this.pending_.set(request, { resolve, reject, timer });
      try {
        this.send({ ...message, request } as ClientMessage);
      } catch (error) {
        this.settle(request, (p) => p.reject(ParleyError.from(error)));
      }
    });
  }

  /** Says goodbye: the gateway ends the session and its calls. */
  close(): void {
    if (this.state_ === 'closed') return;
    if (this.socket_ && this.welcomed_) {
      const bye = this.ledger_.stamp({ type: 'bye' }, this.env_.now());
      if (bye) this.write(bye);
    }
    this.forget();
    this.finish('closed', new ParleyError('session.closed'));
  }

  /** Drops the socket and tries at once: the network changed, or the media path found it dead. */
  renew(): void {
    if (this.state_ === 'connected') this.broken();
    else if (this.state_ === 'reconnecting' || this.state_ === 'connecting') this.retryNow();
  }

  private networkChanged(what: 'online' | 'offline' | 'changed'): void {
    if (what !== 'offline') this.renew();
    else if (this.state_ === 'connected') this.broken();
  }

  private setState(state: ConnectionState): void {
    if (state === this.state_) return;
    this.state_ = state;
    this.emit('state', state);
  }

  private restore(): void {
    if (!this.options_.storageKey || this.session_) return;
    const stored = this.env_.storage.get(this.options_.storageKey);
    const value = parseFrame(stored) as Partial<StoredSession> | null;
    if (!value || typeof value.session !== 'string' || typeof value.key !== 'string') return;
    this.session_ = { session: value.session, key: value.key };
    this.ledger_.restore(Number.isSafeInteger(value.received) ? value.received! : 0);
  }

  private persist(): void {
    if (!this.options_.storageKey || !this.session_) return;
    const value: StoredSession = { ...this.session_, received: this.ledger_.received };
    this.env_.storage.set(this.options_.storageKey, JSON.stringify(value));
  }

  private forget(): void {
    this.session_ = null;
    this.ledger_.reset();
    if (this.options_.storageKey) this.env_.storage.remove(this.options_.storageKey);
  }

  private open(): void {
    const generation = ++this.generation_;
    this.refused_ = null;
    const run = async () => {
      let token: string;
      try {
        token = await this.options_.token(this.freshToken_);
      } catch (error) {
        if (generation === this.generation_) this.attemptFailed(ParleyError.from(error, 'server.unreachable'));
        return;
      }
      if (generation !== this.generation_) return;
      this.freshToken_ = false;
      this.openSocket(generation, token);
    };
    detach('connect', run());
  }

  private openSocket(generation: number, token: string): void {
    let socket: SocketLike;
    try {
      socket = this.env_.openSocket(this.options_.url);
    } catch (error) {
      this.attemptFailed(new ParleyError('server.unreachable', { cause: error }));
      return;
    }
    this.socket_ = socket;
    this.welcomed_ = false;
    const current = () => generation === this.generation_;
    this.handshakeTimer_ = this.env_.setTimer(
      guarded('handshake', () => current() && this.attemptFailed(new ParleyError('server.unreachable'))),
      kTimes.handshake,
    );
    socket.onopen = guarded('socket open', () => {
      if (!current()) return;
      const client = { name: 'parley-sdk', version: kSdkVersion };
      const resume = this.session_ ? { ...this.session_, ack: this.ledger_.received } : undefined;
      this.write(JSON.stringify({ type: 'hello', version: kProtocolVersion, token, client, resume }));
    });
    socket.onmessage = guarded('socket message', (event: { data: unknown }) => {
      if (current()) this.received(event.data);
    });
    socket.onclose = guarded('socket close', (event: { code: number }) => {
      if (current()) this.socketClosed(event.code);
    });
  }

  private received(data: unknown): void {
    this.lastHeard_ = this.env_.now();
    const raw = parseFrame(data);
    if (!raw) return;
    if (!this.welcomed_) {
      const welcome = parseWelcome(raw);
      if (welcome) this.welcomed(welcome);
      else if (raw.type === 'error') this.refused_ = this.errorOf(raw);
      return;
    }
    if (typeof raw.ack === 'number') this.ledger_.acknowledged(raw.ack);
    if (typeof raw.seq === 'number') {
      const arrival = this.ledger_.arrive(raw.seq);
      if (arrival === 'duplicate') return this.acknowledgeSoon();
      if (arrival === 'gap') return this.broken(); // Never on a sound socket; a resume puts it right.
      this.acknowledgeSoon();
      this.persist();
    }
    const message = parseServerMessage(raw);
    if (message) this.dispatch(message);
  }

  private dispatch(message: ServerMessage): void {
    if (message.type === 'ack') return;
    if (message.type === 'ping') return this.send({ type: 'pong' });
    if (message.type === 'session' && message.what === 'replaced') {
      this.refused_ = new ParleyError('session.replaced', { text: message.text });
    }
    if (message.type === 'error') {
      const error = new ParleyError(message.reason, { text: message.text });
      if (message.request) this.settle(message.request, (p) => p.reject(error));
      if (message.fatal) this.refused_ = error;
    } else if ('request' in message && message.request) {
      this.settle(message.request, (p) => p.resolve(message));
    }
    this.emit('message', message);
  }

  private welcomed(welcome: Welcome): void {
    this.env_.clearTimer(this.handshakeTimer_);
    const had = this.session_ !== null;
    this.welcomed_ = true;
    this.welcome_ = welcome;
    this.attempt_ = 0;
    this.tokenRefusals_ = 0;
    if (!welcome.resumed) {
      this.ledger_.reset();
      if (had) this.rejectPending(new ParleyError('session.lost'));
    }
    this.session_ = { session: welcome.session, key: welcome.key };
    this.persist();
    const again = welcome.resumed ? this.ledger_.resume(welcome.ack, this.env_.now()) : [];
    for (const text of again) this.write(text);
    this.setState('connected');
    this.emit('welcome', welcome);
    this.connecting_?.resolve(welcome);
    this.connecting_ = null;
    if (again.length > 0) this.watchSilence();
  }

  private errorOf(raw: Record<string, unknown>): ParleyError {
    const reason = typeof raw.reason === 'string' ? raw.reason : 'server.refused';
    return new ParleyError(reason, { text: typeof raw.text === 'string' ? raw.text : undefined });
  }

  private socketClosed(code: number): void {
    if (code === 4001) this.refused_ ??= new ParleyError('session.replaced');
    if (this.refused_?.code === 'session.overflow') this.forget();
    if (this.welcomed_ && !this.refused_) this.broken();
    else this.attemptFailed(this.refused_ ?? new ParleyError('server.unreachable'));
  }

  /** A standing connection broke: resume as soon as possible. */
  private broken(): void {
    this.dropSocket();
    this.brokenAt_ = this.env_.now();
    this.attempt_ = 0;
    this.setState('reconnecting');
    this.retry(null);
  }

  private attemptFailed(error: ParleyError): void {
    const stood = this.welcomed_;
    this.dropSocket();
    if (error.code === 'session.replaced') {
      this.forget();
      return this.finish('replaced', error);
    }
    if (kRefreshToken.includes(error.code)) {
      // Once: a token lives for minutes only. Twice in a row is a refusal.
      if (++this.tokenRefusals_ > 1) return this.fail(error);
      this.freshToken_ = true;
    } else if (!kRetry.includes(error.code) && error.code !== 'session.overflow') {
      return this.fail(error);
    }
    if (stood) {
      this.brokenAt_ = this.env_.now();
      this.attempt_ = 0;
      this.setState('reconnecting');
    }
    this.retry(error);
  }

  private retry(error: ParleyError | null): void {
    this.attempt_++;
    const elapsed = this.env_.now() - this.brokenAt_;
    const limit = this.state_ === 'connecting' ? this.options_.firstConnectMs : undefined;
    const delay = this.options_.policy({ attempt: this.attempt_, elapsed, random: this.env_.random() });
    if (delay === null || (limit !== undefined && elapsed + delay > limit)) {
      return this.fail(error ?? new ParleyError(this.state_ === 'connecting' ? 'server.unreachable' : 'session.lost'));
    }
    const wait = Math.max(delay, (error?.retryAfter ?? 0) * 1000);
    this.env_.clearTimer(this.retryTimer_);
    this.retryTimer_ = this.env_.setTimer(guarded('reconnect', () => this.open()), wait);
  }

  private retryNow(): void {
    if (this.socket_ && this.env_.now() - this.lastHeard_ < 1000) return;
    this.dropSocket();
    this.env_.clearTimer(this.retryTimer_);
    this.open();
  }

  private fail(error: ParleyError): void {
    this.forget();
    this.finish('closed', error);
  }

  private finish(state: 'closed' | 'replaced', error: ParleyError): void {
    this.dropSocket(1000);
    this.env_.clearTimer(this.retryTimer_);
    this.stopNetwork_?.();
    this.stopNetwork_ = null;
    this.rejectPending(error);
    const waiting = this.connecting_;
    this.connecting_ = null;
    this.setState(state);
    if (error.code !== 'session.closed') this.emit('failed', error);
    waiting?.reject(error);
  }

  /** The default code is not 1000: that would say "gone for good". */
  private dropSocket(code = 4000): void {
    this.generation_++;
    this.env_.clearTimer(this.handshakeTimer_);
    this.env_.clearTimer(this.ackTimer_);
    this.env_.clearTimer(this.silenceTimer_);
    this.ackTimer_ = this.silenceTimer_ = 0;
    this.welcomed_ = false;
    const socket = this.socket_;
    this.socket_ = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      socket.close(code);
    } catch {
      // Already closed.
    }
  }

  private write(text: string): void {
    try {
      this.socket_?.send(text);
    } catch {
      // The socket is closing; its close event follows and the ledger keeps the message.
    }
  }

  private acknowledgeSoon(): void {
    if (this.ackTimer_) return;
    this.ackTimer_ = this.env_.setTimer(
      guarded('acknowledge', () => {
        this.ackTimer_ = 0;
        if (this.ledger_.owesAck && this.welcomed_) this.write(this.ledger_.ack());
      }),
      kTimes.ackDelay,
    );
  }

  /** TCP may take minutes to notice a dead path; an acknowledgement that does not come tells within seconds. */
  private watchSilence(): void {
    if (this.silenceTimer_) return;
    this.silenceTimer_ = this.env_.setTimer(
      guarded('silence', () => {
        this.silenceTimer_ = 0;
        const oldest = this.ledger_.oldestSentAt;
        if (oldest === undefined || !this.welcomed_) return;
        const now = this.env_.now();
        if (now - Math.max(oldest, this.lastHeard_) >= kTimes.silence) this.broken();
        else this.watchSilence();
      }),
      kTimes.silence,
    );
  }

  private settle(request: string, how: (pending: Pending) => void): void {
    const pending = this.pending_.get(request);
    if (!pending) return;
    this.pending_.delete(request);
    this.env_.clearTimer(pending.timer);
    how(pending);
  }

  private rejectPending(error: ParleyError): void {
    for (const request of [...this.pending_.keys()]) this.settle(request, (p) => p.reject(error));
  }
}
