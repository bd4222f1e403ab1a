import { Emitter, guarded, ParleyError, type Environment } from '../../common/index';
import type {
  AssistSettings, Feature, FormField, Grant, Modifiers, Party, Quality, SessionState, Stroke, TopicAgentMessage, TopicServerMessage, TopicWelcome, WindowPlace,
} from '../protocol';
import { DocumentInk } from './document_ink';
import { FormDesk } from './form_desk';
import { kNoView, type PageView } from './geometry';
import type { AssistLink, LinkState } from './link';
import { PaceMeter, type Pace } from './meter';
import { Pushes } from './pushes';

/**
 * `waiting`: nobody has opened this session yet; it is tried again. `asking`, `refused`, `joined`: what the consumer says to our
 * seeing the page. `ended` and `failed` are final.
 */
export type Phase = 'connecting' | 'waiting' | 'asking' | 'refused' | 'joined' | 'reconnecting' | 'ended' | 'failed';

export interface CobrowseEvents {
  /** Something that is drawn has changed. */
  changed: void;
  /** A remark or an error in words. */
  notice: ParleyError;
  /** A picture that this party may see. */
  frame: ArrayBuffer;
  /** Nothing of the page may stay on the screen. */
  blank: void;
  draw: Stroke & { party?: string };
  erase: { ids?: string[]; on?: string; why?: string };
  cursor: { x: number; y: number };
  /** A box of the page has carried what is drawn on it along. */
  carried: readonly { id: string; dx: number; dy: number }[];
  /** Where the video window lies now. */
  window: WindowPlace;
  document: { id: string; page?: number; scroll?: number; zoom?: number; closed?: boolean };
}

export interface CobrowseOptions {
  environment: Environment;
  cid: string;
  /** A fresh connection, for each try. */
  link: () => AssistLink;
}

const kRetryMs = 3_000;
/** The server takes one question for a whole picture a second. */
const kRefreshMs = 1_200;
/** So long a session that nobody has opened is waited for. */
const kPatienceMs = 10 * 60_000;
/** What is reported of the page (docs/protocols/topic.md, `activity`), before the name of the element. */
const kDeeds: Record<string, string> = { click: 'clicked', type: 'typed into', key: 'pressed a key in', scroll: 'scrolled', fill: 'filled in', select: 'chose in' };
const kRecentMs = 6_000;
/** The server takes 50 messages a second; these are the ones that come in streams. */
const kStreamMs = 50;

/** A party's part in a co-browse session, without drawing: what is known of it, and what may be done. */
export class Cobrowse extends Emitter<CobrowseEvents> {
  readonly cid: string;
  readonly form: FormDesk;
  readonly pushes: Pushes;
  /** What is drawn on the document, also before it is shown here. */
  readonly documentInk = new DocumentInk();
  phase: Phase = 'connecting';
  session: SessionState | null = null;
  settings: AssistSettings | null = null;
  /** Why the session ended or could not be joined. */
  error: ParleyError | null = null;
  /** Of the picture that is on the canvas. */
  view: PageView = kNoView;
  /** A picture has been drawn since the last time there was none. */
  seeing = false;
  /** Control was asked for and the consumer has not answered. */
  askingControl = false;
  /** What the consumer or another agent just did, in words. */
  activity: { text: string; at: number } | null = null;
  private readonly env_: Environment;
  private readonly options_: CobrowseOptions;
  private readonly meter_ = new PaceMeter();
  private link_: AssistLink | null = null;
  private linkState_: LinkState = 'idle';
  private me_ = '';
  private retryTimer_ = 0;
  private firstTry_ = 0;
  private nextId_ = 1;
  private refreshAt_ = -Infinity;
  /** Timer of the next question for a whole picture; 0: none is missing. */
  private wantsWhole_ = 0;
  private stream_: { pointer?: TopicAgentMessage; scroll?: TopicAgentMessage & { type: 'scroll' }; window?: TopicAgentMessage } = {};
  private streamTimer_ = 0;
  /** The page was told that the button is held down. */
  private pressed_ = false;
  private closed_ = false;

