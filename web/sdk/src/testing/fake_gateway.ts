import type { SocketLike } from '../common/index';

type Json = Record<string, unknown>;

export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly sent: Json[] = [];
  closedWith: number | null = null;

  constructor(
    readonly url: string,
    private readonly gateway_: FakeGateway,
  ) {}

  readonly binary: ArrayBuffer[] = [];
  bufferedAmount = 0;

  send(data: string | ArrayBuffer): void {
    if (typeof data !== 'string') return void this.binary.push(data);
    const message = JSON.parse(data) as Json;
    this.sent.push(message);
    this.gateway_.received(this, message);
  }
  close(code = 1000): void {
    this.closedWith = code;
  }
  deliver(message: Json): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

/** The gateway's side of the protocol: handshake, numbers, resume. What pages say is kept in `messages`. */
export class FakeGateway {
  readonly sockets: FakeSocket[] = [];
  /** Every message once, in order, without handshake and acknowledgements. */
  readonly messages: Json[] = [];
  /** New sockets get no answer (`silent`), are closed (`refuse`), or a welcome. */
  mode: 'welcome' | 'silent' | 'refuse' = 'welcome';
  /** Answers a hello with this error instead, once each. */
  errors: { reason: string; text: string; code: number }[] = [];
  role: 'consumer' | 'agent' = 'consumer';
  calls: Json[] = [];
  media: Json = {};
  /** Laid over every welcome: another protocol's fields. */
  welcome: Json = {};
  acknowledge = true;
  hellos: Json[] = [];
  onMessage: ((message: Json) => void) | null = null;
  private session_ = '';
  private sessions_ = 0;
  private seq_ = 0;
  private received_ = 0;
  private kept_: Json[] = [];

  open(url: string): FakeSocket {
    const socket = new FakeSocket(url, this);
    this.sockets.push(socket);
    queueMicrotask(() => (this.mode === 'refuse' ? socket.onclose?.({ code: 1006, reason: '' }) : socket.onopen?.()));
    return socket;
  }

  get current(): FakeSocket {
    return this.sockets[this.sockets.length - 1]!;
  }

  /** The path breaks; the session stays. */
  drop(code = 1006): void {
    this.current.onclose?.({ code, reason: '' });
  }

  /** The server lost everything. */
  forget(): void {
    this.session_ = '';
  }

  send(message: Json): void {
    const numbered = { ...message, seq: ++this.seq_, ack: this.received_ };
    this.kept_.push(numbered);
    this.current.deliver(numbered);
  }

  last(type: string): Json | undefined {
    return [...this.messages].reverse().find((m) => m.type === type);
  }

  received(socket: FakeSocket, message: Json): void {
    if (message.type === 'hello') return this.hello(socket, message);
    if (typeof message.ack === 'number') this.kept_ = this.kept_.filter((k) => (k.seq as number) > (message.ack as number));
    if (message.type === 'ack') return;
    if (socket !== this.current) return;
    const seq = message.seq as number;
    if (seq <= this.received_) return;
    if (seq !== this.received_ + 1) throw new Error(`gap: ${seq} after ${this.received_}`);
    this.received_ = seq;
    this.messages.push(message);
    queueMicrotask(() => {
      if (this.acknowledge && socket === this.current) socket.deliver({ type: 'ack', ack: this.received_ });
      this.onMessage?.(message);
    });
  }

  private hello(socket: FakeSocket, message: Json): void {
    this.hellos.push(message);
    if (this.mode === 'silent') return;
    const error = this.errors.shift();
    if (error) {
      socket.deliver({ type: 'error', fatal: true, reason: error.reason, text: error.text });
      return socket.onclose?.({ code: error.code, reason: '' });
    }
    const resume = message.resume as Json | undefined;
    const resumed = resume !== undefined && this.session_ !== '' && (resume.session ?? resume.party) === this.session_;
    if (!resumed) {
      this.session_ = `session-${++this.sessions_}`;
      this.seq_ = this.received_ = 0;
      this.kept_ = [];
    } else {
      this.kept_ = this.kept_.filter((k) => (k.seq as number) > (resume.ack as number));
    }
    socket.deliver({
      type: 'welcome', version: 1, session: this.session_, key: 'key', resumed, role: this.role, user: this.role === 'agent' ? 'agent1' : '', name: 'Robin',
      ack: this.received_, limits: { resumeSeconds: 60, maxMessage: 131072 }, media: this.media, calls: this.calls,
      party: this.session_, ...this.welcome,
    });
    for (const kept of [...this.kept_]) socket.deliver(kept);
  }
}
