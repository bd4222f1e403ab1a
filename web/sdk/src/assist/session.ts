import {
  browserEnvironment, defaultReconnectPolicy, detach, Emitter, guarded, ParleyError, reportFault, type ConnectionState, type Environment,
} from '../common/index';
import type {
  AgentAction, AssistSettings, Feature, Grant, MaskedRegion, Party, SessionState, TopicConsumerMessage, TopicServerMessage, TopicWelcome,
} from './protocol';
import { requestShortCode, requestToken } from './consumer_api';
import { FrameGate } from './frame_gate';
import { startWorker } from './load_part';
import { PageReport } from './page_report';
import { forgetRecord, holdOf, kLinkKey, saveRecord, type AssistRecord } from './record';
import {
  kNobody, kNoSettings, type AssistEnd, type AssistEvents, type AssistPhase, type AssistStartOptions, type ConsentRequest, type SessionParts,
} from './session_types';
import type { Box, Sharer, SharerHost, SharingRules } from './sharer';
import { TopicClient } from './topic_client';

const kEndWait = 3_000;
const kFirstConnect = 12_000;
/** As many names as the server takes in one message. */
const kReceiptNames = 64;
/** While a page is shared something is said that often, which notices a dead network. */
const kBeat = 5_000;

/** A consumer's page in an assist session: who may see it and act on it, and what agents show. No elements of its own. */
export class AssistSession extends Emitter<AssistEvents> {
  readonly environment: Environment;
  readonly server: string;
  readonly requests: ConsentRequest[] = [];
  readonly record: AssistRecord;
  private readonly options_: AssistStartOptions;
  private client_: TopicClient | null = null;
  private phase_: AssistPhase = 'starting';
  private state_ = kNobody;
  private settings_ = kNoSettings;
  private self_ = '';
  private end_: AssistEnd | null = null;
  private told_: string = 'off';
  private sharer_: Sharer | null = null;
  private loading_ = false;
  private running_ = false;
  /** Said, and not answered yet. */
  private ending_: AssistEnd | null = null;
  private readonly report_: PageReport;
  private readonly gate_ = new FrameGate();
  private stopLeave_: (() => void) | null = null;
  private stopHidden_: (() => void) | undefined;
  /** Nobody else is the person of this session in this browser. */
  private letGo_: (() => void) | undefined;
  private beatTimer_ = 0;
  /** Who reads the form, by party: asked before anything of this page was shared. */
  private readonly readers_ = new Map<string, AgentAction>();

  /** `record`: what the page before left. */
  constructor(options: AssistStartOptions, private readonly parts_: SessionParts, record?: AssistRecord) {
    super();
    this.options_ = options;
    this.environment = options.environment ?? browserEnvironment();
    this.server = (record?.server ?? options.server ?? this.environment.origin).replace(/\/+$/, '');
    this.report_ = new PageReport(Math.floor(this.environment.random() * 2 ** 48).toString(36));
    this.record = record ?? {
      cid: options.cid ?? '', token: options.token ?? '', server: this.server, name: options.name ?? '', rules: options.rules ?? {},
      wanted: 'off', filmed: false, call: '', cards: [], places: {}, leftAt: 0,
    };
    if (record && options.rules) this.record.rules = options.rules;
  }

  get phase(): AssistPhase {
    return this.phase_;
  }
  get cid(): string {
    return this.record.cid;
  }
  get state(): SessionState {
    return this.state_;
  }
  get settings(): AssistSettings {
    return this.settings_;
  }
  get ended(): AssistEnd | null {
    return this.end_;
  }
  get rules(): SharingRules {
    return this.record.rules;
  }
  /** What the person wants; what is really shared is in `sharing`. */
  get wanted(): 'off' | 'on' | 'paused' {
    return this.record.wanted;
  }
  /** The settings let nobody see a page. */
  get switchedOff(): boolean {
    return this.settings_ !== kNoSettings && !this.allowed('view');
  }
  /** What the agents get now. */
  get sharing(): 'off' | 'on' | 'paused' | 'sensitive' {
    if (this.record.wanted === 'off' || this.switchedOff) return 'off';
    return this.isPrivate ? 'sensitive' : this.record.wanted;
  }
  /** Whom the person let in is still there, but the page was opened anew, without what the one before left: it is shared by `shareAgain`. */
  get canShareAgain(): boolean {
    return this.phase_ === 'open' && !this.ending_ && this.record.wanted === 'off' && !this.switchedOff && this.viewers.length > 0;
  }
  private get isPrivate(): boolean {
    return this.parts_.sensitive() || (this.sharer_?.sensitive ?? false);
  }
  /** Agents and supervisors who may see the page. */
  get viewers(): Party[] {
    return this.state_.parties.filter((p) => p.role !== 'consumer' && p.state === 'joined');
  }
  get inControl(): Party | undefined {
    return this.state_.control === 'none' ? undefined : this.party(this.state_.control);
  }
  get connection(): ConnectionState {
    return this.client_?.state ?? 'idle';
  }

