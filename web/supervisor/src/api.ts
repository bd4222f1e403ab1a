import { ParleyError, requestJson, type Environment } from '@parley/sdk';
import { upload, type LibraryItem, type UploadOptions } from '@parley/agents';

const kBase = '/expertassist/supervisor';

/** A running co-browse session, as supervisors see it before they watch. */
export interface LiveSession {
  cid: string;
  consumer?: { name?: string; present?: boolean };
  parties?: { party: string; role: string; name: string; state: string }[];
  sharing?: string;
  title?: string;
  startedAt?: string;
}

export interface Supervisor {
  user: string;
  name: string;
}

/** The supervisors' side of the server: who is signed in, the library, what is running. */
export class SupervisorApi {
  /** The largest file that the library takes, once it was read. */
  private maxBytes_: number | undefined;

  constructor(private readonly env_: Environment) {}

  async me(): Promise<Supervisor> {
    return readUser(await this.request('GET', '/me'));
  }
  async signIn(user: string, password: string): Promise<Supervisor> {
    return readUser(await this.request('POST', '/login', { user, password }));
  }
  async signOut(): Promise<void> {
    await this.request('POST', '/logout');
  }

  async sessions(): Promise<LiveSession[]> {
    const { sessions } = await this.request('GET', '/api/sessions');
    return Array.isArray(sessions) ? (sessions as LiveSession[]) : [];
  }

  async library(): Promise<LibraryItem[]> {
    const { items, maxBytes } = await this.request('GET', '/api/library');
    if (typeof maxBytes === 'number') this.maxBytes_ = maxBytes;
    return Array.isArray(items) ? (items as LibraryItem[]) : [];
  }
  upload(file: File, options: UploadOptions): Promise<LibraryItem> {
    return upload(`${this.env_.origin}${kBase}/api/library?name=${encodeURIComponent(file.name)}`, file, { ...options, maxBytes: this.maxBytes_ }) as Promise<unknown> as Promise<LibraryItem>;
  }
  async add(item: { kind: 'link' | 'video' | 'document'; name: string; url: string }): Promise<LibraryItem> {
    return (await this.request('POST', '/api/library', item)) as unknown as LibraryItem;
  }
  async change(id: string, change: Partial<Pick<LibraryItem, 'name' | 'url' | 'enabled'>>): Promise<void> {
    await this.request('PUT', `/api/library/${encodeURIComponent(id)}`, change);
  }
  async order(ids: string[]): Promise<void> {
    await this.request('PUT', '/api/library', { order: ids });
  }
  async remove(id: string): Promise<void> {
    // Also while the page is being left.
    await requestJson(this.env_, 'DELETE', `${this.env_.origin}${kBase}/api/library/${encodeURIComponent(id)}`, undefined, { keepalive: true });
  }

  private request(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) {
    return requestJson(this.env_, method, this.env_.origin + kBase + path, body);
  }
}

function readUser(reply: Record<string, unknown>): Supervisor {
  if (typeof reply.user !== 'string') throw new ParleyError('server.malformed');
  return { user: reply.user, name: typeof reply.name === 'string' && reply.name ? reply.name : reply.user };
}
