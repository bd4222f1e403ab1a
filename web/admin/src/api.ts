import { browserEnvironment, requestJson, type MediaChoice } from '@parley/sdk';

/** `consumer`, `gateway`, `broker`, `agent`; with telephones also `customer phone`, `agent phone`, `trunk`. */
export type Lane = string;

export interface Party {
  name?: string;
  address?: string;
  user?: string;
  kind?: 'page' | 'phone';
  number?: string;
}

export interface CallSummary {
  call: string;
  state: string;
  phase?: string;
  consumer?: Party;
  agent?: Party;
  media?: MediaChoice;
  broker?: string;
  correlationId?: string;
  startedAt: string;
  answeredAt?: string;
  connectedAt?: string;
  endedAt?: string;
  reason?: string;
  text?: string;
  by?: string;
}

export interface TimelineEntry {
  at: string;
  ms: number;
  from: Lane;
  to: Lane;
  what: string;
  level: 'info' | 'warn' | 'error';
  detail: Record<string, unknown>;
}

export interface LegState extends Party {
  id: string;
  /** Its id at the broker, where that is another one (after a transfer). */
  leg?: string;
  session?: string;
  ice?: boolean;
  dtls?: boolean;
  muted?: MediaChoice;
}

export interface Direction {
  packets: number;
  bytes: number;
  lost: number;
  fractionLost?: number;
  jitterMs?: number;
  bitrate?: number;
  nacks?: number;
  retransmitted?: number;
  plis?: number;
  firs?: number;
  keyFrames?: number;
}

export interface BrokerSection {
  index: number;
  kind: 'audio' | 'video';
  codec?: string;
  fromPeer?: Direction;
  toPeer?: Direction;
}

export interface BrokerLeg {
  id: string;
  /** `rtp`: a telephone's. */
  kind?: 'webrtc' | 'rtp';
  /** Of an `rtp` leg: what was asked for (`none`, `sdes`, `sdes-preferred`); `srtp` says what it became, empty: plain RTP. */
  security?: string;
  rtp?: 'connected' | 'waiting';
  ice?: string;
  dtls?: string;
  srtp?: string;
  selected?: { remote?: string; local?: string };
  rttMs?: number;
  remb?: number;
  sections?: BrokerSection[];
  drops?: Record<string, number>;
}

export interface BrokerReport {
  worker?: number;
  ageSeconds?: number;
  legs?: BrokerLeg[];
}

export interface CallDetail extends Omit<CallSummary, 'media'> {
  legs: LegState[];
  timeline: TimelineEntry[];
  dropped?: number;
  /** Both sides agreed on it. */
  video?: boolean;
  media: BrokerReport | null;
}

export interface Trunk {
  uri: string;
  group?: string;
  transport?: string;
  state: 'up' | 'down' | 'unknown';
  since?: string;
  lastReason?: string;
  rttMs?: number;
  optionsSent: number;
  optionsOk: number;
  requests: number;
  failures: number;
  addresses?: { address: string; state?: string }[];
}

/** SIP requests of addresses that may not call, the last address first. */
export interface Strangers {
  refused: number;
  addresses: { address: string; method: string; count: number; lastAt: string }[];
}

/** One second or minute: `sessions`, `calls` and load as they were, the rest as many as happened in it. */
export interface Sample {
  at: string;
  sessions: number;
  calls: number;
  started: number;
  ended: number;
  failed: number;
  sipIn: number;
  sipOut: number;
  /** Outbound ones; of a minute the fewest that were up and the most that were down. */
  sipServersUp: number;
  sipServersDown: number;
  /** Per cent, by broker. */
  brokerLoad: Record<string, number>;
}

export interface Performance {
  seconds?: Sample[];
  minutes?: Sample[];
}

/** A co-browse session, as in lists. */
export interface AssistSummary {
  cid: string;
  /** Of a session that is over. */
  record?: string;
  consumer?: { name?: string; present?: boolean };
  parties?: { party: string; role: string; name: string; state: string; user?: string }[];
  sharing?: string;
  fidelity?: string;
  title?: string;
  startedAt: string;
  endedAt?: string;
  reason?: string;
  text?: string;
  call?: string;
  /** How many masking receipts there are. */
  receipts?: number;
  frames?: number;
  bytes?: number;
}

/** What a consumer's browser blackened, and by which rule; `unmaskable`: pictures of a film that it withheld, as something in them was not black yet. */
export interface AssistReceipt {
  at: string;
  masked?: { label: string; rule: string; count: number }[];
  unmaskable?: number;
}

export interface AssistDetail extends Omit<AssistSummary, 'receipts'> {
  receipts?: AssistReceipt[];
  droppedReceipts?: number;
  timeline?: TimelineEntry[];
  dropped?: number;
}

/** Who may sign in. Roles: `Agent`, `Supervisor`, `Administrator`. */
export interface User {
  user: string;
  name: string;
  number: string;
  roles: string[];
  disabled: boolean;
}
/** What is not named stays as it is. */
export type UserChange = Partial<Omit<User, 'user'>> & { password?: string };

const kBase = '/web_plugin_framework/webcontroller/api';
const env = browserEnvironment();

export const api = {
  me: () => requestJson(env, 'GET', `${kBase}/me`) as Promise<{ user?: string; name?: string; version?: string }>,
  login: (user: string, password: string) => requestJson(env, 'POST', `${kBase}/login`, { user, password }),
  logout: () => requestJson(env, 'POST', `${kBase}/logout`),
  calls: () => requestJson(env, 'GET', `${kBase}/calls`) as unknown as Promise<{ current?: CallSummary[]; recent?: CallSummary[] }>,
  trunks: () => requestJson(env, 'GET', `${kBase}/trunks`) as unknown as Promise<{ trunks?: Trunk[]; strangers?: Strangers }>,
  performance: (minutes: number) => requestJson(env, 'GET', `${kBase}/performance?minutes=${minutes}`) as unknown as Promise<Performance>,
  users: () => requestJson(env, 'GET', `${kBase}/users`) as unknown as Promise<{ users?: User[] }>,
  changeUser: async (user: string, change: UserChange) => void (await requestJson(env, 'PUT', `${kBase}/users/${encodeURIComponent(user)}`, change)),
  assistSessions: () => requestJson(env, 'GET', `${kBase}/assist/sessions`) as unknown as Promise<{ current?: AssistSummary[]; recent?: AssistSummary[] }>,
  /** `record`: which of the sessions that had this cid; without, the running or the last one. */
  assistSession: (cid: string, record = '') =>
    requestJson(env, 'GET', `${kBase}/assist/sessions/${encodeURIComponent(cid)}${record && `?record=${encodeURIComponent(record)}`}`) as unknown as Promise<AssistDetail>,
  call: (id: string) => requestJson(env, 'GET', `${kBase}/calls/${encodeURIComponent(id)}`) as unknown as Promise<CallDetail>,
};
