import { ParleyError } from '../../common/index';
import type { PushKind, TopicServerMessage } from '../protocol';
import type { Content, LibraryItem, UploadOptions } from './assist_api';
import type { MessageWay } from './form_desk';

/** Something that was given to the consumer. */
export interface Pushed {
  id: string;
  kind: PushKind;
  name: string;
  src: string;
  url?: string;
  /** `offered`: a link waits for the consumer's click; a document is being opened. */
  state: 'offered' | 'opened' | 'declined' | 'failed';
  text: string;
}

export type PushRequest = { kind: PushKind; name: string; url?: string; content?: string };

/** What a session needs of the server to push documents; `AssistApi` bound to its session. */
export interface ContentSource {
  share(item: LibraryItem): Promise<Content>;
  fetch(url: string): Promise<Content>;
  upload(file: File, options: UploadOptions): Promise<Content>;
}

const kMaxKept = 50;

/** What was given to the consumer, and giving more. Every method rejects with a ParleyError. */
export class Pushes {
  /** Newest first. */
  list: Pushed[] = [];

  constructor(
    private readonly way_: MessageWay,
    private readonly changed_: () => void,
    private readonly content_?: ContentSource,
    private readonly maxBytes_: () => number | undefined = () => undefined,
  ) {}

  async push(request: PushRequest): Promise<void> {
    const answer = await this.way_.request({ type: 'push', ...request });
    if (answer.type === 'push') this.received(answer);
  }

  /** The consumer opens it by a click of his own. A bare host name is taken as https. */
  async link(address: string, name = ''): Promise<void> {
    const url = checkAddress(address);
    await this.push({ kind: isVideoAddress(url) ? 'video' : 'link', name: name || nameOfAddress(url), url });
  }

  /** A document or picture that the server fetches, to be looked at together. */
  async document(address: string, name = ''): Promise<void> {
    const content = await this.source.fetch(checkAddress(address));
    await this.pushContent({ ...content, name: name || content.name });
  }

  /** A document or picture of this computer; how far it is: `progress`, 0 … 1. */
  async file(file: File, options: UploadOptions = {}): Promise<void> {
    await this.pushContent(await this.source.upload(file, { maxBytes: this.maxBytes_(), ...options }));
  }

  /** Something of the supervisors' library. */
  async item(item: LibraryItem): Promise<void> {
    if (item.kind === 'link' || item.kind === 'video') return this.push({ kind: item.kind, name: item.name, url: item.url });
    await this.pushContent({ ...(await this.source.share(item)), name: item.name });
  }

  received(message: TopicServerMessage): void {
    if (message.type === 'push') {
      if (this.list.some(({ id }) => id === message.id)) return;
      const { id, kind, name, src, url } = message;
      this.list = [{ id, kind, name: name || url || src, src, url, state: 'offered' as const, text: '' }, ...this.list].slice(0, kMaxKept);
    } else if (message.type === 'push-result') {
      this.list = this.list.map((item) => (item.id === message.id ? { ...item, state: message.what, text: message.text ?? '' } : item));
    } else {
      return;
    }
    this.changed_();
  }

  private pushContent({ id, kind, name }: Content): Promise<void> {
    return this.push({ kind, name, content: id });
  }

  private get source(): ContentSource {
    if (!this.content_) throw new ParleyError('argument.invalid', { text: 'This session was opened without a source of documents.' });
    return this.content_;
  }
}

/** http and https only, as at the server; a bare host name is taken as https. */
export function checkAddress(text: string): string {
  const wanted = text.trim();
  const full = /^[a-z][a-z0-9+.-]*:/i.test(wanted) && !/^[\w.-]+:\d/.test(wanted) ? wanted : `https://${wanted}`;
  let url: URL;
  try {
    url = new URL(full);
  } catch {
    throw new ParleyError('push.address', { text: 'This is not an address. Example: https://example.com/terms.pdf' });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new ParleyError('push.address', { text: 'Only addresses that begin with http or https can be sent.' });
  if (!url.hostname || url.username || url.password) throw new ParleyError('push.address', { text: 'An address must not hold a name and password.' });
  return url.href;
}

/** A page of one of the known video sites, or a file. */
export const isVideoAddress = (url: string): boolean =>
  /\.(mp4|webm|ogv|mov|m4v)(\?|#|$)/i.test(url) || /^https?:\/\/(www\.|m\.)?(youtube\.com|youtu\.be|vimeo\.com)\//i.test(url);

/** The last part of an address, as people would read it. */
export function nameOfAddress(url: string): string {
  const last = url.split(/[?#]/)[0]!.split('/').filter(Boolean).pop() ?? url;
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // `100%.pdf`
  }
}

/** An address that may stand in a link; null: only to be read. */
export const linkTo = (url: string | undefined): string | null => (url && (/^https?:\/\//i.test(url) || /^\/(?!\/)/.test(url)) ? url : null);
