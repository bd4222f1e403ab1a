import { ParleyError, requestJson, type Environment } from '../../common/index';
import type { PushKind } from '../protocol';

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

export class AssistApi {
  constructor(private readonly env_: Environment) {}

  async token(role: 'agent' | 'supervisor' = 'agent'): Promise<string> {
    const reply = await this.get(`/expertassist/${role}/token?for=assist`);
    if (typeof reply.token !== 'string') throw new ParleyError('server.malformed');
    return reply.token;
  }

  /** The session behind a short code. A code works once. */
  async redeem(code: string): Promise<string> {
    const reply = await this.get(`/assistserver/shortcode/agent?appkey=${encodeURIComponent(code)}`);
    if (typeof reply.cid !== 'string') throw new ParleyError('server.malformed');
    return reply.cid;
  }

  async library(): Promise<LibraryItem[]> {
    const reply = await this.get('/expertassist/supervisor/api/library');
    return Array.isArray(reply.items) ? (reply.items as LibraryItem[]) : [];
  }

  /** Makes an item of the library ready for this session. */
  async share(item: LibraryItem, cid: string): Promise<Content> {
    return (await this.post(`/expertassist/agent/library/${encodeURIComponent(item.id)}/share`, { cid })) as unknown as Content;
  }

  /** The server fetches a document or picture. */
  async fetch(url: string, cid: string): Promise<Content> {
    return (await this.post('/expertassist/agent/fetch', { url, cid })) as unknown as Content;
  }

  upload(file: File, cid: string, options: UploadOptions = {}): Promise<Content> {
    const query = `name=${encodeURIComponent(file.name)}&cid=${encodeURIComponent(cid)}`;
    return upload(`${this.env_.origin}/assistserver/content?${query}`, file, options) as Promise<unknown> as Promise<Content>;
  }

  private get(path: string) {
    return requestJson(this.env_, 'GET', this.env_.origin + path);
  }
  private post(path: string, body: object) {
    return requestJson(this.env_, 'POST', this.env_.origin + path, body);
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
