import {
  detach,
  guarded,
  ParleyError,
  reportFault,
  type CallFields,
  type CallState,
  type ClientMessage,
  type Environment,
  type MediaChoice,
  type ServerMessage,
  type TransferInfo,
} from '../common/index';
import { CallFacts } from './call_facts';
import { CallMedia } from './call_media';
import type { CallEvents, CallHost, CallPhase, DialOptions, DtmfOptions, EndedInfo, VideoOptions } from './call_types';
import type { CaptureChoice } from './devices';
import { SetupClock, type SetupReport } from './setup_clock';
import type { QualityLevel, StatsSummary } from './stats';
import { TransferWatch } from './transfer_watch';

/** A break of signalling alone is worth a word only after so long: media may flow on. */
const kSignallingGrace = 3_000;

const same = (a: MediaChoice, b: MediaChoice): boolean => a.audio === b.audio && a.video === b.video;

/** One call, of either side: its states and what can be done in them; `CallMedia` has the rest. Made by `Client` and `AgentClient`. */
export class Call extends CallFacts {
  readonly direction: 'in' | 'out';
  private readonly env_: Environment;
  private readonly clock_: SetupClock;
  private readonly media_: CallMedia;
  private readonly transfer_ = new TransferWatch();
  private id_ = '';
  private phase_: CallPhase = 'preparing';
  private server_: CallState | null = null;
  private held_ = false;
  private holding_ = false;
  private dialled_ = false;
  /** A tone is wanted when it rings, and sounds now. The tones are the page's, not this call's: others ring, too. */
  private ringback_ = true;
  private rings_ = false;
  private offer_: string | null = null;
  private ended_: EndedInfo | null = null;
  /** A call that rings on after a reload is answered. */
  private answered_: (() => void) | null = null;
  private answerWaiter_: { resolve: (sdp: string) => void; reject: (error: ParleyError) => void } | null = null;
  private graceTimer_ = 0;

  constructor(
    private readonly host_: CallHost,
    direction: 'in' | 'out',
    clock?: SetupClock,
  ) {
    super();
    this.env_ = host_.environment;
    this.direction = direction;
    this.clock_ = clock ?? new SetupClock(() => this.env_.now());
    this.media_ = this.makeMedia();
  }

  /** Empty until the gateway gave it. */
  get id(): string {
    return this.id_;
  }
  get state(): CallPhase {
    return this.phase_;
  }
  /** What the call has: what it was made with, and what was added or removed since. */
  get media(): MediaChoice {
    return this.media_.media;
  }
  get muted(): MediaChoice {
    return this.media_.local.muted;
  }
  /** This side holds the other one: neither hears or sees the other. */
  get held(): boolean {
    return this.held_;
  }
  /** Rings, and what the far end sends is played. */
  get early(): boolean {
    return this.server_ === 'ringing' && (this.fields_?.early ?? false);
  }
  /** The transfer that is under way, or why the last one failed. */
  get transferInfo(): TransferInfo | null {
    return this.transfer_.info;
  }
  get ended(): EndedInfo | null {
    return this.ended_;
  }
  get role(): 'consumer' | 'agent' {
    return this.host_.role;
  }
  get localStream(): MediaStream | null {
    return this.media_.local.stream;
  }
  get remoteStream(): MediaStream | null {
    return this.media_.remote;
  }
  get hasCamera(): boolean {
    return this.media_.local.track('video') !== null;
  }
  get quality(): QualityLevel {
    return this.media_.quality.level;
  }
  /** @internal */
  get callMedia(): CallMedia {
    return this.media_;
  }
  /** @internal Held, and the gateway agrees. */
  get heldForSure(): boolean {
    return this.held_ && !this.holding_;
  }
  get setup(): SetupReport {
    return this.clock_.report;
  }

  // ---- what the page can do

  /** Agent: takes the call. Rejects with a ParleyError; the call then still rings, so that another try is possible. */
  async answer(choice: Partial<CaptureChoice> = {}): Promise<void> {
    if (this.direction !== 'in' || this.server_ !== 'ringing' || !this.offer_ || this.media_.open) throw new ParleyError('call.state');
    const media = this.media_;
    media.choice = { ...media.choice, ...choice, audio: choice.audio ?? true, video: choice.video ?? media.media.video };
    await media.answer(this.offer_);
    this.offer_ = null;
  }

