// The messages of docs/protocols/aed.md (`/gateway/aed`), version 1.

export const kAedVersion = 1;
/** Below /gateway/aed/, which reverse proxies with the guides' rules let through. */
export const kAedPath = '/gateway/aed/topic';
/** Bytes of a value as JSON. */
export const kMaxValue = 64 * 1024;

/** Anything that JSON can say. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** Who did something. */
export interface Author {
  role: string;
  name: string;
  /** Of this connection; another one after a new session. */
  party: string;
}

export interface Item<T extends Value = Value> {
  readonly id: string;
  /** Rises with every change in the topic. */
  readonly version: number;
  readonly value: T;
  readonly by: Author;
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
}

export interface AedWelcome {
  type: 'welcome';
  party: string;
  key: string;
  resumed: boolean;
  role: string;
  name: string;
  ack: number;
}

export type AedServerMessage =
  | { type: 'topic'; topic: string; data: Item[]; clients: number; more: boolean; reset: boolean; request?: string }
  | { type: 'data'; topic: string; id: string; version: number; deleted: boolean; item: Item | null; request?: string }
  | { type: 'message'; topic: string; value: Value; by: Author }
  | { type: 'clients'; topic: string; clients: number }
  | { type: 'done'; request?: string }
  | { type: 'error'; reason: string; text: string; request?: string; fatal: boolean; item?: Item | null }
  | { type: 'replaced' }
  | { type: 'ack' }
  | { type: 'ping' };

export type AedRequest =
  | { type: 'topic-connect'; topic: string; create: boolean }
  | { type: 'topic-disconnect'; topic: string }
  | { type: 'data-submit'; topic: string; id?: string; version: number; value: Value }
  | { type: 'data-delete'; topic: string; id: string; version: number }
  | { type: 'message'; topic: string; value: Value };

export type AedClientMessage = (AedRequest & { request: string }) | { type: 'leave' } | { type: 'pong' };

type Json = Record<string, unknown>;

const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
const text = (v: unknown): string => (typeof v === 'string' ? v : '');
const count = (v: unknown): number => (Number.isSafeInteger(v) && (v as number) > 0 ? (v as number) : 0);
const optional = (v: unknown): string | undefined => (typeof v === 'string' ? v : undefined);

function author(v: unknown): Author {
  const from = isObject(v) ? v : {};
  return { role: text(from.role), name: text(from.name), party: text(from.party) };
}

function item(v: unknown): Item | null {
  if (!isObject(v) || !text(v.id) || !count(v.version) || v.value === undefined) return null;
  return { id: text(v.id), version: count(v.version), value: v.value as Value, by: author(v.by), at: count(v.at) };
}

export function parseAedWelcome(raw: Json): AedWelcome | null {
  if (raw.type !== 'welcome' || !text(raw.party) || !text(raw.key)) return null;
  return { type: 'welcome', party: text(raw.party), key: text(raw.key), resumed: raw.resumed === true, role: text(raw.role), name: text(raw.name), ack: count(raw.ack) };
}

/** null: not a message of this protocol, or of a kind that this version does not know. */
export function parseAedMessage(raw: Json): AedServerMessage | null {
  const request = optional(raw.request);
  const topic = text(raw.topic);
  switch (raw.type) {
    case 'ack':
    case 'ping':
    case 'replaced':
      return { type: raw.type };
    case 'done':
      return { type: 'done', request };
    case 'clients':
      return topic ? { type: 'clients', topic, clients: count(raw.clients) } : null;
    case 'topic': {
      if (!topic) return null;
      const data = (Array.isArray(raw.data) ? raw.data : []).map(item).filter((i): i is Item => i !== null);
      return { type: 'topic', topic, data, clients: count(raw.clients), more: raw.more === true, reset: raw.reset === true, request };
    }
    case 'data': {
      if (!topic || !text(raw.id) || !count(raw.version)) return null;
      const deleted = raw.deleted === true;
      return { type: 'data', topic, id: text(raw.id), version: count(raw.version), deleted, item: deleted ? null : item(raw), request };
    }
    case 'message':
      return topic && raw.value !== undefined ? { type: 'message', topic, value: raw.value as Value, by: author(raw.by) } : null;
    case 'error':
      if (!text(raw.reason)) return null;
      return { type: 'error', reason: text(raw.reason), text: text(raw.text), request, fatal: raw.fatal === true, item: 'item' in raw ? item(raw.item) : undefined };
    default:
      return null;
  }
}