  allowed(feature: Feature): boolean {
    return this.settings_.features.includes(feature);
  }

  party(id: string | undefined): Party | undefined {
    return this.state_.parties.find((p) => p.party === id);
  }

  /** How an agent is called: by name, or by the fixed label of the settings. */
  nameOf(id: string | undefined): string {
    return this.settings_.agentName || this.party(id)?.name || 'The agent';
  }

  /** Connects. Rejects with a ParleyError, after which the session has ended. */
  async open(): Promise<void> {
    try {
      if (this.record.doubtful && (await this.environment.isHeld?.(holdOf(this.record))) !== false) this.beginAnew();
      this.stillOpen();
      delete this.record.doubtful;
      if (!this.record.token) await this.fetchToken();
      this.stillOpen();
      this.letGo_ = this.environment.hold?.(holdOf(this.record));
      const client = this.makeClient();
      this.client_ = client;
      this.stopLeave_ = this.environment.onLeave(guarded('leaving', () => this.handOver()));
      this.stopHidden_ = this.environment.onHidden?.(guarded('hiding', () => this.keep()));
      await client.connect();
      this.stillOpen();
      this.beat();
    } catch (error) {
      const problem = ParleyError.from(error);
      this.finish({ reason: problem.code, text: problem.message });
      throw problem;
    }
  }

  answer(request: ConsentRequest, grant: boolean): void {
    this.dropRequest(request.id);
    this.send({ type: 'consent', id: request.id, grant });
    if (grant && request.what === 'view' && this.record.wanted === 'off') this.want('on');
    this.changed();
  }

  pause(): void {
    if (this.record.wanted === 'on') this.want('paused');
  }
  resume(): void {
    if (this.record.wanted === 'paused') this.want('on');
  }
  /** For a button that the person presses: nothing else may share a page that was opened anew. */
  shareAgain(): void {
    if (this.canShareAgain) this.want('on');
  }

  /** One agent loses sight, or control, again. */
  revoke(party: string, what: Grant): void {
    this.send({ type: 'consent', party, what, grant: false });
  }

  /** The person takes the page back. */
  takeControl(): void {
    if (this.state_.control === 'none') return;
    this.send({ type: 'control', take: true });
    this.state_ = { ...this.state_, control: 'none' };
    this.sharer_?.release();
    this.changed();
  }

  /** The person ends the session: for everybody, at once. `call`: it ends with the call that it was begun in. */
  end(why?: 'call'): void {
    if (this.end_) return;
    this.stopSharer();
    this.send({ type: 'end', why });
    const text = `${why ? 'The call has ended, and sharing with it' : 'Sharing has ended'}. Nobody sees this page any more.`;
    const end = { reason: why ? 'call_ended' : 'consumer_ended', text };
    if (this.connection === 'connected') {
      // The server says that it is over; if it cannot, it is over here all the same.
      this.environment.setTimer(guarded('end', () => this.finish(end)), kEndWait);
      this.ending_ = end;
      this.record.wanted = 'off';
      this.changed();
    } else {
      this.finish(end);
    }
  }

  /** Six digits that an agent types in to come here. */
  async shortCode(): Promise<{ code: string; expiresIn: number }> {
    return requestShortCode(this.environment, this.server, { cid: this.cid, token: this.record.token });
  }

  reply(message: TopicConsumerMessage): void {
    this.send(message);
  }

  replyNow(message: TopicConsumerMessage): void {
    this.client_?.sendNow(message);
  }