  /** Agent: refuses the call. */
  reject(reason: 'busy' | 'declined' = 'declined'): void {
    if (this.direction !== 'in' || this.server_ !== 'ringing') return;
    this.trySend({ type: 'reject', call: this.id_, reason });
    this.finish({ reason: reason === 'busy' ? 'busy' : 'rejected', text: 'You refused the call.', by: this.host_.role });
  }

  /** Hangs up, in any state. */
  end(): void {
    if (this.ended_) return;
    if (this.id_) this.trySend({ type: 'end', call: this.id_ });
    const answered = this.server_ !== null && this.server_ !== 'ringing';
    const [reason, text] = answered ? ['hung_up', 'You ended the call.'] : ['cancelled', 'You cancelled the call.'];
    this.finish({ reason, text, by: this.host_.role });
  }

  muteAudio(muted = true): void {
    this.setMuted({ ...this.muted, audio: muted });
  }
  muteVideo(muted = true): void {
    this.setMuted({ ...this.muted, video: muted });
  }
  mute(muted = true): void {
    this.setMuted({ audio: muted, video: muted });
  }

  /** Puts the other side on hold: what this page sends stops at once. Rejects when the gateway refuses. */
  async hold(held = true): Promise<void> {
    this.requireRunning();
    if (held === this.held_ && !this.holding_) return;
    if (this.holding_) throw new ParleyError('call.state');
    if (!this.can.hold) throw new ParleyError('call.not_allowed');
    this.holding_ = true;
    if (held) this.setHeld(true);
    try {
      await this.host_.request({ type: 'hold', call: this.id_, held });
      if (!this.ended_) this.setHeld(held);
    } catch (thrown) {
      if (!this.ended_) this.setHeld(!held);
      throw ParleyError.from(thrown);
    } finally {
      this.holding_ = false;
      if (!this.ended_) this.tell('changed', undefined);
    }
  }

  resume(): Promise<void> {
    return this.hold(false);
  }

  /** Adds video to a call without, or one's own picture to a call with. Asks for the camera unless `send` is false. */
  async addVideo(options: VideoOptions = {}): Promise<void> {
    this.requireVideo();
    await this.media_.addVideo(options);
    if (this.muted.video) this.muteVideo(false);
  }

  /** Makes it a voice call, for both sides. */
  async removeVideo(): Promise<void> {
    this.requireVideo();
    await this.media_.removeVideo();
  }

  /** Blind transfer. Resolves when the other side has taken the call; rejects when it stays here. */
  transfer(destination: string): Promise<void> {
    return this.startTransfer(destination, { type: 'transfer', call: this.id_, destination });
  }

  /** Consult transfer: joins the far sides of this call and of `other`, and leaves both. */
  transferTo(other: Call): Promise<void> {
    return this.startTransfer(other.peer.name || other.peer.address, { type: 'transfer', call: this.id_, to: other.id });
  }

  cancelTransfer(): void {
    if (!this.transfer_.running || this.ended_) return;
    this.host_.send({ type: 'cancelTransfer', call: this.id_ });
    this.transfer_.cancelled();
    this.tell('transfer', null);
  }

