// The messages of docs/protocols/websocketcall.md, version 1.

export const kProtocolVersion = 1;
export const kSdkVersion = '0.1.0';

export type Role = 'consumer' | 'agent';
export type CallState = 'ringing' | 'connecting' | 'connected' | 'reconnecting' | 'ended';
export type Availability = 'available' | 'busy' | 'away';
export type EndedBy = 'consumer' | 'agent' | 'system';

export interface MediaChoice {
  audio: boolean;
  video: boolean;
}

export interface Peer {
  name: string;
  address: string;
  /** What is at the other end; `page` where the gateway does not say. */
  kind: 'page' | 'phone';
  /** Telephone number or SIP user, where there is one. */
  number?: string;
}

/** What this side may do with the call now. */
export interface Abilities {
  hold: boolean;
  transfer: boolean;
  /** Add and remove video. */
  video: boolean;
  dtmf: boolean;
}

export interface TransferInfo {
  state: 'trying' | 'ringing' | 'done' | 'failed';
  to: string;
  /** Why it failed, in words. */
  text?: string;
}

export interface CallFields {
  call: string;
  state: CallState;
  direction: 'in' | 'out';
  peer: Peer;
  media: MediaChoice;
  peerMuted: MediaChoice;
  peerConnection: 'ok' | 'lost';
  /** Lost because the other page was left: it may be loaded anew, or be gone. */
  peerPageLeft: boolean;
  startedAt: string;
  answeredAt?: string;
  reason?: string;
  text?: string;
  by?: EndedBy;
  /** Offer of a ringing call, where the gateway repeats it after a resume. */
  sdp?: string;
  /** This side holds the other one; the other side holds this one. */
  held: boolean;
  peerHeld: boolean;
  /** Rings, and the far end already sends sound (an announcement, its own ringing tone). */
  early: boolean;
  can: Abilities;
  transfer?: TransferInfo;
  /** Who passed the call on to this agent. */
  transferredBy?: string;
  /** The other page shares itself in an assist session, which may be joined. */
  assist?: { cid: string };
  /** An agent's page mixes this call with another one: who is there; for that page also which call it is. */
  conference?: { name: string; call?: string };
  /** `ringing`: somebody rings who is to take the other side's place. */
  peerTransfer?: string;
  /** Hunt group through which the call came. */
  group?: string;
  /** The agent's page answers by itself, after a short tone. */
  autoAnswer: boolean;
  correlationId?: string;
  /** User-to-User information that came with the call; agents only. */
  uui?: string;
  /** The call in whose place this one comes: a consult that is joined. */
  replaces?: string;
}

/** In the media (RFC 4733), as a SIP INFO or a message to the other page, or both. */
export type DtmfMethod = 'rfc4733' | 'info' | 'both';

interface Numbered {
  seq?: number;
  ack?: number;
}

export interface Welcome {
  type: 'welcome';
  version: number;
  session: string;
  key: string;
  resumed: boolean;
  role: Role;
  user: string;
  name: string;
  ack: number;
  limits: { resumeSeconds: number; maxMessage: number };
  media: {
    maxVideoBitrate?: number;
    /** Wait at most so many milliseconds for candidates before an SDP is sent. 0 (default): the far side is ICE-lite. */
    gatherMs?: number;
  };
  calls: CallFields[];
}

export type ServerMessage = Numbered &
  (
    | ({ type: 'call'; request?: string } & CallFields)
    | ({ type: 'incoming'; sdp: string } & CallFields)
    | { type: 'sdp'; call: string; kind: 'answer' | 'offer'; sdp: string; media?: MediaChoice; request?: string }
    | { type: 'dtmf'; call: string; digits: string }
    | { type: 'availability'; state: Availability; request?: string }
    | { type: 'session'; what: 'replaced' | 'ending'; text?: string }
    | { type: 'error'; reason: string; text: string; request?: string; call?: string; fatal?: boolean }
    | { type: 'ack' }
    | { type: 'ping' }
  );