  /** The browser can film the tab, and that would show what the page's own painting cannot. */
  get canFilm(): boolean {
    const worth = this.report_.unsupported.length > 0 || this.record.filmed;
    return this.running_ && this.report_.fidelity === 'painter' && worth && this.allowed('capture') && (this.sharer_?.canFilm ?? false);
  }

  /** The tab was filmed on the page before, which a browser ends with the page: the person is asked for it again. */
  get filmEnded(): boolean {
    return this.canFilm && this.record.filmed;
  }

  /** Asks the person, in the browser's own dialog: call it from a click. A no leaves everything as it is. */
  film(): void {
    const no = () => {
      this.record.filmed = false;
      this.keep();
      this.tellView();
      this.emit('notice', new ParleyError('assist.film_refused', { text: 'The tab is not filmed. Sharing goes on as before.' }));
      this.changed();
    };
    this.sharer_?.film().catch(guarded('film', no));
  }

  /** What the agents do not see, in the viewport's CSS pixels. */
  masked(): Box[] {
    return this.sharer_?.masked() ?? [];
  }

  /** The page changed so that it may, or may not, be seen any more. */
  sensitiveChanged(): void {
    this.tellSharing();
    this.changed();
  }

  /** Keeps places of windows for the next page. */
  keep(): void {
    if (!this.end_) saveRecord(this.environment.storage, this.record);
  }

  /** The person may end it while it opens. */
  private stillOpen(): void {
    if (this.end_) throw new ParleyError('session.closed');
  }

  /** What was kept is of a tab that lives: this one is a copy of it. */
  private beginAnew(): void {
    forgetRecord(this.environment.storage);
    const { cid = '', token = '' } = this.options_;
    Object.assign(this.record, { cid, token, wanted: 'off', filmed: false, call: '' });
  }

  private async fetchToken(): Promise<void> {
    const { cid, name, destination, applicationId, correlationId } = this.options_;
    const body = { cid: this.record.cid || cid, name, destination, applicationId, correlationId, cobrowseOnly: true };
    const assist = await requestToken(this.environment, this.server, body);
    this.record.token = assist.token;
    this.record.cid = assist.cid;
  }

  private makeClient(): TopicClient {
    const client = new TopicClient({
      environment: this.environment, server: this.server, cid: this.record.cid, role: 'consumer', storageKey: kLinkKey,
      firstConnectMs: kFirstConnect,
      // As long as the server keeps the place, and half a minute.
      policy: (tried) => defaultReconnectPolicy({ ...tried, elapsed: tried.elapsed + 60_000 - (this.record.resumes ?? 60) * 1000 }),
      token: async (fresh) => {
        if (fresh) await this.fetchToken();
        return this.record.token;
      },
    });
    client.on('welcome', (welcome) => this.welcomed(welcome));
    client.on('message', (message) => this.received(message));
    client.on('state', (state) => this.connectionChanged(state));
    client.on('failed', (error) => {
      const lost = this.phase_ !== 'starting' && error.code !== 'session.replaced';
      const text = lost ? 'The connection was gone for too long, so sharing has ended. Nobody sees this page any more.' : error.message;
      this.finish({ reason: error.code, text });
    });
    return client;
  }

  private connectionChanged(state: ConnectionState): void {
    if (state === 'reconnecting' && this.phase_ === 'open') {
      this.phase_ = 'reconnecting';
      this.holdSharer();
    }
    this.changed();
  }

  private welcomed(welcome: TopicWelcome): void {
    const before = this.self_;
    this.self_ = welcome.party;
    this.settings_ = welcome.settings;
    this.record.resumes = welcome.resumeSeconds;
    this.phase_ = 'open';
    if (!welcome.resumed) {
      // Whoever was allowed before is asked for anew.
      this.requests.length = 0;
      if (before || this.record.wanted !== 'off') this.record.wanted = welcome.session.consent ? this.record.wanted : 'off';
      this.told_ = 'off';
      if (before) this.received({ type: 'erase', all: true });
    } else {
      this.told_ = welcome.session.sharing;
    }
    this.keep();
    this.report_.forget();
    this.tellView();
    this.apply(welcome.session);
  }

