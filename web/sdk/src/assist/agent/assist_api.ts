import { ParleyError, requestJson, type Environment } from '../../common/index';
import type { PushKind } from '../protocol';
import type { ContentSource } from './pushes';

/** A document or link of the supervisors' library. */
export interface LibraryItem {
  id: string;
  name: string;
  kind: PushKind;
  url?: string;
  type?: string;
  size?: number;
  enabled: boolean;
  order: number;
  by?: string;
  at?: string;
  preview?: string;
}

/** What was stored for a session; `id` is unguessable and passes with it. */
export interface Content {
  id: string;
  src: string;
  name: string;
  kind: PushKind;
  url?: string;
}

/** The kinds that the server takes; it looks at the content, not at the name. */
export const kAccept = 'application/pdf,image/png,image/jpeg,image/gif,image/webp,.pdf,.png,.jpg,.jpeg,.gif,.webp';

export interface UploadOptions {
  /** What the server takes; a larger file is not even sent. */
  maxBytes?: number | undefined;
  /** 0 … 1. */
  progress?: (done: number) => void;
  signal?: AbortSignal;
}

/** Short codes are digits, at most twelve (setting `assist.short_code_length`); anything else is a session's id (`cid`). */
const kCode = /^\d[\d\s-]{2,12}$/;
export const kCid = /^[A-Za-z0-9_.-]{1,64}$/;

/** What agents ask of the server outside of a session. Every method rejects with a ParleyError. */
export class AssistApi {
  /** `server`: origin of the Parley server, where the agent is signed in; default: the page's own. */
  constructor(
    private readonly env_: Environment,
    private readonly server_ = env_.origin,
  ) {}

  async token(role: 'agent' | 'supervisor' = 'agent'): Promise<string> {
    const reply = await this.getJson(`/expertassist/${role}/token?for=assist`);
    if (typeof reply.token !== 'string') throw new ParleyError('server.malformed');
    return reply.token;
  }

  /** The session behind a short code. A code works once. */
  async redeem(code: string): Promise<string> {
    const reply = await this.getJson(`/assistserver/shortcode/agent?appkey=${encodeURIComponent(code)}`);
    if (typeof reply.cid !== 'string') throw new ParleyError('server.malformed');
    return reply.cid;
  }

  /** What an agent typed in, a code or the id of a session, as the id. */
  async find(typed: string): Promise<string> {
    const wanted = typed.trim();
    const cid = kCode.test(wanted) ? await this.redeemOr(wanted) : wanted;
    if (!kCid.test(cid)) throw new ParleyError('shortcode.unknown', { text: 'This is not a code. The customer’s page shows six digits.' });
    return cid;
  }

  /** Digits that are no code may be the id of a session, where somebody has opened it. */
  private async redeemOr(digits: string): Promise<string> {
    try {
      return await this.redeem(digits.replace(/\D/g, ''));
    } catch (error) {
      if (ParleyError.from(error).code === 'shortcode.unknown' && kCid.test(digits) && (await this.isOpen(digits))) return digits;
      throw error;
    }
  }

  protected isOpen(_cid: string): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** The supervisors' library: what may be pushed, in their order. */
  async library(): Promise<LibraryItem[]> {
    const reply = await this.getJson('/expertassist/supervisor/api/library');
    return Array.isArray(reply.items) ? (reply.items as LibraryItem[]) : [];
  }

  /** Makes an item of the library ready for this session. */
  async share(item: LibraryItem, cid: string): Promise<Content> {
    return (await this.postJson(`/expertassist/agent/library/${encodeURIComponent(item.id)}/share`, { cid })) as unknown as Content;
  }

  /** The server fetches a document or picture. */
  async fetch(url: string, cid: string): Promise<Content> {
    return (await this.postJson('/expertassist/agent/fetch', { url, cid })) as unknown as Content;
  }

  upload(file: File, cid: string, options: UploadOptions = {}): Promise<Content> {
    const query = `name=${encodeURIComponent(file.name)}&cid=${encodeURIComponent(cid)}`;
    return upload(`${this.server_}/expertassist/agent/content?${query}`, file, options) as Promise<unknown> as Promise<Content>;
  }

  /** For the pushes of one session. */
  content(cid: string): ContentSource {
    return { share: (item) => this.share(item, cid), fetch: (url) => this.fetch(url, cid), upload: (file, options) => this.upload(file, cid, options) };
  }

  private getJson(path: string) {
    return requestJson(this.env_, 'GET', this.server_ + path);
  }
  private postJson(path: string, body: object) {
    return requestJson(this.env_, 'POST', this.server_ + path, body);
  }
}

/** `fetch` tells nothing of how far it is; this does. Rejects with the server's reason in words. */
export function upload(url: string, file: File, { maxBytes = Infinity, progress, signal }: UploadOptions = {}): Promise<Record<string, unknown>> {
  if (file.size > maxBytes) return Promise.reject(new ParleyError('content.too_large', { text: `This file is too large. At most ${limitText(maxBytes)} can be sent.` }));
  if (file.size === 0) return Promise.reject(new ParleyError('content.empty', { text: 'This file is empty.' }));
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.upload.onprogress = (event) => event.lengthComputable && progress?.(event.loaded / event.total);
    request.onload = () => {
      const body = parse(request.responseText);
      if (request.status >= 200 && request.status < 300) return resolve(body);
      const { reason, text } = (typeof body.error === 'object' && body.error !== null ? body.error : {}) as Record<string, unknown>;
      reject(new ParleyError(typeof reason === 'string' ? reason : 'server.refused', { text: typeof text === 'string' ? text : undefined }));
    };
    request.onerror = () => reject(new ParleyError('server.unreachable'));
    request.onabort = () => reject(new ParleyError('upload.cancelled', { text: 'The upload was called off.' }));
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A limit of the settings, which are in powers of two, as people write them. */
export const limitText = (bytes: number): string => (bytes < 1 << 20 ? `${Math.floor(bytes / 1024)} kB` : `${Math.floor((bytes / (1 << 20)) * 10) / 10} MB`);

export function sizeText(bytes: number | undefined): string {
  if (!bytes) return '';
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