  constructor(options: CobrowseOptions) {
    super();
    this.options_ = options;
    this.env_ = options.environment;
    this.cid = options.cid;
    const link = { send: (message: TopicAgentMessage) => this.send(message), request: (message: TopicAgentMessage) => this.request(message) };
    this.form = new FormDesk(link, () => this.changed());
    this.pushes = new Pushes(link, () => this.changed());
  }

  start(): void {
    this.firstTry_ = this.env_.now();
    this.connect();
  }

  // ---- what is known

  get me(): Party | null {
    return this.session?.parties.find(({ party }) => party === this.me_) ?? null;
  }
  get others(): Party[] {
    return this.session?.parties.filter(({ party, role }) => party !== this.me_ && role !== 'consumer') ?? [];
  }
  get over(): boolean {
    return this.phase === 'ended' || this.phase === 'failed';
  }
  get customer(): string {
    return this.session?.consumer.name || 'The customer';
  }
  get controlling(): boolean {
    return this.phase === 'joined' && this.session?.control === this.me_;
  }
  /** Who else acts on the page. */
  get controller(): Party | null {
    const { control = 'none' } = this.session ?? {};
    return control === this.me_ ? null : (this.session?.parties.find(({ party }) => party === control) ?? null);
  }
  get sharing(): boolean {
    return this.phase === 'joined' && this.session?.sharing === 'on';
  }
  get quality(): Quality {
    return this.session?.quality ?? 'sharp';
  }
  /** The last activity is still worth showing. */
  get recent(): boolean {
    return this.activity !== null && this.env_.now() - this.activity.at < kRecentMs;
  }
  /** Parts of the page are hidden from everybody. */
  get masked(): boolean {
    return (this.session?.view.masked ?? 0) > 0 || (this.form.fields?.some(({ masked }: FormField) => masked) ?? false);
  }

  /** A watching supervisor sees and does nothing; what the settings switch off is not there. */
  has(feature: Feature): boolean {
    if (this.me?.role === 'supervisor') return feature === 'view';
    return this.settings?.features.includes(feature) ?? false;
  }

  pace(): Pace {
    return this.meter_.pace(this.env_.now());
  }

  // ---- what an agent does

  askControl(): void {
    if (!this.has('control') || this.controlling) return;
    this.askingControl = true;
    this.request({ type: 'control', want: true }).catch((error: unknown) => {
      // The consumer takes as long as it takes; the answer comes as a new state.
      if (ParleyError.from(error).code === 'request.timeout') return;
      this.askingControl = false;
      this.notice(error);
    });
    this.changed();
  }

  releaseControl(): void {
    this.askingControl = false;
    this.send({ type: 'control', want: false });
    this.changed();
  }

  askAgain(): void {
    this.send({ type: 'ask', what: 'view' });
  }

  /** For all who look on; the next picture comes so. */
  setQuality(level: Quality): void {
    if (level !== this.quality) this.send({ type: 'quality', level });
  }

  pointer(x: number, y: number): void {
    if (this.sharing && this.has('pointer')) this.streamed('pointer', { type: 'pointer', x, y, down: this.pressed_ });
  }
  pointerGone(): void {
    if (this.sharing && this.has('pointer') && !this.pressed_) this.streamed('pointer', { type: 'pointer', x: 0, y: 0, gone: true });
  }
  /** Begins a drag: the button stays down until `release`. A click is `click`, not this. */
  press(x: number, y: number): void {
    if (!this.controlling || !this.has('pointer')) return;
    this.flush();
    this.pressed_ = true;
    this.send({ type: 'pointer', x, y, down: true });
  }
  release(x: number, y: number): void {
    if (!this.pressed_) return;
    this.flush();
    this.pressed_ = false;
    this.send({ type: 'pointer', x, y, down: false });
  }

