import {
  browserEnvironment, defaultReconnectPolicy, Emitter, kSdkVersion, Link, ParleyError, requestJson,
  type ConnectionState, type Dialect, type Environment, type ReconnectPolicy,
} from '../common/index';
import { Outbox } from './outbox';
import { kAedPath, kAedVersion, parseAedMessage, parseAedWelcome, type AedClientMessage, type AedServerMessage, type AedWelcome, type Value } from './protocol';
import { Topic } from './topic';

export interface AedOptions {
  /** Origin of the Parley server; default: where the page comes from. */
  server?: string;
  /**
   * A token (docs/protocols/aed.md); `fresh`: the last one was refused. Default: `POST /assistserver/session`, which lets a page use the topic named
   * like its session (`cid`) and those below it.
   */
  token?: (fresh: boolean) => Promise<string>;
  /** For the default token: the session that is shared, e.g. that of a call; absent: one of its own. */
  cid?: string;
  /** For the default token: who this is, for others. */
  name?: string;
  /** For the default token: a known application may ask for more rights, e.g. `['orders.*=rw']`. */
  applicationId?: string;
  rights?: readonly string[];
  /** The signed-in agent of this browser, who may use every topic. */
  agent?: boolean;
  reconnect?: ReconnectPolicy;
  environment?: Environment;
}

export interface AedEvents {
  state: ConnectionState;
  /** The connection is over and does not come back by itself. */
  failed: ParleyError;
}

export interface TopicOptions {
  /** Make the topic if it is not there. Default: true. */
  create?: boolean;
}

interface Held {
  topic: Topic;
  create: boolean;
  connected: boolean;
  ready: Promise<Topic>;
}

const dialectOf = (client: { id: string; name: string }): Dialect<AedWelcome, AedServerMessage> => ({
  hello: (token, resume) => ({
    type: 'hello', version: kAedVersion, token, client: { ...client, version: kSdkVersion },
    resume: resume && { party: resume.session, key: resume.key, ack: resume.ack },
  }),
  welcome: parseAedWelcome,
  session: ({ party, key }) => ({ session: party, key }),
  message: parseAedMessage,
  replaced: (message) => message.type === 'replaced',
});

/** Application events: topics whose data and messages several pages share. */
export class Aed extends Emitter<AedEvents> {
  private readonly env_: Environment;
  private readonly options_: AedOptions;
  private readonly server_: string;
  private readonly link_: Link<AedWelcome, AedServerMessage, AedClientMessage>;
  private readonly outbox_: Outbox;
  private readonly topics_ = new Map<string, Held>();
  private cid_: string;
  private token_ = '';
  private welcomed_ = false;

  constructor(options: AedOptions = {}) {
    super();
    this.options_ = options;
    this.env_ = options.environment ?? browserEnvironment();
    this.server_ = (options.server ?? this.env_.origin).replace(/\/+$/, '');
    this.cid_ = options.cid ?? '';
    const id = randomName(this.env_);
    this.link_ = new Link(
      {
        environment: this.env_, url: this.server_.replace(/^http/, 'ws') + kAedPath, token: (fresh) => this.token(fresh),
        policy: options.reconnect ?? defaultReconnectPolicy, firstConnectMs: 15_000,
      },
      dialectOf({ id, name: 'parley-sdk' }),
    );
    this.outbox_ = new Outbox(this.env_, id.slice(0, 12), (message) => this.link_.send(message));
    this.link_.on('state', (state) => {
      if (state !== 'connected') this.outbox_.closed();
      this.emit('state', state);
    });
    this.link_.on('welcome', (welcome) => this.welcomed(welcome));
    this.link_.on('message', (message) => this.received(message));
    this.link_.on('failed', (error) => {
      this.finish(error);
      this.emit('failed', error);
    });
  }

  get state(): ConnectionState {
    return this.link_.state;
  }

  /** The session whose topics this page may use; known once it is connected. */
  get cid(): string {
    return this.cid_;
  }