export type ClientMessage =
  | {
      type: 'dial';
      destination: string;
      sdp: string;
      media: MediaChoice;
      uui?: string;
      name?: string;
      request?: string;
    }
  | { type: 'answer'; call: string; sdp: string; request?: string }
  | { type: 'reject'; call: string; reason?: 'busy' | 'declined' }
  | { type: 'end'; call: string }
  | { type: 'mute'; call: string; audio: boolean; video: boolean }
  | { type: 'restart'; call: string; sdp: string; request?: string }
  | { type: 'dtmf'; call: string; digits: string; method?: DtmfMethod }
  | { type: 'hold'; call: string; held: boolean; request?: string }
  | { type: 'offer'; call: string; sdp: string; media: MediaChoice; request?: string }
  | { type: 'transfer'; call: string; destination: string; request?: string }
  | { type: 'transfer'; call: string; to: string; request?: string }
  /** This page mixes the call with its other one, so that all three hear each other; empty: no longer. */
  | { type: 'conference'; call: string; to: string; request?: string }
  | { type: 'cancelTransfer'; call: string }
  | { type: 'availability'; state: 'available' | 'away'; request?: string }
  | { type: 'stats'; call: string; report: object }
  /** The page shares itself in this assist session: the other side may join it. */
  | { type: 'assist'; call: string; cid: string }
  | { type: 'pong' };

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const kTransferStates: readonly string[] = ['trying', 'ringing', 'done', 'failed'];
const kStates: readonly string[] = ['ringing', 'connecting', 'connected', 'reconnecting', 'ended'];

/** Fills what a terse gateway left out; null when the essentials are not there. */
export function parseCallFields(value: unknown): CallFields | null {
  if (!isObject(value) || !isText(value.call) || !value.call || !kStates.includes(value.state as string)) return null;
  const peer = isObject(value.peer) ? value.peer : {};
  const can = isObject(value.can) ? value.can : {};
  return {
    call: value.call,
    state: value.state as CallState,
    direction: value.direction === 'in' ? 'in' : 'out',
    peer: {
      name: isText(peer.name) ? peer.name : '',
      address: isText(peer.address) ? peer.address : '',
      kind: peer.kind === 'phone' ? 'phone' : 'page',
      number: optional(peer.number),
    },
    media: choice(value.media, true),
    peerMuted: choice(value.peerMuted, false),
    peerConnection: value.peerConnection === 'lost' ? 'lost' : 'ok',
    peerPageLeft: value.peerPageLeft === true,
    startedAt: isText(value.startedAt) ? value.startedAt : '',
    answeredAt: optional(value.answeredAt),
    reason: optional(value.reason),
    text: optional(value.text),
    by: optional(value.by) as EndedBy | undefined,
    sdp: optional(value.sdp),
    held: value.held === true,
    peerHeld: value.peerHeld === true,
    early: value.early === true,
    // A gateway that says nothing passes digits on, and no more.
    can: { hold: can.hold === true, transfer: can.transfer === true, video: can.video === true, dtmf: can.dtmf !== false },
    transfer: parseTransfer(value.transfer),
    assist: isObject(value.assist) && isText(value.assist.cid) && value.assist.cid ? { cid: value.assist.cid } : undefined,
    conference: parseConference(value.conference),
    peerTransfer: optional(value.peerTransfer),
    transferredBy: optional(isObject(value.transferredBy) ? value.transferredBy.name : value.transferredBy),
    group: optional(value.group),
    autoAnswer: value.autoAnswer === true,
    correlationId: optional(value.correlationId),
    uui: optional(value.uui),
    replaces: optional(value.replaces),
  };
}

const optional = (v: unknown): string | undefined => (isText(v) && v ? v : undefined);

function choice(from: unknown, fallback: boolean): MediaChoice {
  const source = isObject(from) ? from : {};
  const pick = (v: unknown) => (typeof v === 'boolean' ? v : fallback);
  return { audio: pick(source.audio), video: pick(source.video) };
}