  scroll(x: number, y: number, dx: number, dy: number): void {
    if (!this.controlling) return;
    const before = this.stream_.scroll ?? { dx: 0, dy: 0 };
    this.streamed('scroll', { type: 'scroll', x, y, dx: before.dx + dx, dy: before.dy + dy });
  }
  click(x: number, y: number, button = 0, detail = 1, mods: Modifiers = {}): void {
    if (this.controlling) this.sendAfter({ type: 'click', x, y, button, detail, mods });
  }
  type(text: string): void {
    if (!this.controlling) return;
    // The server takes so much at once; a pair of surrogates stays together.
    for (const part of text.match(/[\s\S]{1,4095}(?![\uDC00-\uDFFF])/g) ?? []) this.sendAfter({ type: 'text', text: part });
  }
  key(key: string, code: string, mods: Modifiers): void {
    if (this.controlling) this.sendAfter({ type: 'key', key, code, mods });
  }

  newId(kind: string): string {
    return `${kind}-${this.me_}-${this.nextId_++}`;
  }

  /** A stroke, or more points of one. It is shown here at once: the server sends it to the others only. */
  draw(stroke: Stroke): void {
    this.send({ type: 'draw', ...stroke });
    this.documentInk.draw(stroke);
    this.emit('draw', { ...stroke, party: this.me_ });
  }
  eraseAll(on?: string): void {
    this.send({ type: 'erase', all: true, on });
    this.documentInk.erase({ on });
    this.emit('erase', { on });
  }

  moveWindow(place: Omit<WindowPlace, 'shown'>): void {
    if (this.phase === 'joined') this.streamed('window', { type: 'window', ...place });
  }

  moveDocument(where: { id: string; page?: number; scroll?: number; zoom?: number; pages?: number }): void {
    this.send({ type: 'document', ...where });
  }
  closeDocument(): void {
    const { document } = this.session ?? {};
    if (document) this.send({ type: 'document', id: document.id, closed: true });
  }

  /** A picture is on the canvas. */
  drawn(frame: number, view: PageView, bytes: number): void {
    this.meter_.drawn(this.env_.now(), bytes, frame);
    if (this.wantsWhole_) this.stopWanting();
    this.link_?.sendPlain({ type: 'seen', frame });
    const first = !this.seeing;
    const before = this.view;
    this.view = view;
    this.seeing = true;
    if (first || before.w !== view.w || before.h !== view.h || before.scale !== view.scale || before.scrollX !== view.scrollX || before.scrollY !== view.scrollY) this.changed();
  }

  spoiled(why: string): void {
    this.meter_.spoiled();
    if (why === 'unsupported') this.notice(new ParleyError('picture.unsupported', { text: 'This browser cannot show the pictures of this customer. Please use a current Chrome or Edge.' }));
    if (!this.wantsWhole_) this.wantWhole();
  }

  /** Asks for a whole picture until one is drawn: the server passes over what is asked too often. */
  private wantWhole(): void {
    const wait = this.refreshAt_ + kRefreshMs - this.env_.now();
    if (wait <= 0) {
      this.refreshAt_ = this.env_.now();
      this.link_?.sendPlain({ type: 'refresh' });
    }
    this.wantsWhole_ = this.env_.setTimer(guarded('whole picture', () => this.sharing ? this.wantWhole() : this.stopWanting()), wait > 0 ? wait : kRefreshMs);
  }

  private stopWanting(): void {
    this.env_.clearTimer(this.wantsWhole_);
    this.wantsWhole_ = 0;
  }

  /** For good. */
  leave(): void {
    if (this.closed_) return;
    if (this.link_ && this.linkState_ === 'connected') this.send({ type: 'leave' });
    this.finish('ended', null);
    this.closed_ = true;
    this.removeAllListeners();
  }

