// The messages of docs/protocols/topic.md (`/assistserver/topic`), version 1: text messages. Pictures are in frame.ts.
// Coordinates are CSS pixels: of the consumer's viewport where somebody points or clicks, of the document (viewport plus
// scroll) where somebody draws.

export const kTopicVersion = 1;
export const kTopicPath = '/assistserver/topic';

export type AssistRole = 'consumer' | 'agent' | 'supervisor';
export type PartyId = string;
export type Sharing = 'off' | 'asking' | 'on' | 'paused' | 'sensitive';
export type Fidelity = 'painter' | 'capture';
/** How sharp the pictures are: as the settings say, or smaller for slow lines. An agent chooses for all who look on. */
export type Quality = 'sharp' | 'balanced' | 'light';
/** Features of the agents' side that the settings can switch off (EA-12). */
export type Feature =
  | 'view' | 'pointer' | 'control' | 'forms' | 'annotate' | 'push_document' | 'push_link' | 'spotlight' | 'capture';
export type Grant = 'view' | 'control';
export type PushKind = 'link' | 'document' | 'image' | 'video';
export type Tool = 'pen' | 'highlighter' | 'arrow' | 'rect' | 'text' | 'spot';
export type Point = [x: number, y: number];

export interface Party {
  party: PartyId;
  role: AssistRole;
  name: string;
  /** `#rrggbb`, the same for everybody. */
  color: string;
  /** `refused`: the consumer said no, or nothing in time; the party may ask again. */
  state: 'asking' | 'joined' | 'refused';
}

export type Unsupported = { what: string; why: string };

export interface View {
  w: number;
  h: number;
  /** Pixels of the picture per CSS pixel. */
  scale: number;
  title: string;
  path: string;
  /** So many masked areas are in sight; nothing of them is. */
  masked?: number;
}