  /** Digits `0-9 * # A-D`, at most 32: in the media (RFC 4733) where the call can, or as information. */
  sendDtmf(digits: string, options: DtmfOptions = {}): void {
    const upper = digits.toUpperCase();
    if (!/^[0-9*#A-D]{1,32}$/.test(upper)) throw new ParleyError('argument.invalid', { text: 'These are not keys of a telephone.' });
    if (this.ended_) throw new ParleyError('call.ended');
    const wanted = options.method;
    const inMedia = wanted !== 'info' && this.media_.sendDigits(upper);
    const method = !inMedia ? 'info' : wanted === 'both' ? 'both' : 'rfc4733';
    // Before the answer there is nobody to be told, and an announcement hears what is in the media.
    if (!this.early || !inMedia) this.host_.send({ type: 'dtmf', call: this.id_, digits: upper, method });
    if (options.audible) this.host_.tones.key(upper[0]!);
  }

  /** Another camera, or the first one in a call with video. In a voice call it is the one that `addVideo` would take. */
  setCamera(id?: string): Promise<void> {
    return this.ended_ ? Promise.reject(new ParleyError('call.ended')) : this.media_.setCamera(id);
  }
  setMicrophone(id?: string): Promise<void> {
    return this.media_.setMicrophone(id);
  }
  /** Rejects with `speaker.unsupported` where the browser cannot. */
  setSpeaker(id: string): Promise<void> {
    return this.media_.player.setSpeaker(id);
  }

  /** Shows and plays the remote stream in `element` from now on. */
  attachRemote(element: HTMLMediaElement): void {
    this.media_.player.attach(element);
  }
  detachRemote(element: HTMLMediaElement): void {
    this.media_.player.detach(element);
  }
  resumePlayback(): Promise<void> {
    return this.media_.player.resume();
  }

  /** null while there is no peer connection. */
  getStats(): Promise<StatsSummary | null> {
    return this.media_.stats();
  }

  // ---- what the phone tells

  /** @internal Prepares, dials, and ends the call with the error's code if that fails. */
  async dial(options: DialOptions, connected: Promise<unknown>): Promise<void> {
    this.media_.choice = { ...options };
    this.media_.setMedia({ audio: options.audio, video: options.video });
    this.ringback_ = options.ringback !== false;
    if (this.ringback_) this.host_.tones.unlock();
    this.clock_.begin('getUserMedia');
    try {
      // Both at once; whichever fails first decides, and neither is left unhandled.
      const opening = this.host_.devices.open(this.media_.choice);
      opening.catch(() => undefined);
      // Given up meanwhile, nobody waits any more with a microphone that is on.
      const over = new Promise<void>((done) => this.once('ended', () => done()));
      await Promise.race([connected, over]).catch((error: unknown) => {
        opening.then((capture) => [capture.audio, capture.video].forEach((t) => t?.stop()), () => undefined);
        throw error;
      });
      if (this.ended_) return void opening.then((c) => [c.audio, c.video].forEach((t) => t?.stop()), () => undefined);
      await this.media_.offer(opening, (sdp) => this.exchangeDial(sdp, options));
    } catch (thrown) {
      this.failed(thrown);
    }
  }

  /** @internal Agent: a call that rings. */
  offered(fields: CallFields, offer: string): void {
    this.id_ = fields.call;
    this.offer_ = offer;
    this.media_.setMedia(fields.media);
    this.apply(fields);
  }

  /** @internal A call of the page before, until the gateway says how it stands. */
  expect(id: string, ringback: boolean): void {
    this.id_ = id;
    this.ringback_ = ringback;
  }

  /** @internal After a reload: takes the running call up again with a new peer connection. */
  async rejoin(fields: CallFields, choice: Partial<CaptureChoice>, muted: MediaChoice): Promise<void> {
    this.id_ = fields.call;
    this.media_.choice = { ...choice, audio: true, video: fields.media.video };
    this.media_.setMedia(fields.media);
    const rings = fields.state === 'ringing';
    this.media_.rejoining = !rings;
    this.apply(fields);
    this.media_.local.setMuted(muted);
    try {
      await this.media_.rejoin(rings ? new Promise((done) => (this.answered_ = done)) : null);
    } catch (thrown) {
      this.failed(thrown);
    }
  }

  /** @internal */
  handle(message: ServerMessage): void {
    switch (message.type) {
      case 'call':
        this.apply(message);
        break;
      case 'sdp':
        if (message.kind === 'offer') detach('offer', this.media_.offered(message.sdp, message.media));
        else this.answerWaiter_?.resolve(message.sdp);
        break;
      case 'dtmf':
        this.tell('dtmf', { digits: message.digits });
        break;
      case 'error':
        // A refused dial or restart rejects there; what remains concerns the running call.
        if (!message.request) this.tell('notice', new ParleyError(message.reason, { text: message.text }));
        break;
      default:
        break;
    }
  }

  /** @internal The state of the call as the gateway knows it. */
  apply(fields: CallFields): void {
    if (this.ended_) return;
    if (!this.id_) this.id_ = fields.call;
    const before = this.fields_;
    this.fields_ = { ...fields, replaces: fields.replaces ?? before?.replaces }; // Said once, when it rings.
    this.server_ = fields.state;
    if (fields.state === 'ended') {
      const reason = fields.reason ?? 'hung_up';
      return this.finish({ reason, text: fields.text ?? 'The call has ended.', by: fields.by ?? 'system' });
    }
    if (fields.state !== 'ringing') {
      this.clock_.end('ringing');
      this.answered_?.();
    }
    this.ring();
    if (!this.holding_) this.setHeld(fields.held);
    if (before && before.peerHeld !== fields.peerHeld) this.tell('held', { held: this.held_, peerHeld: fields.peerHeld });
    if (before && !same(before.media, fields.media)) this.media_.setMedia(fields.media);
    if (before && !same(before.peerMuted, fields.peerMuted)) this.tell('peerMuted', fields.peerMuted);
    if (before && before.peerConnection !== fields.peerConnection) this.tell('peerConnection', fields.peerConnection);
    if (this.transfer_.update(fields.transfer)) this.tell('transfer', this.transfer_.info);
    this.refresh();
    this.tell('changed', undefined);
  }

  /** @internal The connection to the gateway changed. */
  signallingChanged(up: boolean): void {
    this.env_.clearTimer(this.graceTimer_);
    if (!up) {
      this.graceTimer_ = this.env_.setTimer(guarded('signalling', () => this.refresh()), kSignallingGrace + 10);
    } else {
      this.media_.signallingUp();
    }
    this.refresh();
  }

  /** @internal Sound and picture pass, whatever the gateway's connection does. */
  get flowing(): boolean {
    return !this.ended_ && this.media_.path === 'up';
  }

  /** @internal Another network: the old addresses are worth nothing. */
  networkChanged(): void {
    if (!this.ended_) this.media_.networkChanged();
  }

  /** @internal Said of the service as a whole, to be read in the call. */
  remark(error: ParleyError): void {
    if (!this.ended_) this.tell('notice', error);
  }

  /** @internal The gateway no longer knows the call, or cannot be reached any more. */
  lost(error: ParleyError): void {
    const mine = this.host_.role === 'agent' ? 'agent_lost' : 'consumer_lost';
    const gone = this.id_ !== '' && (error.code === 'session.lost' || error.code === 'server.unreachable');
    const reason = gone ? mine : error.code;
    this.finish({ reason, text: error.message, by: 'system' });
  }

  /** @internal Whether a `dial` without an id yet is under way (its `call` may come before the answer is seen). */
  get dialling(): boolean {
    return this.dialled_ && !this.id_ && !this.ended_;
  }

  // ---- inside

  private tell<K extends keyof CallEvents>(name: K, detail: CallEvents[K]): void {
    this.emit(name, detail);
    if (name !== 'changed') this.emit('changed', undefined);
  }

  private trySend(message: ClientMessage): void {
    try {
      this.host_.send(message);
    } catch {
      // The session is over, and with it the call.
    }
  }

  private failed(thrown: unknown): void {
    if (this.ended_) return;
    const error = ParleyError.from(thrown, 'media.failed');
    if (this.id_) this.trySend({ type: 'end', call: this.id_ });
    this.finish({ reason: error.code, text: error.message, by: 'system' });
  }

  private requireRunning(): void {
    if (this.ended_) throw new ParleyError('call.ended');
    if (!this.id_ || this.server_ === null || this.server_ === 'ringing') throw new ParleyError('call.state');
  }

  private requireVideo(): void {
    this.requireRunning();
    if (!this.can.video) throw new ParleyError('call.not_allowed');
  }

  private makeMedia(): CallMedia {
    const media = new CallMedia(this.host_, this, this.clock_);
    media.on('local', (stream) => this.tell('localStream', stream));
    media.on('remote', (stream) => this.tell('remoteStream', stream));
    media.on('media', (choice) => this.tell('media', choice));
    media.on('path', () => this.refresh());
    media.on('quality', (quality) => this.tell('quality', quality));
    media.on('report', (report) => this.id_ && !this.ended_ && this.trySend({ type: 'stats', call: this.id_, report }));
    media.on('notice', (error) => this.tell('notice', error));
    media.on('blocked', () => this.tell('playbackBlocked', undefined));
    media.on('setup', (setup) => this.tell('setup', setup));
    media.on('restarted', () => this.announceMuted(true));
    return media;
  }

  private setMuted(muted: MediaChoice): void {
    if (this.ended_ || !this.media_.local.setMuted(muted)) return;
    this.announceMuted();
    this.tell('muted', { ...muted });
  }

  private announceMuted(onlyIfMuted = false): void {
    const { audio, video } = this.muted;
    if (this.id_ && (audio || video || !onlyIfMuted)) this.trySend({ type: 'mute', call: this.id_, audio, video });
  }

  private setHeld(held: boolean): void {
    if (held === this.held_) return;
    this.held_ = held;
    this.media_.setHeld(held);
    this.tell('held', { held, peerHeld: this.peerHeld });
  }

  private startTransfer(to: string, message: ClientMessage): Promise<void> {
    try {
      this.requireRunning();
      if (this.transfer_.running) throw new ParleyError('call.state');
      if (!this.can.transfer) throw new ParleyError('call.not_allowed');
    } catch (error) {
      return Promise.reject(error as ParleyError);
    }
    const done = this.transfer_.begin(to, this.host_.request(message));
    done.catch(() => this.ended_ || this.tell('transfer', this.transfer_.info));
    this.tell('transfer', this.transfer_.info);
    return done;
  }

  private async exchangeDial(sdp: string, options: DialOptions): Promise<string> {
    if (this.ended_) throw new ParleyError('call.ended');
    this.clock_.end('offer');
    this.clock_.begin('dial');
    const answer = new Promise<string>((resolve, reject) => (this.answerWaiter_ = { resolve, reject }));
    answer.catch(() => undefined);
    this.dialled_ = true;
    const reply = await this.host_.request({
      type: 'dial',
      sdp,
      destination: options.destination,
      media: { audio: options.audio, video: options.video },
      name: options.name,
      uui: options.uui,
    });
    this.clock_.end('dial');
    this.clock_.begin('ringing');
    if (reply.type !== 'call') throw new ParleyError('server.malformed');
    if (this.ended_) throw new ParleyError('call.ended'); // The client hangs up what it does not know.
    this.apply(reply);
    this.announceMuted(true);
    const result = await answer;
    if (!this.early) this.clock_.end('ringing');
    this.clock_.begin('sdp');
    this.clock_.begin('ice');
    return result;
  }

  /** A ringing tone of our own, until somebody answers or the far end sends one; also while we are passed on and wait. */
  private ring(): void {
    const passedOn = this.fields_?.peerTransfer === 'ringing';
    const dialling = this.direction === 'out' && this.server_ === 'ringing' && !this.early;
    const wanted = this.ringback_ && !this.ended_ && (dialling || passedOn);
    if (wanted) this.host_.tones.startRingback();
    else if (this.rings_) this.host_.tones.stopRingback();
    this.rings_ = wanted;
  }

  private refresh(): void {
    if (this.ended_) return;
    let phase: CallPhase = this.server_ ?? 'preparing';
    if (phase === 'connecting' || phase === 'connected') {
      const up = this.media_.wasUp;
      const interrupted = (up && this.media_.path !== 'up') || this.media_.rejoining || this.host_.brokenFor > kSignallingGrace;
      if (interrupted) phase = 'reconnecting';
      else if (!up) phase = 'connecting';
    }
    if (phase === this.phase_) return;
    const previous = this.phase_;
    this.phase_ = phase;
    this.tell('state', { state: phase, previous });
  }

  private finish(info: EndedInfo): void {
    if (this.ended_) return;
    this.ended_ = info;
    const previous = this.phase_;
    this.phase_ = 'ended';
    this.env_.clearTimer(this.graceTimer_);
    this.answerWaiter_?.reject(new ParleyError('call.ended'));
    this.transfer_.ended(info.reason === 'transferred');
    try {
      this.ring();
      this.media_.close();
    } catch (fault) {
      reportFault('end of call', fault);
    }
    this.tell('state', { state: 'ended', previous });
    this.tell('ended', info);
    this.host_.released(this);
    this.removeAllListeners();
  }
}
