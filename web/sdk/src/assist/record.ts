import { parseFrame, type KeyValueStore } from '../common/index';
import { kKinds, type PushKind } from './protocol';
import type { Push } from './session_types';
import type { SharingRules } from './sharer';

/** What the next page of the site needs to go on: kept in the tab's storage, never longer than the session lives. */
export interface AssistRecord {
  cid: string;
  token: string;
  server: string;
  name: string;
  rules: SharingRules;
  /** What the person wants: `paused` stays paused on the next page. */
  wanted: 'off' | 'on' | 'paused';
  /** The tab was filmed: a browser ends that with the page. */
  filmed: boolean;
  /** The call that it was begun in, and ends with; empty: none. */
  call: string;
  theme?: string;
  /** Links and videos that wait for the person's click. */
  cards: Push[];
  /** Where the video window and the indicator stand. */
  places: Record<string, { x: number; y: number }>;
  /** When the page before was left (ms since 1970); 0: it is still there, and a copy of its storage must not take over. */
  leftAt: number;
  /** The server keeps a party that is gone for so long (s), as it said. */
  resumes?: number;
  /** Nothing says that the page before is gone: the browser ended it, or it lives and this is a copy of its tab (`holdOf` tells). Not kept. */
  doubtful?: boolean;
}

const kKey = 'parley.assist';
export const kLinkKey = 'parley.assist.link';
/** A page that is not seen says once a minute, at the least, that it lives. */
const kSilentMs = 60_000;

/** `seenAt`: when the page that keeps it was last there (ms since 1970). */
export function saveRecord(store: KeyValueStore, record: AssistRecord): void {
  store.set(kKey, JSON.stringify({ ...record, seenAt: Date.now(), doubtful: undefined }));
}

/** What a page holds as long as it lives and is the session's. */
export const holdOf = (record: AssistRecord): string => `${kKey}.${record.cid}`;

export function forgetRecord(store: KeyValueStore): void {
  store.remove(kKey);
  store.remove(kLinkKey);
}

/** The session that the page before left to this one; null: there is none, or it is too old. `doubtful`: it may be another tab's. */
export function takeRecord(store: KeyValueStore, now: number): AssistRecord | null {
  const raw = parseFrame(store.get(kKey));
  if (!raw) return null;
  const text = (v: unknown) => (typeof v === 'string' ? v : '');
  const leftAt = typeof raw.leftAt === 'number' ? raw.leftAt : 0;
  const whole = text(raw.cid) && text(raw.token) && text(raw.server);
  const doubtful = leftAt === 0;
  const last = doubtful && typeof raw.seenAt === 'number' ? raw.seenAt : leftAt;
  const resumes = typeof raw.resumes === 'number' ? raw.resumes : 60;
  if (!whole || now - last > resumes * 1000 + (doubtful ? kSilentMs : 0) || now < last - kSilentMs) {
    forgetRecord(store);
    return null;
  }
  const object = (v: unknown) => (typeof v === 'object' && v !== null ? v : {});
  const record: AssistRecord = {
    cid: text(raw.cid), token: text(raw.token), server: text(raw.server), name: text(raw.name), rules: object(raw.rules) as SharingRules,
    wanted: raw.wanted === 'on' || raw.wanted === 'paused' ? raw.wanted : 'off', filmed: raw.filmed === true, call: text(raw.call), cards: cardsOf(raw.cards), theme: text(raw.theme) || undefined,
    places: object(raw.places) as AssistRecord['places'], leftAt: 0, resumes,
  };
  if (doubtful) return { ...record, cards: [], doubtful };
  saveRecord(store, record);
  return record;
}

function cardsOf(raw: unknown): Push[] {
  const text = (v: unknown) => (typeof v === 'string' ? v : '');
  const all = (Array.isArray(raw) ? raw : []).slice(0, 8) as Partial<Record<keyof Push, unknown>>[];
  return all.filter((c) => typeof c === 'object' && c !== null && text(c.id) && kKinds.includes(c.kind as PushKind))
    .map(({ id, kind, src, name, by }) => ({ id: text(id), kind: kind as PushKind, src: text(src), name: text(name), by: text(by) }));
}