  // ---- connection

  private connect(): void {
    if (this.closed_) return;
    const link = this.options_.link();
    this.link_ = link;
    const current = <T>(fn: (value: T) => void) => (value: T) => {
      if (link === this.link_) fn(value);
    };
    link.on('state', current((state) => this.linkChanged(state)));
    link.on('welcome', current((welcome) => this.welcomed(welcome)));
    link.on('message', current((message) => this.received(message)));
    link.on('binary', current((frame) => this.pictured(frame)));
    link.on('failed', current((error) => this.failed(error)));
    link.connect().catch(() => undefined); // Said by `failed`.
  }

  private linkChanged(state: LinkState): void {
    this.linkState_ = state;
    if (state === 'reconnecting') this.set('reconnecting');
  }

  private welcomed(welcome: TopicWelcome): void {
    this.me_ = welcome.party;
    this.settings = welcome.settings;
    this.error = null;
    this.sessionIs(welcome.session);
  }

  private failed(error: ParleyError): void {
    const waits = error.code === 'assist.unknown_session' && this.env_.now() - this.firstTry_ < kPatienceMs;
    if (!waits) return this.finish('failed', error);
    this.link_ = null;
    this.set('waiting');
    this.retryTimer_ = this.env_.setTimer(guarded('assist retry', () => this.connect()), kRetryMs);
  }

  private finish(phase: 'ended' | 'failed', error: ParleyError | null): void {
    this.env_.clearTimer(this.retryTimer_);
    this.env_.clearTimer(this.streamTimer_);
    this.stopWanting();
    const link = this.link_;
    this.link_ = null;
    link?.close();
    this.error = error;
    this.forget();
    this.set(phase);
  }

  private pictured(frame: ArrayBuffer): void {
    if (!this.sharing) return; // Sent before the server knew that it was over.
    // The number of the picture (docs/protocols/topic.md); what is cut off is found out where it is drawn.
    this.meter_.arrived(this.env_.now(), frame.byteLength >= 8 ? new DataView(frame).getUint32(4) : 0);
    this.emit('frame', frame);
  }

  private received(message: TopicServerMessage): void {
    switch (message.type) {
      case 'session':
        return this.sessionIs(message);
      case 'consent':
        return this.answered(message.what, message.party, message.grant);
      case 'ended':
        return this.finish('ended', new ParleyError(message.reason, { text: message.text }));
      case 'draw':
        this.documentInk.draw(message);
        return this.emit('draw', message);
      case 'erase':
        return this.erased(message);
      case 'cursor':
        return this.emit('cursor', message);
      case 'carried':
        return this.emit('carried', message.shapes);
      case 'window':
        if (this.session) this.session.window = { shown: message.shown !== false, x: message.x ?? 0, y: message.y ?? 0, w: message.w ?? 0, h: message.h ?? 0 };
        return this.session?.window ? this.emit('window', this.session.window) : undefined;
      case 'document':
        return this.documentMoved(message);
      case 'activity':
        return this.acted(message.party, message.what, message.target);
      case 'form':
      case 'form-result':
        return this.form.received(message);
      case 'push':
      case 'push-result':
        return this.pushes.received(message);
      case 'error':
        // An error that answers a request is told of where it was asked for.
        return message.request ? undefined : this.notice(new ParleyError(message.reason, { text: message.text }));
      default:
        return;
    }
  }

  private sessionIs(session: SessionState): void {
    const before = this.session;
    this.session = session;
    if (session.features && this.settings) this.settings = { ...this.settings, features: session.features };
    const mine = this.me?.state ?? 'asking';
    if (session.control !== 'none' || session.sharing !== 'on') this.askingControl = false;
    if (session.document?.id !== before?.document?.id && session.document) this.emit('document', session.document);
    if (!this.controlling) this.pressed_ = false; // First: what ends a drag has nothing to say any more.
    if (session.sharing !== 'on' || mine !== 'joined') this.forget();
    if (mine !== 'joined') this.form.close(false);
    if (session.window) this.emit('window', session.window);
    this.set(mine);
  }