function parseTransfer(value: unknown): TransferInfo | undefined {
  if (!isObject(value) || !kTransferStates.includes(value.state as string)) return undefined;
  return { state: value.state as TransferInfo['state'], to: isText(value.to) ? value.to : '', text: optional(value.text) };
}

function parseConference(value: unknown): CallFields['conference'] {
  return isObject(value) && isText(value.name) && value.name ? { name: value.name, call: optional(value.call) } : undefined;
}

/** null: not a message of this protocol. An unknown `type` gives null, too: it is skipped but still counted. */
export function parseServerMessage(raw: Json): ServerMessage | null {
  const numbered: Numbered = {};
  if (isCount(raw.seq)) numbered.seq = raw.seq;
  if (isCount(raw.ack)) numbered.ack = raw.ack;
  const request = isText(raw.request) ? raw.request : undefined;
  switch (raw.type) {
    case 'ack':
    case 'ping':
      return { ...numbered, type: raw.type };
    case 'call':
    case 'incoming': {
      const fields = parseCallFields(raw);
      if (!fields) return null;
      if (raw.type === 'call') return { ...numbered, ...fields, type: 'call', request };
      return fields.sdp ? { ...numbered, ...fields, sdp: fields.sdp, type: 'incoming' } : null;
    }
    case 'sdp':
      if (!isText(raw.call) || !isText(raw.sdp) || (raw.kind !== 'answer' && raw.kind !== 'offer')) return null;
      return {
        ...numbered,
        type: 'sdp',
        call: raw.call,
        kind: raw.kind,
        sdp: raw.sdp,
        media: isObject(raw.media) ? choice(raw.media, true) : undefined,
        request,
      };
    case 'dtmf':
      if (!isText(raw.call) || !isText(raw.digits)) return null;
      return { ...numbered, type: 'dtmf', call: raw.call, digits: raw.digits };
    case 'availability':
      if (raw.state !== 'available' && raw.state !== 'busy' && raw.state !== 'away') return null;
      return { ...numbered, type: 'availability', state: raw.state, request };
    case 'session':
      if (raw.what !== 'replaced' && raw.what !== 'ending') return null;
      return { ...numbered, type: 'session', what: raw.what, text: isText(raw.text) ? raw.text : undefined };
    case 'error':
      if (!isText(raw.reason)) return null;
      return {
        ...numbered,
        type: 'error',
        reason: raw.reason,
        text: isText(raw.text) ? raw.text : '',
        request,
        call: isText(raw.call) ? raw.call : undefined,
        fatal: raw.fatal === true,
      };
    default:
      return null;
  }
}

export function parseWelcome(raw: Json): Welcome | null {
  if (raw.type !== 'welcome' || !isText(raw.session) || !isText(raw.key)) return null;
  const limits = isObject(raw.limits) ? raw.limits : {};
  const media = isObject(raw.media) ? raw.media : {};
  return {
    type: 'welcome',
    version: isCount(raw.version) ? raw.version : kProtocolVersion,
    session: raw.session,
    key: raw.key,
    resumed: raw.resumed === true,
    role: raw.role === 'agent' ? 'agent' : 'consumer',
    user: isText(raw.user) ? raw.user : '',
    name: isText(raw.name) ? raw.name : '',
    ack: isCount(raw.ack) ? raw.ack : 0,
    limits: {
      resumeSeconds: isCount(limits.resumeSeconds) ? limits.resumeSeconds : 60,
      maxMessage: isCount(limits.maxMessage) ? limits.maxMessage : 131072,
    },
    media: {
      maxVideoBitrate: isCount(media.maxVideoBitrate) ? media.maxVideoBitrate : undefined,
      gatherMs: isCount(media.gatherMs) ? Math.min(media.gatherMs, 5000) : undefined,
    },
    calls: (Array.isArray(raw.calls) ? raw.calls : []).map(parseCallFields).filter((c): c is CallFields => c !== null),
  };
}