  private received(message: TopicServerMessage): void {
    switch (message.type) {
      case 'session':
        return this.apply(message);
      case 'consent-request':
        return this.asked(message);
      case 'consent-over':
        this.dropRequest(message.id);
        this.emit('requestOver', message.id);
        return this.changed();
      case 'refresh':
        return this.sharer_?.refresh();
      case 'pace':
        return this.sharer_?.pace(message);
      case 'push':
        return this.emit('push', { id: message.id, kind: message.kind, src: message.src || message.url || '', name: message.name, by: message.party ?? '' });
      case 'pointer':
        this.emit('pointer', { ...message, party: message.party ?? '', down: message.down === true, gone: message.gone === true });
        // Over a document: its places are none of the page.
        return message.on ? undefined : this.act(message);
      case 'draw':
      case 'erase':
        if (!message.on) this.sharer_?.annotate(message);
        return this.emit('annotation', message);
      case 'document':
        return this.emit('document', message);
      case 'window':
        return this.emit('window', { shown: message.shown !== false, x: message.x ?? 0, y: message.y ?? 0, w: message.w ?? 0, h: message.h ?? 0 });
      case 'ended':
        return this.finish(this.ending_ ?? { reason: message.reason, text: message.text });
      case 'error':
        if (!message.fatal) this.emit('notice', new ParleyError(message.reason, { text: message.text }));
        return;
      case 'click': case 'scroll': case 'text': case 'key': case 'form-get': case 'form-set': case 'form-close':
        return this.act(message);
    }
  }

  private asked(message: ConsentRequest): void {
    const { id, party, name, what } = message;
    const request = { id, party, name: this.settings_.agentName || name || 'An agent', what };
    this.dropRequest(id);
    this.requests.push(request);
    this.emit('request', request);
    this.changed();
  }

  private dropRequest(id: string): void {
    this.requests.splice(0, Infinity, ...this.requests.filter((r) => r.id !== id));
  }

  /** The server has judged: role, consent, control. Here once more: what it sends must fit what this page allowed. */
  private act(action: AgentAction): void {
    if (this.sharing !== 'on' || this.party(action.party)?.state !== 'joined') return;
    const looks = action.type === 'form-get' || action.type === 'form-close';
    if (!looks && this.state_.control !== action.party) return;
    if (looks && !this.running_) {
      this.readers_.set(action.party!, action);
      return;
    }
    this.sharer_?.act(action);
  }

  private apply(state: SessionState): void {
    if (state.control !== this.state_.control) this.sharer_?.release();
    this.state_ = state;
    if (state.features) this.settings_ = { ...this.settings_, features: state.features };
    this.sharer_?.allow(this.settings_.features);
    this.sharer_?.quality(state.quality);
    // A party that left waits for no answer.
    for (const request of [...this.requests]) {
      if (!state.parties.some((p) => p.party === request.party)) this.dropRequest(request.id);
    }
    this.tellSharing();
    this.changed();
  }

  private want(wanted: 'on' | 'paused'): void {
    this.record.wanted = wanted;
    this.keep();
    this.tellSharing();
    this.changed();
  }

  /** Says what is shared, and lets pictures leave only when the server has heard it. */
  private tellSharing(): void {
    if (this.end_) return;
    const sharing = this.sharing;
    if (sharing !== 'on') this.holdSharer();
    if (sharing !== this.told_ && this.connection === 'connected') {
      this.told_ = sharing;
      this.send({ type: 'share', state: sharing });
    }
    if (sharing === 'on') this.loadSharer();
    if (sharing === 'on' && this.state_.sharing === 'on' && this.state_.consent && this.phase_ === 'open') this.runSharer();
    else this.holdSharer();
  }

  private loadSharer(): void {
    if (this.sharer_ || this.loading_) return;
    this.loading_ = true;
    const load = async () => {
      try {
        const sharer = await this.parts_.loadSharer(this.host());
        if (this.end_) return sharer.stop();
        this.sharer_ = sharer;
        sharer.quality(this.state_.quality);
        this.tellSharing();
      } catch (error) {
        reportFault('sharing', error);
        const text = 'This page cannot be shared: a part of it was not allowed to load.';
        this.emit('notice', new ParleyError('assist.not_loaded', { text, cause: error }));
        // Tried again when the person says so.
        this.pause();
      } finally {
        this.loading_ = false;
        this.changed();
      }
    };
    detach('sharing', load());
  }