/** Where the video window lies over the consumer's view, as fractions of its width and height. */
export interface WindowPlace {
  shown: boolean;
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface OpenDocument {
  id: string;
  kind: 'document' | 'image';
  src: string;
  name: string;
  page: number;
  /** Fraction of the page's height that is scrolled away. */
  scroll: number;
  zoom: number;
  /** 0: not known yet. */
  pages: number;
}

export interface SessionState {
  cid: string;
  consumer: { present: boolean; name: string };
  parties: Party[];
  sharing: Sharing;
  /** Somebody may see the page. */
  consent: boolean;
  /** `none`, or the party that may act. */
  control: 'none' | PartyId;
  view: View;
  fidelity: Fidelity;
  quality: Quality;
  unsupported: Unsupported[];
  document: OpenDocument | null;
  window: WindowPlace | null;
  /** What agents may do now; absent: as the welcome said. */
  features?: Feature[];
}

export interface AssistSettings {
  features: Feature[];
  imageScale: number;
  maxFrameBytes: number;
  /** People in a session, the customer included; the largest document or picture that is taken. */
  maxParties: number;
  maxDocumentBytes: number;
  /** `all`: everything typed is masked unless allowed. */
  maskDefault: 'marked' | 'all';
  maskSelectors: string[];
  /** A fixed label instead of the agents' names; empty: names. */
  agentName: string;
}

export interface TopicWelcome {
  type: 'welcome';
  version: number;
  party: PartyId;
  key: string;
  resumed: boolean;
  role: AssistRole;
  ack: number;
  /** So long the server keeps the place of a party that is gone. */
  resumeSeconds: number;
  session: SessionState;
  settings: AssistSettings;
}

export interface Stroke {
  id: string;
  tool: Tool;
  color: string;
  width: number;
  points: Point[];
  text?: string;
  anchor?: string;
  done: boolean;
  /** On a co-viewed document instead of the page: its id (and page). */
  on?: string;
  page?: number;
}

export interface Modifiers {
  shift?: boolean;
  ctrl?: boolean;
  alt?: boolean;
  meta?: boolean;
}

export interface FormField {
  id: string;
  label: string;
  type: string;
  value?: string;
  checked?: boolean;
  masked: boolean;
  options?: { value: string; label: string; selected?: boolean; disabled?: boolean }[];
  multiple?: boolean;
  required?: boolean;
  readonly?: boolean;
  valid?: boolean;
  message?: string;
  disabled?: boolean;
  /** The site lets no agent use it. */
  barred?: boolean;
  /** Legend of the group it is in; placeholder; limits as the page states them. */
  group?: string;
  hint?: string;
  maxLength?: number;
  min?: string;
  max?: string;
  step?: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface MaskedRegion {
  label: string;
  rule: string;
  count: number;
}

/** What agents do; towards the consumer the server adds `party`. */
export type AgentAction =
  | { type: 'pointer'; x: number; y: number; down?: boolean; gone?: boolean; on?: string; page?: number; party?: PartyId }
  | { type: 'click'; x: number; y: number; button?: number; detail?: number; mods?: Modifiers; party?: PartyId }
  | { type: 'scroll'; x: number; y: number; dx: number; dy: number; party?: PartyId }
  | { type: 'text'; text: string; party?: PartyId }
  | { type: 'key'; key: string; code?: string; mods?: Modifiers; party?: PartyId }
  | { type: 'form-get'; party?: PartyId; request?: string }
  | { type: 'form-close'; party?: PartyId }
  | { type: 'form-set'; id: string; value?: string; checked?: boolean; selected?: string[]; party?: PartyId; request?: string };

/** What everybody may draw, and where the co-viewed document stands. */
export type SharedMessage =
  | ({ type: 'draw'; party?: PartyId } & Stroke)
  | { type: 'erase'; ids?: string[]; all?: boolean; on?: string; why?: string; party?: PartyId }
  | { type: 'document'; id: string; page?: number; scroll?: number; zoom?: number; pages?: number; closed?: boolean; party?: PartyId }
  | { type: 'window'; shown?: boolean; x?: number; y?: number; w?: number; h?: number; by?: PartyId; party?: PartyId };

export type PushResult = { type: 'push-result'; id: string; what: 'opened' | 'declined' | 'failed'; text?: string };
export type ActivityMessage = { type: 'activity'; party: PartyId; what: string; target: string };
/** `to`: for this party alone. */
export type FormMessage = { type: 'form'; fields: FormField[]; request?: string; to?: PartyId };
export type FormResult = {
  type: 'form-result'; id: string; ok: boolean; valid?: boolean; message?: string; reason?: string; request?: string; to?: PartyId;
};
export type CursorMessage = { type: 'cursor'; x: number; y: number };
/** Shapes that a box of the page has carried along since they were drawn. */
export type CarriedMessage = { type: 'carried'; shapes: { id: string; dx: number; dy: number }[] };

interface Numbered {
  seq?: number;
  ack?: number;
}

/** From the server, for either role. */
export type TopicServerMessage = Numbered &
  (
    | ({ type: 'session' } & SessionState)
    | { type: 'consent-request'; id: string; party: PartyId; name: string; what: Grant }
    /** What the consumer answered (to the agents). */
    | { type: 'consent'; what: Grant; party: PartyId; grant: boolean }
    | { type: 'consent-over'; id: string }
    | { type: 'refresh' }
    | { type: 'pace'; viewers: number; behind: boolean; kbps: number }
    | { type: 'control'; want?: boolean; party?: PartyId; granted?: boolean; request?: string }
    | { type: 'push'; id: string; kind: PushKind; src: string; name: string; url?: string; party?: PartyId; request?: string }
    | { type: 'replaced'; text?: string }
    | { type: 'ended'; reason: string; text: string }
    | { type: 'error'; reason: string; text: string; request?: string; fatal?: boolean }
    | { type: 'ack'; request?: string }
    | { type: 'ping' }
    | AgentAction
    | SharedMessage
    | PushResult
    | ActivityMessage
    | FormMessage
    | FormResult
    | CursorMessage | CarriedMessage
  );

export type TopicConsumerMessage =
  | { type: 'consent'; id: string; grant: boolean }
  | { type: 'consent'; party: PartyId; what: Grant; grant: false }
  | { type: 'share'; state: Exclude<Sharing, 'asking'> }
  | { type: 'end'; why?: 'call' }
  | { type: 'leave' }
  /** `unmaskable`: so many pictures of a film were withheld, as something in them was not black yet. */
  | { type: 'receipt'; at: string; masked: MaskedRegion[]; unmaskable?: number }
  | { type: 'control'; take: true }
  /** `page` changes with each load of a page. */
  | ({ type: 'view'; fidelity: Fidelity; unsupported: Unsupported[]; page: string } & View)
  | SharedMessage
  | PushResult
  | ActivityMessage
  | FormMessage
  | FormResult
  | CursorMessage | CarriedMessage
  | { type: 'pong' };

export type TopicAgentMessage =
  | (AgentAction & { request?: string })
  | (SharedMessage & { request?: string })
  | { type: 'control'; want: boolean; request?: string }
  | { type: 'push'; kind: PushKind; url?: string; content?: string; name: string; request?: string }
  | { type: 'seen'; frame: number }
  /** What came could not be drawn: a whole picture is needed. */
  | { type: 'refresh' }
  | { type: 'quality'; level: Quality; request?: string }
  /** Asks for consent again after it was refused. */
  | { type: 'ask'; what: 'view' }
  | { type: 'leave' }
  | { type: 'pong' };

export type TopicClientMessage = TopicConsumerMessage | TopicAgentMessage;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown, limit = 4096): string => (typeof value === 'string' ? value.slice(0, limit) : '');
const number = (value: unknown, fallback = 0): number => (typeof value === 'number' && Number.isFinite(value) ? value : fallback);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const oneOf = <T extends string>(value: unknown, all: readonly T[], fallback: T): T =>
  all.includes(value as T) ? (value as T) : fallback;
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const optionalText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const kRoles: readonly AssistRole[] = ['consumer', 'agent', 'supervisor'];
const kSharing: readonly Sharing[] = ['off', 'asking', 'on', 'paused', 'sensitive'];
export const kKinds: readonly PushKind[] = ['link', 'document', 'image', 'video'];
export const kQualities: readonly Quality[] = ['sharp', 'balanced', 'light'];
const kTools: readonly Tool[] = ['pen', 'highlighter', 'arrow', 'rect', 'text', 'spot'];
/** A colour goes into styles: nothing but this form. */
const color = (value: unknown): string => (/^#[0-9a-fA-F]{6}$/.test(text(value)) ? text(value) : '#0b5f6b');

export function parseSession(raw: Json): SessionState {
  const consumer = isObject(raw.consumer) ? raw.consumer : {};
  return {
    cid: text(raw.cid, 64),
    consumer: { present: consumer.present === true, name: text(consumer.name, 200) },
    parties: list(raw.parties).filter(isObject).slice(0, 16).map(parseParty),
    sharing: oneOf(raw.sharing, kSharing, 'off'),
    consent: raw.consent === true,
    control: text(raw.control, 64) || 'none',
    view: parseView(raw.view),
    fidelity: raw.fidelity === 'capture' ? 'capture' : 'painter',
    quality: oneOf(raw.quality, kQualities, 'sharp'),
    unsupported: list(raw.unsupported).filter(isObject).slice(0, 32).map((u) => ({ what: text(u.what, 200), why: text(u.why, 400) })),
    document: parseDocument(raw.document),
    window: parseWindow(raw.window),
    features: Array.isArray(raw.features) ? raw.features.filter((f): f is Feature => typeof f === 'string') : undefined,
  };
}

function parseParty(raw: Json): Party {
  return {
    party: text(raw.party, 64),
    role: oneOf(raw.role, kRoles, 'agent'),
    name: text(raw.name, 100),
    color: color(raw.color),
    state: oneOf(raw.state, ['asking', 'joined', 'refused'] as const, 'asking'),
  };
}

function parseView(value: unknown): View {
  const raw = isObject(value) ? value : {};
  return { w: number(raw.w), h: number(raw.h), scale: number(raw.scale, 1), title: text(raw.title, 200), path: text(raw.path, 500), masked: isCount(raw.masked) ? raw.masked : 0 };
}

function parseDocument(value: unknown): OpenDocument | null {
  if (!isObject(value) || !value.id) return null;
  return {
    id: text(value.id, 128),
    kind: value.kind === 'image' ? 'image' : 'document',
    src: text(value.src),
    name: text(value.name, 300),
    page: Math.max(1, Math.round(number(value.page, 1))),
    scroll: Math.min(1, Math.max(0, number(value.scroll))),
    zoom: Math.min(8, Math.max(0.1, number(value.zoom, 1))),
    pages: Math.max(0, Math.round(number(value.pages))),
  };
}

export function parseWindow(value: unknown): WindowPlace | null {
  if (!isObject(value)) return null;
  const part = (v: unknown) => Math.min(1, Math.max(0, number(v)));
  return { shown: value.shown !== false, x: part(value.x), y: part(value.y), w: part(value.w), h: part(value.h) };
}

export function parseTopicWelcome(raw: Json): TopicWelcome | null {
  if (raw.type !== 'welcome' || typeof raw.party !== 'string' || typeof raw.key !== 'string') return null;
  const settings = isObject(raw.settings) ? raw.settings : {};
  return {
    type: 'welcome',
    version: isCount(raw.version) ? raw.version : kTopicVersion,
    party: raw.party,
    key: raw.key,
    resumed: raw.resumed === true,
    role: oneOf(raw.role, kRoles, 'consumer'),
    ack: isCount(raw.ack) ? raw.ack : 0,
    resumeSeconds: number((isObject(raw.limits) ? raw.limits : {}).resumeSeconds, 60),
    session: parseSession(isObject(raw.session) ? raw.session : {}),
    settings: {
      features: list(settings.features).filter((f): f is Feature => typeof f === 'string'),
      imageScale: Math.min(2, Math.max(0.25, number(settings.imageScale, 1))),
      maxFrameBytes: Math.max(65536, number(settings.maxFrameBytes, 1048576)),
      maxParties: number(settings.maxParties, 4),
      maxDocumentBytes: number(settings.maxDocumentBytes, 26214400),
      maskDefault: settings.maskDefault === 'all' ? 'all' : 'marked',
      maskSelectors: list(settings.maskSelectors).filter((s): s is string => typeof s === 'string'),
      agentName: text(settings.agentName, 100),
    },
  };
}

/** null: not a message of this protocol, or of a kind that this version does not know: it is skipped but still counted. */
export function parseTopicMessage(raw: Json): TopicServerMessage | null {
  const numbered: Numbered = {};
  if (isCount(raw.seq)) numbered.seq = raw.seq;
  if (isCount(raw.ack)) numbered.ack = raw.ack;
  const body = parseBody(raw);
  return body ? { ...numbered, ...body } : null;
}

function parseBody(raw: Json): TopicServerMessage | null {
  const party = optionalText(raw.party);
  const request = optionalText(raw.request);
  switch (raw.type) {
    case 'session':
      return { type: 'session', ...parseSession(raw) };
    case 'consent-request':
      if (!text(raw.id)) return null;
      return { type: 'consent-request', id: text(raw.id, 128), party: party ?? '', name: text(raw.name, 100), what: raw.what === 'control' ? 'control' : 'view' };
    case 'consent':
      return { type: 'consent', what: raw.what === 'control' ? 'control' : 'view', party: party ?? '', grant: raw.grant === true };
    case 'consent-over':
      return { type: 'consent-over', id: text(raw.id, 128) };
    case 'refresh': case 'ping':
      return { type: raw.type };
    case 'ack':
      return { type: 'ack', request };
    case 'pace':
      return { type: 'pace', viewers: number(raw.viewers), behind: raw.behind === true, kbps: number(raw.kbps) };
    case 'control':
      return { type: 'control', want: typeof raw.want === 'boolean' ? raw.want : undefined, granted: typeof raw.granted === 'boolean' ? raw.granted : undefined, party, request };
    case 'push':
      if (!text(raw.id) || !kKinds.includes(raw.kind as PushKind)) return null;
      return { type: 'push', id: text(raw.id, 128), kind: raw.kind as PushKind, src: text(raw.src), name: text(raw.name, 300), url: optionalText(raw.url), party, request };
    case 'replaced':
      return { type: 'replaced', text: optionalText(raw.text) };
    case 'ended':
      return { type: 'ended', reason: text(raw.reason, 100), text: text(raw.text, 500) };
    case 'error':
      if (!text(raw.reason)) return null;
      return { type: 'error', reason: text(raw.reason, 100), text: text(raw.text, 500), request, fatal: raw.fatal === true };
    default:
      return parseAction(raw, party, request) ?? parseShared(raw, party) ?? parseReport(raw, party, request);
  }
}

function parseAction(raw: Json, party: string | undefined, request: string | undefined): AgentAction | null {
  const mods = isObject(raw.mods) ? (raw.mods as Modifiers) : undefined;
  const x = number(raw.x);
  const y = number(raw.y);
  switch (raw.type) {
    case 'pointer':
      return { type: 'pointer', x, y, down: raw.down === true, gone: raw.gone === true, on: optionalText(raw.on), page: isCount(raw.page) ? raw.page : undefined, party };
    case 'click':
      return { type: 'click', x, y, button: number(raw.button), detail: number(raw.detail, 1), mods, party };
    case 'scroll':
      return { type: 'scroll', x, y, dx: number(raw.dx), dy: number(raw.dy), party };
    case 'text':
      return { type: 'text', text: text(raw.text, 65536), party };
    case 'key':
      return text(raw.key) ? { type: 'key', key: text(raw.key, 64), code: optionalText(raw.code), mods, party } : null;
    case 'form-get':
      return { type: 'form-get', party, request };
    case 'form-close':
      return { type: 'form-close', party };
    case 'form-set':
      if (!text(raw.id)) return null;
      return {
        type: 'form-set', id: text(raw.id, 128), value: optionalText(raw.value), checked: typeof raw.checked === 'boolean' ? raw.checked : undefined,
        selected: Array.isArray(raw.selected) ? raw.selected.filter((s): s is string => typeof s === 'string') : undefined, party, request,
      };
    default:
      return null;
  }
}

function parseShared(raw: Json, party: string | undefined): SharedMessage | null {
  const optionalNumber = (v: unknown) => (typeof v === 'number' && Number.isFinite(v) ? v : undefined);
  switch (raw.type) {
    case 'draw':
      if (!text(raw.id)) return null;
      return {
        type: 'draw', id: text(raw.id, 128), tool: oneOf(raw.tool, kTools, 'pen'), color: color(raw.color),
        width: Math.min(64, Math.max(1, number(raw.width, 4))), points: parsePoints(raw.points), text: optionalText(raw.text)?.slice(0, 500),
        anchor: optionalText(raw.anchor), done: raw.done === true, on: optionalText(raw.on), page: optionalNumber(raw.page), party,
      };
    case 'erase':
      return {
        type: 'erase', ids: Array.isArray(raw.ids) ? raw.ids.filter((i): i is string => typeof i === 'string') : undefined,
        all: raw.all === true, on: optionalText(raw.on), why: optionalText(raw.why), party,
      };
    case 'document':
      if (!text(raw.id)) return null;
      return {
        type: 'document', id: text(raw.id, 128), page: optionalNumber(raw.page), scroll: optionalNumber(raw.scroll),
        zoom: optionalNumber(raw.zoom), pages: optionalNumber(raw.pages), closed: raw.closed === true, party,
      };
    case 'window': {
      const place = parseWindow(raw)!;
      return { type: 'window', ...place, by: optionalText(raw.by), party };
    }
    default:
      return null;
  }
}

const kMaxPoints = 4096;

function parsePoints(value: unknown): Point[] {
  const points: Point[] = [];
  for (const p of list(value).slice(0, kMaxPoints)) {
    if (Array.isArray(p) && Number.isFinite(p[0]) && Number.isFinite(p[1])) points.push([p[0] as number, p[1] as number]);
  }
  return points;
}

function parseReport(raw: Json, party: string | undefined, request: string | undefined): TopicServerMessage | null {
  switch (raw.type) {
    case 'push-result':
      return { type: 'push-result', id: text(raw.id, 128), what: oneOf(raw.what, ['opened', 'declined', 'failed'] as const, 'failed'), text: optionalText(raw.text) };
    case 'activity':
      return { type: 'activity', party: party ?? '', what: text(raw.what, 64), target: text(raw.target, 200) };
    case 'form':
      return { type: 'form', fields: list(raw.fields).filter(isObject).slice(0, 500).map(parseField), request };
    case 'form-result':
      return { type: 'form-result', id: text(raw.id, 128), ok: raw.ok === true, valid: typeof raw.valid === 'boolean' ? raw.valid : undefined, message: optionalText(raw.message), reason: optionalText(raw.reason), request };
    case 'cursor':
      return { type: 'cursor', x: number(raw.x), y: number(raw.y) };
    case 'carried':
      return { type: 'carried', shapes: list(raw.shapes).filter(isObject).slice(0, 500).map((s) => ({ id: text(s.id, 128), dx: number(s.dx), dy: number(s.dy) })) };
    default:
      return null;
  }
}

function parseField(raw: Json): FormField {
  const masked = raw.masked === true;
  return {
    id: text(raw.id, 128), label: text(raw.label, 300), type: text(raw.type, 64), masked,
    value: masked ? undefined : optionalText(raw.value), checked: masked || typeof raw.checked !== 'boolean' ? undefined : raw.checked,
    options: Array.isArray(raw.options)
      ? raw.options.filter(isObject).slice(0, 1000).map((o) => ({ value: text(o.value), label: text(o.label, 300), selected: o.selected === true, disabled: o.disabled === true }))
      : undefined,
    multiple: raw.multiple === true, required: raw.required === true, readonly: raw.readonly === true,
    valid: raw.valid !== false, message: optionalText(raw.message), disabled: raw.disabled === true, barred: raw.barred === true,
    group: optionalText(raw.group)?.slice(0, 300), hint: optionalText(raw.hint)?.slice(0, 300), maxLength: isCount(raw.maxLength) ? raw.maxLength : undefined,
    min: optionalText(raw.min)?.slice(0, 64), max: optionalText(raw.max)?.slice(0, 64), step: optionalText(raw.step)?.slice(0, 64),
    x: number(raw.x), y: number(raw.y), w: number(raw.w), h: number(raw.h),
  };
}
