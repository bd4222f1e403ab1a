import { Emitter } from './emitter';
import type { Environment, SocketLike } from './environment';
import { ParleyError } from './errors';
import { parseFrame } from './frame_text';
import { detach, guarded } from './guard';
import { kMaxUnacknowledged, Ledger } from './ledger';
import type { ConnectionState, Dialect, LinkEvents, LinkMessage, LinkOptions, LinkSession, LinkWelcome } from './link_types';

type Json = Record<string, unknown>;

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

/** So many unacknowledged messages leave room for those that must arrive. */
const kTransientLimit = kMaxUnacknowledged / 2;

interface Pending<In> {
  resolve: (message: In) => void;
  reject: (error: ParleyError) => void;
  timer: number;
}

interface StoredSession extends LinkSession {
  received: number;
}

/** A WebSocket to the server and the session on it, which outlives any one socket. `Dialect`: the protocol spoken. */
export class Link<W extends LinkWelcome, In extends LinkMessage, Out extends LinkMessage> extends Emitter<LinkEvents<W, In>> {
  private readonly env_: Environment;
  private readonly ledger_ = new Ledger();
  private readonly pending_ = new Map<string, Pending<In>>();
  private state_: ConnectionState = 'idle';
  private socket_: SocketLike | null = null;
  private welcomed_ = false;
  private session_: LinkSession | null = null;
  private welcome_: W | null = null;
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
  private connecting_: { promise: Promise<W>; resolve: (w: W) => void; reject: (e: ParleyError) => void } | null = null;

  constructor(
    private readonly options_: LinkOptions,
    private readonly dialect_: Dialect<W, In>,
  ) {
    super();
    this.env_ = options_.environment;
  }

  get state(): ConnectionState {
    return this.state_;
  }

  get welcome(): W | null {
    return this.welcome_;
  }

  /** Milliseconds since the connection broke; 0 while it stands. */
  get brokenFor(): number {
    return this.state_ === 'reconnecting' ? this.env_.now() - this.brokenAt_ : 0;
  }

  /** Resolves with the welcome. Rejects with a ParleyError when the first connection cannot be made. */
  connect(): Promise<W> {
    if (this.state_ === 'connected' && this.welcome_) return Promise.resolve(this.welcome_);
    if (this.connecting_) return this.connecting_.promise;
    let resolve!: (w: W) => void;
    let reject!: (e: ParleyError) => void;
    const promise = new Promise<W>((yes, no) => ((resolve = yes), (reject = no)));
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
  send(message: Out): void {
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

  /** For what is worth nothing later (a pointer's place): false, and nothing is kept, unless it can go out now. */
  sendNow(message: Out): boolean {
    if (!this.welcomed_ || this.state_ !== 'connected' || this.ledger_.unacknowledged > kTransientLimit) return false;
    this.send(message);
    return true;
  }

  /** For a protocol's messages that have no number: now or not at all. */
  sendPlain(message: Out): boolean {
    if (!this.welcomed_ || !this.socket_) return false;
    this.write(JSON.stringify(message));
    return true;
  }

  /** Bytes that wait in the socket. */
  get buffered(): number {
    return this.socket_?.bufferedAmount ?? 0;
  }

  /** Sends now or not at all (false): binary messages are not repeated after a break. */
  sendBinary(data: ArrayBuffer): boolean {
    if (!this.welcomed_ || !this.socket_) return false;
    this.write(data);
    return true;
  }

  /** Sends and waits for the message that answers it; rejects with the server's reason. */
  request(message: Out): Promise<In> {
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
        this.send({ ...message, request });
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

  /** The page is being left, and the next one goes on: the server keeps the session and hears no goodbye. */
  suspend(code?: number): void {
    if (this.state_ === 'closed' || this.state_ === 'replaced') return;
    this.persist();
    this.dropSocket(code);
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
    socket.binaryType = 'arraybuffer';
    this.welcomed_ = false;
    const current = () => generation === this.generation_;
    this.handshakeTimer_ = this.env_.setTimer(
      guarded('handshake', () => current() && this.attemptFailed(new ParleyError('server.unreachable'))),
      kTimes.handshake,
    );
    socket.onopen = guarded('socket open', () => {
      if (!current()) return;
      const resume = this.session_ ? { ...this.session_, ack: this.ledger_.received, fresh: this.welcome_ ? undefined : true } : undefined;
      this.write(JSON.stringify(this.dialect_.hello(token, resume)));
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
    if (data instanceof ArrayBuffer) {
      if (this.welcomed_) this.emit('binary', data);
      return;
    }
    const raw = parseFrame(data);
    if (!raw) return;
    if (!this.welcomed_) {
      const welcome = this.dialect_.welcome(raw);
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
    if (raw.type === 'ping') return this.send({ type: 'pong' } as unknown as Out);
    const request = typeof raw.request === 'string' ? raw.request : '';
    if (raw.type === 'ack') return this.settle(request, (p) => p.resolve(raw as unknown as In));
    const message = this.dialect_.message(raw);
    if (message) this.dispatch(message, raw, request);
  }

  private dispatch(message: In, raw: Json, request: string): void {
    if (this.dialect_.replaced(message)) this.refused_ = this.errorOf(raw, 'session.replaced');
    if (raw.type === 'error') {
      const error = this.errorOf(raw);
      this.settle(request, (p) => p.reject(error));
      if (raw.fatal === true) this.refused_ = error;
    } else {
      this.settle(request, (p) => p.resolve(message));
    }
    this.emit('message', message);
  }

  private welcomed(welcome: W): void {
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
    this.session_ = this.dialect_.session(welcome);
    this.persist();
    const again = welcome.resumed ? this.ledger_.resume(welcome.ack, this.env_.now()) : [];
    for (const text of again) this.write(text);
    this.setState('connected');
    this.emit('welcome', welcome);
    this.connecting_?.resolve(welcome);
    this.connecting_ = null;
    if (again.length > 0) this.watchSilence();
  }

  private errorOf(raw: Json, code?: string): ParleyError {
    const reason = code ?? (typeof raw.reason === 'string' ? raw.reason : 'server.refused');
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

  private write(data: string | ArrayBuffer): void {
    try {
      this.socket_?.send(data);
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

  private settle(request: string, how: (pending: Pending<In>) => void): void {
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
