import { browserEnvironment, ParleyError, requestJson, type Environment } from '../../common/index';
import { scriptOrigin } from '../load_part';
import { TopicClient } from '../topic_client';
import { AssistApi, kCid } from './assist_api';
import { Cobrowse } from './cobrowse';

const kLookMs = 10_000;

export interface AgentAssistOptions {
  /** Origin of the Parley server, `https://parley.example:8443`; default: where agent.js came from, else the page's own. */
  server?: string;
  /** `supervisor`: sees and does nothing. */
  role?: 'agent' | 'supervisor';
  /** An assist token of an agent that the application's own server fetched; default: of who is signed in here. */
  token?: () => Promise<string>;
  environment?: Environment;
}

export interface AssistUser {
  user: string;
  name: string;
}

/**
 * Where an agent's page begins: signing in, joining sessions, and what may be pushed. Whoever is signed in for calls
 * (`AgentClient`) on this page is signed in here, too.
 */
export class AgentAssist extends AssistApi {
  readonly environment: Environment;
  readonly server: string;
  readonly role: 'agent' | 'supervisor';
  private readonly token_: () => Promise<string>;

  constructor(options: AgentAssistOptions = {}) {
    const environment = options.environment ?? browserEnvironment();
    const server = (options.server ?? (scriptOrigin || environment.origin)).replace(/\/+$/, '');
    super(environment, server);
    this.environment = environment;
    this.server = server;
    this.role = options.role ?? 'agent';
    this.token_ = options.token ?? (() => this.token(this.role));
  }

  /** Rejects with `login.failed`, or `login.locked` and `retryAfter`. */
  async signIn(user: string, password: string): Promise<AssistUser> {
    const reply = await this.post('login', { user, password });
    if (typeof reply.user !== 'string') throw new ParleyError('server.malformed');
    return { user: reply.user, name: typeof reply.name === 'string' && reply.name ? reply.name : reply.user };
  }

  async signOut(): Promise<void> {
    await this.post('logout');
  }

  /**
   * Joins a session, by the code that the customer reads out, or by its id; a session that nobody has opened yet is waited
   * for. The customer is asked then: `await session.joined()`. Rejects when there is no such code.
   */
  async join(where: string | { cid: string } | { code: string }): Promise<Cobrowse> {
    if (typeof where === 'string') return this.open(await this.find(where));
    return this.open('cid' in where ? where.cid : await this.redeem(where.code.replace(/\D/g, '')));
  }

  /** As `join`, by the id alone, at once. */
  open(cid: string): Cobrowse {
    if (!kCid.test(cid)) throw new ParleyError('argument.invalid', { text: 'This is not the id of a session.' });
    const { environment } = this;
    const options = this.client(cid);
    const session = new Cobrowse({ environment, cid, link: () => new TopicClient(options), content: this.content(cid) });
    session.start();
    return session;
  }

  /** Looks by joining; `open` then goes on as the same party, and the customer is asked once. */
  protected override isOpen(cid: string): Promise<boolean> {
    const client = new TopicClient({ ...this.client(cid), firstConnectMs: kLookMs });
    return new Promise((resolve) => {
      client.on('welcome', () => {
        client.suspend();
        resolve(true);
      });
      // Any other reason is told by who joins.
      client.on('failed', ({ code }) => resolve(code !== 'assist.unknown_session'));
      client.connect().catch(() => undefined); // Said by `failed`.
    });
  }

  private client(cid: string) {
    const { environment, server, role } = this;
    return { environment, server, cid, role, token: this.token_, storageKey: `parley.assist.${role}.${cid}` };
  }

  private post(what: 'login' | 'logout', body?: object) {
    return requestJson(this.environment, 'POST', `${this.server}/expertassist/${this.role}/${what}`, body);
  }
}
