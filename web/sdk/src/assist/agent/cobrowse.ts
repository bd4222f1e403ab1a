import { Emitter, guarded, ParleyError, type Environment } from '../../common/index';
import type {
  AssistSettings, Feature, FormField, Grant, Modifiers, Party, Quality, SessionState, Stroke, TopicAgentMessage, TopicServerMessage, TopicWelcome, WindowPlace,
} from '../protocol';
import type { Spoiled } from '../picture_surface';
import { Answers, kRefused } from './answers';
import type { CobrowseEvents, CobrowseOptions, Phase } from './cobrowse_types';
import { deedWords, erasedWords } from './deeds';
import { DocumentInk, movedTo } from './document_ink';
import { FormDesk } from './form_desk';
import { kNoView, type PageView } from './geometry';
import type { AssistLink, LinkState } from './link';
import { PaceMeter, type Pace } from './meter';
import { Pushes } from './pushes';
import { Stream } from './stream';
import { WholePicture } from './whole_picture';

const kRetryMs = 3_000;
/** So long a session that nobody has opened is waited for. */
const kPatienceMs = 10 * 60_000;
const kRecentMs = 6_000;

/**
 * A party's part in a co-browse session, without looks: what is known of it, and what may be done. Whatever the server or the
 * consumer does not let the party do is not sent: methods that act tell so by `false`.
 */
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
  private readonly whole_: WholePicture;
  private readonly stream_: Stream;
  private readonly answers_ = new Answers();
  /** Consent was asked for again, and the server has not said so yet. */
  private askedAgain_ = false;
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
    this.pushes = new Pushes(link, () => this.changed(), options.content, () => this.settings?.maxDocumentBytes);
    this.whole_ = new WholePicture(this.env_, () => this.sharing, () => void this.link_?.sendPlain({ type: 'refresh' }));
    this.stream_ = new Stream(this.env_, (message) => this.send(message));
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

  /** Once the consumer agreed to be seen. Rejects with what came instead; `assist.view_refused` may be asked again. */
  joined(): Promise<void> {
    if (this.phase === 'joined') return Promise.resolve();
    if (this.over) return this.answers_.no(this.error ?? new ParleyError('session.closed'));
    return this.phase === 'refused' && !this.askedAgain_ ? this.answers_.no(kRefused.view()) : this.answers_.wait('view');
  }

  /** Asks to see the page again after a no. */
  askAgain(): Promise<void> {
    if (this.phase === 'refused') this.askedAgain_ = this.send({ type: 'ask', what: 'view' });
    return this.joined();
  }

  /** Asks to act on the page. Resolves once the consumer agreed; rejects with `assist.control_refused` or why it cannot be asked. */
  askControl(): Promise<void> {
    if (this.controlling) return Promise.resolve();
    if (!this.has('control')) return this.answers_.no(kRefused.off());
    const answer = this.answers_.wait('control');
    this.askingControl = true;
    this.request({ type: 'control', want: true }).catch((error: unknown) => {
      // The consumer takes as long as it takes; the answer comes as a new state.
      if (ParleyError.from(error).code === 'request.timeout') return;
      this.noControl(ParleyError.from(error));
      this.notice(error);
    });
    this.changed();
    return answer;
  }

  releaseControl(): void {
    this.noControl(new ParleyError('request.cancelled', { text: 'Control was given back.' }));
    this.send({ type: 'control', want: false });
    this.changed();
  }

  /** For all who look on; the next picture comes so. */
  setQuality(level: Quality): void {
    if (level !== this.quality) this.send({ type: 'quality', level });
  }

  /** Where the agent points; places are CSS pixels of the consumer's viewport, here and below; `over` a document, units of its page. */
  pointer(x: number, y: number, over?: { on: string; page: number }): boolean {
    if (!this.sharing || !(this.has('pointer') || (this.pressed_ && !over))) return false;
    this.stream_.put('pointer', { type: 'pointer', x, y, ...(over ?? { down: this.pressed_ }) });
    return true;
  }
  pointerGone(): void {
    if (this.sharing && this.has('pointer') && !this.pressed_) this.stream_.put('pointer', { type: 'pointer', x: 0, y: 0, gone: true });
  }
  /** Begins a drag: the button stays down until `release`. A click is `click`, not this. */
  press(x: number, y: number): boolean {
    if (!this.controlling) return false;
    this.stream_.flush();
    this.pressed_ = true;
    return this.send({ type: 'pointer', x, y, down: true });
  }
  release(x: number, y: number): boolean {
    if (!this.pressed_) return false;
    this.stream_.flush();
    this.pressed_ = false;
    return this.send({ type: 'pointer', x, y, down: false });
  }

  scroll(x: number, y: number, dx: number, dy: number): boolean {
    if (this.controlling) this.stream_.scroll(x, y, dx, dy);
    return this.controlling;
  }
  click(x: number, y: number, button = 0, detail = 1, mods: Modifiers = {}): boolean {
    return this.act({ type: 'click', x, y, button, detail, mods });
  }
  /** As if it were typed into what has the focus there. */
  type(text: string): boolean {
    if (!this.controlling) return false;
    // The server takes so much at once; a pair of surrogates stays together.
    const parts = text.match(/[\s\S]{1,4095}(?![\uDC00-\uDFFF])/g) ?? [];
    return parts.every((part) => this.act({ type: 'text', text: part }));
  }
  /** A key that is more than its text (`Enter`, `Tab`, `Ctrl`+`A`), by the names of `KeyboardEvent`. */
  key(key: string, code = '', mods: Modifiers = {}): boolean {
    return this.act({ type: 'key', key, code, mods });
  }

  /** An id for a stroke that nobody else in the session uses. */
  newId(kind: string): string {
    return `${kind}-${this.me_}-${this.nextId_++}`;
  }

  /** A stroke, or more points of one. It is shown here at once: the server sends it to the others only. */
  draw(stroke: Stroke): boolean {
    const sent = this.send({ type: 'draw', ...stroke });
    this.documentInk.draw(stroke);
    this.emit('draw', { ...stroke, party: this.me_ });
    return sent;
  }
  /** `on`: the document's drawings; absent: the page's. */
  eraseAll(on?: string): void {
    this.send({ type: 'erase', all: true, on });
    this.documentInk.erase({ on });
    this.emit('erase', { on });
  }

  moveWindow(place: Omit<WindowPlace, 'shown'>): void {
    if (this.phase === 'joined') this.stream_.put('window', { type: 'window', ...place });
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
    this.whole_.stop();
    this.link_?.sendPlain({ type: 'seen', frame });
    const first = !this.seeing;
    const before = this.view;
    this.view = view;
    this.seeing = true;
    if (first || before.w !== view.w || before.h !== view.h || before.scale !== view.scale || before.scrollX !== view.scrollX || before.scrollY !== view.scrollY) this.changed();
  }

  /** A picture could not be drawn, or there is nothing to draw parts on: asks for a whole one. */
  spoiled(why: Spoiled | 'new'): void {
    this.meter_.spoiled();
    if (why === 'unsupported') this.notice(new ParleyError('picture.unsupported', { text: 'This browser cannot show the pictures of this customer. Please use a current Chrome or Edge.' }));
    this.whole_.want();
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
    if (state !== 'reconnecting') return;
    this.form.pageIs(null);
    this.set('reconnecting');
  }

  private welcomed(welcome: TopicWelcome): void {
    this.me_ = welcome.party;
    this.settings = welcome.settings;
    this.error = null;
    // Not the party that it was: what is drawn now comes anew, and adds to nothing; what that one asked for nobody answers.
    if (!welcome.resumed) {
      this.erased({});
      this.noControl(new ParleyError('session.lost'));
    }
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
    this.stream_.stop();
    this.whole_.stop();
    const link = this.link_;
    this.link_ = null;
    link?.close();
    this.error = error;
    this.forget();
    this.askingControl = this.askedAgain_ = false;
    for (const what of ['view', 'control'] as const) this.answers_.settle(what, error ?? new ParleyError('session.closed'));
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
      case 'pointer':
        return this.pointed(message);
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
        return message.request ? undefined : this.complained(new ParleyError(message.reason, { text: message.text }));
      default:
        return;
    }
  }

  private sessionIs(session: SessionState): void {
    const before = this.session;
    this.session = session;
    if (session.features && this.settings) this.settings = { ...this.settings, features: session.features };
    const mine = this.me?.state ?? 'asking';
    if (session.document?.id !== before?.document?.id && session.document) this.emit('document', session.document);
    if (!this.controlling) this.pressed_ = false; // First: what ends a drag has nothing to say any more.
    if (session.sharing !== 'on' || mine !== 'joined') this.forget();
    if (mine !== 'joined' || !this.has('forms')) this.form.close(false);
    if (session.window) this.emit('window', session.window);
    if (mine !== 'refused') this.askedAgain_ = false;
    const refused = mine === 'refused' && this.phase !== 'refused';
    this.phase = mine;
    this.form.pageIs(this.sharing && session.consumer.present ? (session.view.path ?? '') : null);
    if (session.control !== 'none' || session.sharing !== 'on') this.controlAnswered();
    if (this.askingControl && !this.has('control')) this.noControl(kRefused.off());
    if (mine === 'joined') this.answers_.settle('view', null);
    else if (refused) this.answers_.settle('view', kRefused.view());
    this.changed();
  }

  /** Who asked for control has it, or cannot get it any more. */
  private controlAnswered(): void {
    if (!this.controlling) return this.noControl(new ParleyError(this.sharing ? 'assist.control_taken' : 'assist.not_sharing', { text: 'Control is not to be had now.' }));
    this.askingControl = false;
    this.answers_.settle('control', null);
  }

  private noControl(error: ParleyError): void {
    this.askingControl = false;
    this.answers_.settle('control', error);
  }

  private answered(what: Grant, party: string, grant: boolean): void {
    if (party !== this.me_) return;
    // A yes comes again as the session's new state.
    if (what === 'control' && !grant) {
      const error = kRefused.control(this.customer);
      this.noControl(error);
      this.notice(error);
    }
    this.changed();
  }

  /** The server refused something that was no request: asking for consent again is such. */
  private complained(error: ParleyError): void {
    if (this.askedAgain_) this.answers_.settle('view', error);
    this.askedAgain_ = false;
    this.notice(error);
  }

  private erased({ ids, on, why, party }: { ids?: string[]; on?: string; why?: string; party?: string }): void {
    this.documentInk.erase({ ids, on });
    this.emit('erase', { ids, on, why });
    const words = erasedWords(why);
    if (words) this.say(words);
    else if (party && party !== this.me_ && !ids) this.say(`${this.nameOf(party)} cleared the drawings.`);
  }

  private documentMoved(message: { id: string; page?: number; scroll?: number; zoom?: number; pages?: number; closed?: boolean; party?: string }): void {
    if (this.session?.document?.id === message.id) this.session.document = message.closed ? null : movedTo(this.session.document, message);
    this.emit('document', message);
    this.changed();
  }

  private pointed({ party, x, y, down = false, gone = false, on, page }: Extract<TopicServerMessage, { type: 'pointer' }>): void {
    const who = this.sharing && this.others.find((other) => other.party === party);
    if (who) this.emit('pointer', { party: who.party, name: who.name, color: who.color, x, y, down, gone, on, page });
  }

  private acted(party: string, what: string, target: string): void {
    if (what === 'refused') return this.say(target); // A sentence of the page's.
    this.say(deedWords(party === this.me_ ? 'You' : this.nameOf(party), what, target));
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

  /** false: it could not be; the reason was told by `notice`. */
  private send(message: TopicAgentMessage): boolean {
    if (!this.link_) return false;
    try {
      this.link_.send(message);
      return true;
    } catch (error) {
      this.notice(error);
      return false;
    }
  }

  /** Needs control. What waits in a stream was done before. */
  private act(message: TopicAgentMessage): boolean {
    if (!this.controlling) return false;
    this.stream_.flush();
    return this.send(message);
  }

  private request(message: TopicAgentMessage): Promise<TopicServerMessage> {
    return this.link_ ? this.link_.request(message) : Promise.reject(new ParleyError('session.closed'));
  }
}