  /** This page, as others see it in `by.party`. */
  get party(): string {
    return this.link_.welcome?.party ?? '';
  }

  async connect(): Promise<void> {
    await this.link_.connect();
  }

  /** Connects to a topic; resolves when all its data is here. The same topic is the same object. */
  topic<T extends Value = Value>(name: string = this.cid_, { create = true }: TopicOptions = {}): Promise<Topic<T>> {
    const known = this.topics_.get(name);
    if (known) return known.ready as unknown as Promise<Topic<T>>;
    if (!/^[A-Za-z0-9_.-]{1,128}$/.test(name)) return Promise.reject(new ParleyError('argument.invalid'));
    if (this.state === 'closed' || this.state === 'replaced' || this.state === 'idle') return Promise.reject(new ParleyError('session.closed'));
    const topic = new Topic<Value>(name, (request) => this.outbox_.request(request), () => this.topics_.delete(name));
    const ready = this.outbox_.request({ type: 'topic-connect', topic: name, create }).then(
      () => ((held.connected = true), topic),
      (error: unknown) => {
        topic.over(ParleyError.from(error));
        throw error;
      },
    );
    const held: Held = { topic, create, connected: false, ready };
    this.topics_.set(name, held);
    return ready as unknown as Promise<Topic<T>>;
  }

  /** Leaves all topics and says goodbye. */
  close(): void {
    if (this.state === 'connected') this.link_.send({ type: 'leave' });
    this.link_.close();
    this.finish(new ParleyError('session.closed'));
  }

  /** The same for every connection until it is refused: a session is resumed only by whom it belongs to, and each new token is somebody else's. */
  private async token(fresh: boolean): Promise<string> {
    const { token } = this.options_;
    if (token) return token(fresh);
    if (fresh || !this.token_) this.token_ = await this.newToken();
    return this.token_;
  }

  private async newToken(): Promise<string> {
    const { agent, name, applicationId, rights } = this.options_;
    const answer = agent
      ? await requestJson(this.env_, 'GET', `${this.server_}/expertassist/agent/token?for=assist`)
      : await requestJson(this.env_, 'POST', `${this.server_}/assistserver/session`, {
          cobrowseOnly: true, ...(this.cid_ ? { cid: this.cid_ } : {}), ...(name ? { name } : {}), ...(applicationId ? { applicationId } : {}), ...(rights ? { aed: rights } : {}),
        });
    const part = (key: string) => (typeof answer[key] === 'object' && answer[key] !== null ? (answer[key] as Record<string, unknown>) : {});
    const text = agent ? answer.token : (part('aed').token ?? part('assist').token);
    if (typeof text !== 'string') throw new ParleyError('server.malformed');
    const { cid } = part('assist');
    if (typeof cid === 'string') this.cid_ = cid;
    return text;
  }

  private welcomed(welcome: AedWelcome): void {
    const lost = this.welcomed_ && !welcome.resumed;
    this.welcomed_ = true;
    if (lost) for (const held of this.topics_.values()) this.reconnect(held);
    this.outbox_.opened(lost);
  }

  /** The server forgot this page: what the page knows is compared with what is there. */
  private reconnect({ topic, create, connected }: Held): void {
    topic.begin();
    if (!connected) return; // Its first request still waits and goes out again.
    this.outbox_.request({ type: 'topic-connect', topic: topic.name, create }).catch((error) => topic.over(ParleyError.from(error)));
  }

  private received(message: AedServerMessage): void {
    if ('topic' in message) this.topics_.get(message.topic)?.topic.received(message);
    this.outbox_.answered(message);
  }

  private finish(error: ParleyError): void {
    this.outbox_.fail(error);
    for (const { topic } of [...this.topics_.values()]) topic.over(error);
    this.topics_.clear();
  }
}

/** Told apart from all other pages'; no secret. */
function randomName(env: Environment): string {
  return Array.from({ length: 24 }, () => Math.floor(env.random() * 36).toString(36)).join('');
}