  private answered(what: Grant, party: string, grant: boolean): void {
    if (party !== this.me_) return;
    // A yes comes again as the session's new state.
    if (what === 'control' && !grant) {
      this.askingControl = false;
      this.notice(new ParleyError('assist.control_refused', { text: `${this.customer} does not want the page to be controlled now.` }));
    }
    this.changed();
  }

  private erased({ ids, on, why, party }: { ids?: string[]; on?: string; why?: string; party?: string }): void {
    this.documentInk.erase({ ids, on });
    this.emit('erase', { ids, on, why });
    const words: Record<string, string> = {
      joined: 'The drawings were cleared, as somebody joined.',
      hold: 'The drawings were cleared after the hold.',
      navigation: 'The drawings were cleared, as the page changed.',
    };
    if (why && words[why]) this.say(words[why]);
    else if (party && party !== this.me_ && !ids) this.say(`${this.nameOf(party)} cleared the drawings.`);
  }

  private documentMoved(message: { id: string; page?: number; scroll?: number; zoom?: number; pages?: number; closed?: boolean; party?: string }): void {
    const { document } = this.session ?? {};
    if (this.session && document?.id === message.id) {
      if (message.closed) this.session.document = null;
      else Object.assign(document, Object.fromEntries(Object.entries(message).filter(([key, value]) => ['page', 'scroll', 'zoom', 'pages'].includes(key) && value !== undefined)));
    }
    this.emit('document', message);
    this.changed();
  }

  private acted(party: string, what: string, target: string): void {
    if (what === 'refused') return this.say(target); // A sentence of the page's.
    const verb = kDeeds[what] ?? what;
    this.say(`${party === this.me_ ? 'You' : this.nameOf(party)} ${verb}${target ? ` ${target}` : ''}`);
  }

  private nameOf(party: string): string {
    const known = this.session?.parties.find((p) => p.party === party);
    return !known || known.role === 'consumer' ? this.customer : known.name;
  }

  private say(text: string): void {
    this.activity = { text, at: this.env_.now() };
    this.changed();
  }

  /** What was seen of the page is gone from here, too. */
  private forget(): void {
    this.view = kNoView;
    this.meter_.spoiled();
    if (!this.seeing) return;
    this.seeing = false;
    this.emit('blank', undefined);
  }

  private set(phase: Phase): void {
    this.phase = phase;
    this.changed();
  }

  private changed(): void {
    this.emit('changed', undefined);
  }

  private notice(error: unknown): void {
    this.emit('notice', ParleyError.from(error));
    this.changed();
  }

  private send(message: TopicAgentMessage): void {
    try {
      this.link_?.send(message);
    } catch (error) {
      this.notice(error);
    }
  }

  private request(message: TopicAgentMessage): Promise<TopicServerMessage> {
    return this.link_ ? this.link_.request(message) : Promise.reject(new ParleyError('session.closed'));
  }

  /** What comes in streams: the newest, at most twenty times a second. */
  private streamed<K extends 'pointer' | 'scroll' | 'window'>(kind: K, message: (typeof this.stream_)[K]): void {
    this.stream_[kind] = message;
    if (this.streamTimer_) return;
    this.flush();
    this.streamTimer_ = this.env_.setTimer(
      guarded('assist stream', () => {
        this.streamTimer_ = 0;
        this.flush();
      }),
      kStreamMs,
    );
  }

  /** What waits in a stream was done before. */
  private sendAfter(message: TopicAgentMessage): void {
    this.flush();
    this.send(message);
  }

  private flush(): void {
    const { pointer, scroll, window } = this.stream_;
    this.stream_ = {};
    for (const message of [pointer, scroll, window]) if (message) this.send(message);
  }
}