  private runSharer(): void {
    if (this.running_ || !this.sharer_) return;
    this.running_ = true;
    this.sharer_.start();
    for (const action of this.readers_.values()) this.act(action);
    this.readers_.clear();
    // Whether the tab can be filmed again is known only now.
    if (this.record.filmed) this.tellView();
  }

  private holdSharer(): void {
    if (!this.running_) return;
    this.running_ = false;
    this.sharer_?.hold();
  }

  private stopSharer(): void {
    this.holdSharer();
    this.sharer_?.stop();
    this.sharer_ = null;
  }

  private host(): SharerHost {
    const { overlay, layer } = this.parts_;
    return {
      rules: this.rules, settings: this.settings_, server: this.server, startWorker, overlay, layer,
      party: (id) => this.party(id),
      sendFrame: (frame) => this.sendFrame(frame),
      viewChanged: (view, fidelity) => {
        // The person ended the film, or began it.
        if (fidelity !== this.report_.fidelity) this.record.filmed = fidelity === 'capture';
        Object.assign(this.report_, { view, fidelity });
        this.keep();
        this.tellView();
        this.changed();
      },
      unsupported: (list) => {
        this.report_.unsupported = list;
        this.tellView();
        this.changed();
      },
      receipt: (masked, unmaskable) => this.sendReceipt(masked, unmaskable),
      sensitiveChanged: () => this.sensitiveChanged(),
      activity: (activity) => {
        if (this.sharing === 'on') this.replyNow(activity);
        this.emit('activity', activity);
      },
      // What is told of a page is told while it is shared: not of a private one that the page has just become.
      reply: (message) => void (message.type === 'form-result' || this.sharing === 'on' ? this.send(message) : 0),
      replyNow: (message) => void (this.sharing === 'on' && this.replyNow(message)),
      touched: () => this.takeControl(),
      failed: (text) => {
        this.stopSharer();
        if (this.record.wanted === 'on') this.want('paused');
        this.emit('notice', new ParleyError('assist.stopped', { text }));
      },
    };
  }

  /** One receipt in as many messages as it takes, told of the same moment. */
  private sendReceipt(masked: MaskedRegion[], unmaskable?: number): void {
    const at = new Date().toISOString();
    for (let i = 0; i === 0 || i < masked.length; i += kReceiptNames) {
      this.send({ type: 'receipt', at, masked: masked.slice(i, i + kReceiptNames), unmaskable: i === 0 ? unmaskable : undefined });
    }
  }

  private sendFrame(frame: ArrayBuffer): boolean {
    if (!this.running_ || this.isPrivate) return false;
    if (!this.gate_.open(this.client_?.buffered ?? 0, (behind) => this.sharer_?.pace({ behind }))) return false;
    return this.client_?.sendBinary(frame) ?? false;
  }

  private tellView(): void {
    if (this.connection !== 'connected' || this.sharing !== 'on') return;
    const message = this.report_.next(this.filmEnded);
    if (message) this.send(message);
  }

  private beat(): void {
    if (this.end_) return;
    this.beatTimer_ = this.environment.setTimer(guarded('beat', () => {
      if (this.state_.consent && this.sharing !== 'off') this.replyNow({ type: 'pong' });
      // That it is there: a browser may end it without a word.
      this.keep();
      this.beat();
    }), kBeat);
  }

  private send(message: TopicConsumerMessage): void {
    try {
      this.client_?.send(message);
    } catch (error) {
      if (!this.end_) reportFault('assist', error);
    }
  }

  /** The page is left: the next page of the site goes on as the same party. */
  private handOver(): void {
    if (this.end_) return;
    this.record.leftAt = Date.now();
    this.keep();
    this.stopSharer();
    this.client_?.suspend();
    this.environment.clearTimer(this.beatTimer_);
    this.stopLeave_?.();
    this.stopHidden_?.();
    this.letGo_?.();
  }

  private finish(end: AssistEnd): void {
    if (this.end_) return;
    this.end_ = end;
    this.phase_ = 'ended';
    this.requests.length = 0;
    this.stopSharer();
    this.stopLeave_?.();
    this.stopHidden_?.();
    this.letGo_?.();
    this.environment.clearTimer(this.beatTimer_);
    forgetRecord(this.environment.storage);
    this.client_?.close();
    this.changed();
    this.emit('ended', end);
  }

  private changed(): void {
    this.emit('changed', undefined);
  }
}
