import {
  detach,
  Emitter,
  guarded,
  ParleyError,
  reportFault,
  type CallFields,
  type CallState,
  type ClientMessage,
  type EndedBy,
  type Environment,
  type MediaChoice,
  type Peer,
  type Role,
  type ServerMessage,
  type Welcome,
} from '../common/index';
import { Devices, type CaptureChoice } from './devices';
import { PeerLink } from './peer_link';
import { RemotePlayer } from './remote_player';
import { SetupClock, type SetupReport } from './setup_clock';
import { judge, type QualityLevel, type StatsSummary } from './stats';

/** `preparing`: devices are opened and the gateway is reached; the rest as in the protocol, seen from this page. */
export type CallPhase = 'preparing' | CallState;

export interface EndedInfo {
  /** A reason of the protocol, or the code of the error that kept the call from starting. */
  reason: string;
  /** The same in words. */
  text: string;
  by: EndedBy;
}

export interface Quality {
  level: QualityLevel;
  summary: StatsSummary;
}

export interface CallEvents {
  state: { state: CallPhase; previous: CallPhase };
  localStream: MediaStream;
  remoteStream: MediaStream;
  muted: MediaChoice;
  peerMuted: MediaChoice;
  peerConnection: 'ok' | 'lost';
  dtmf: { digits: string };
  quality: Quality;
  /** Something less than asked for, in words: no camera, a device that was unplugged. */
  notice: ParleyError;
  /** The browser wants a gesture before it plays sound: call `resumePlayback` from a click. */
  playbackBlocked: void;
  setup: SetupReport;
  ended: EndedInfo;
  /** Anything above; for pages that draw everything anew. */
  changed: void;
}

/** What a call needs of the phone it belongs to. */
export interface CallHost {
  readonly environment: Environment;
  readonly devices: Devices;
  readonly role: Role;
  readonly configuration: RTCConfiguration | undefined;
  readonly mediaLimits: Welcome['media'];
  /** Milliseconds since the connection to the gateway broke; 0 while it stands. */
  readonly brokenFor: number;
  send(message: ClientMessage): void;
  request(message: ClientMessage): Promise<ServerMessage>;
  released(call: Call): void;
}

export interface DialOptions extends CaptureChoice {
  destination: string;
  name?: string;
  uui?: string;
}

/** A break of signalling alone is worth a word only after so long: media may flow on. */
const kSignallingGrace = 3_000;
const kRestartSettles = 2_000;
const kQualityInterval = 2_000;
const kReportEvery = 5;

const kNoMedia: MediaChoice = { audio: false, video: false };

export class Call extends Emitter<CallEvents> {
  readonly direction: 'in' | 'out';
  private readonly env_: Environment;
  private readonly clock_: SetupClock;
  private readonly player_: RemotePlayer;
  private id_ = '';
  private phase_: CallPhase = 'preparing';
  private server_: CallState | null = null;
  private fields_: CallFields | null = null;
  private link_: PeerLink | null = null;
  private local_: MediaStream | null = null;
  private choice_: CaptureChoice = { audio: true, video: true };
  private muted_: MediaChoice = { ...kNoMedia };
  private path_: 'none' | 'up' | 'trouble' | 'down' = 'none';
  private rejoining_ = false;
  private dialled_ = false;
  private offer_: string | null = null;
  private ended_: EndedInfo | null = null;
  private answerWaiter_: { resolve: (sdp: string) => void; reject: (error: ParleyError) => void } | null = null;
  private restarting_ = false;
  private restartWanted_: 'no' | 'ice' | 'anew' = 'no';
  private restartTimer_ = 0;
  private restartFailures_ = 0;
  private graceTimer_ = 0;
  private qualityTimer_ = 0;
  private qualityTick_ = 0;
  private lastStats_: StatsSummary | null = null;
  private quality_: QualityLevel = 'unknown';

  /** Calls are made by `Client.call` and by `AgentClient`. */
  constructor(
    private readonly host_: CallHost,
    direction: 'in' | 'out',
    clock?: SetupClock,
  ) {
    super();
    this.env_ = host_.environment;
    this.direction = direction;
    this.clock_ = clock ?? new SetupClock(() => this.env_.now());
    this.player_ = new RemotePlayer({
      firstFrame: () => this.clock_.first('firstFrame') && this.setupDone(),
      firstAudio: () => this.clock_.first('firstAudio') && !this.expectsVideo && this.setupDone(),
      blocked: () => this.tell('playbackBlocked', undefined),
    });
  }

  /** Empty until the gateway gave it. */
  get id(): string {
    return this.id_;
  }
  get state(): CallPhase {
    return this.phase_;
  }
  get peer(): Peer {
    return this.fields_?.peer ?? { name: '', address: '' };
  }
  /** What the call was made with. */
  get media(): MediaChoice {
    return this.fields_?.media ?? { audio: this.choice_.audio, video: this.choice_.video };
  }
  get muted(): MediaChoice {
    return { ...this.muted_ };
  }
  get peerMuted(): MediaChoice {
    return this.fields_?.peerMuted ?? kNoMedia;
  }
  get peerConnection(): 'ok' | 'lost' {
    return this.fields_?.peerConnection ?? 'ok';
  }
  get startedAt(): Date | null {
    return this.fields_?.startedAt ? new Date(this.fields_.startedAt) : null;
  }
  get answeredAt(): Date | null {
    return this.fields_?.answeredAt ? new Date(this.fields_.answeredAt) : null;
  }
  get ended(): EndedInfo | null {
    return this.ended_;
  }
  get localStream(): MediaStream | null {
    return this.local_;
  }
  get remoteStream(): MediaStream | null {
    return this.link_?.remote ?? null;
  }
  get hasCamera(): boolean {
    return this.track('video') !== null;
  }
  get quality(): QualityLevel {
    return this.quality_;
  }
  get setup(): SetupReport {
    return this.clock_.report;
  }
  private get expectsVideo(): boolean {
    return this.media.video;
  }

  // ---- what the page can do

  /** Agent: takes the call. Rejects with a ParleyError; the call then still rings, so that another try is possible. */
  async answer(choice: Partial<CaptureChoice> = {}): Promise<void> {
    if (this.direction !== 'in' || this.server_ !== 'ringing' || !this.offer_ || this.link_) throw new ParleyError('call.state');
    this.clock_.begin('getUserMedia');
    this.choice_ = { ...this.choice_, ...choice, audio: choice.audio ?? true, video: choice.video ?? this.media.video };
    const link = this.makeLink();
    try {
      await this.openDevices(link);
      this.clock_.begin('sdp');
      await link.accept(this.offer_, (sdp) => this.host_.send({ type: 'answer', call: this.id_, sdp }));
      this.clock_.end('sdp');
      this.offer_ = null;
    } catch (thrown) {
      this.dropMedia();
      throw ParleyError.from(thrown, 'media.failed');
    }
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
    this.finish(
      answered
        ? { reason: 'hung_up', text: 'You ended the call.', by: this.host_.role }
        : { reason: 'cancelled', text: 'You cancelled the call.', by: this.host_.role },
    );
  }

  muteAudio(muted = true): void {
    this.setMuted({ ...this.muted_, audio: muted });
  }
  muteVideo(muted = true): void {
    this.setMuted({ ...this.muted_, video: muted });
  }
  mute(muted = true): void {
    this.setMuted({ audio: muted, video: muted });
  }

  /** Digits `0-9 * # A-D`, at most 32: in the media (RFC 4733) where the browser can, and as information. */
  sendDtmf(digits: string): void {
    const upper = digits.toUpperCase();
    if (!/^[0-9*#A-D]{1,32}$/.test(upper)) throw new ParleyError('argument.invalid', { text: 'These are not keys of a telephone.' });
    if (this.ended_) throw new ParleyError('call.ended');
    const inMedia = this.link_?.sendDigits(upper) ?? false;
    this.host_.send({ type: 'dtmf', call: this.id_, digits: upper, method: inMedia ? 'rfc4733' : 'info' });
  }

  /** Another camera, or the first one in this call. */
  async setCamera(id?: string): Promise<void> {
    await this.change('video', await this.host_.devices.openCamera(id));
    this.choice_.cameraId = id;
  }

  async setMicrophone(id?: string): Promise<void> {
    await this.change('audio', await this.host_.devices.openMicrophone(id, this.choice_.audioProcessing));
    this.choice_.microphoneId = id;
  }

  /** Rejects with `speaker.unsupported` where the browser cannot. */
  setSpeaker(id: string): Promise<void> {
    return this.player_.setSpeaker(id);
  }

  /** Shows and plays the remote stream in `element` from now on. */
  attachRemote(element: HTMLMediaElement): void {
    this.player_.attach(element);
  }
  detachRemote(element: HTMLMediaElement): void {
    this.player_.detach(element);
  }
  resumePlayback(): Promise<void> {
    return this.player_.resume();
  }

  /** null while there is no peer connection. */
  async getStats(): Promise<StatsSummary | null> {
    return (await this.link_?.stats(this.lastStats_)) ?? null;
  }

  // ---- what the phone tells

  /** @internal Consumer: prepares, dials, and ends the call with the error's code if that fails. */
  async dial(options: DialOptions, connected: Promise<unknown>): Promise<void> {
    this.choice_ = { ...options };
    this.clock_.begin('getUserMedia');
    try {
      // Both at once; whichever fails first decides, and neither is left unhandled.
      const opening = this.host_.devices.open(this.choice_);
      opening.catch(() => undefined);
      await connected.catch((error: unknown) => {
        opening.then((capture) => [capture.audio, capture.video].forEach((t) => t?.stop()), () => undefined);
        throw error;
      });
      if (this.ended_) return void opening.then((c) => [c.audio, c.video].forEach((t) => t?.stop()), () => undefined);
      const link = this.makeLink();
      await this.openDevices(link, opening);
      this.clock_.begin('offer');
      await link.start((sdp) => this.exchangeDial(sdp, options));
      this.clock_.end('sdp');
    } catch (thrown) {
      const error = ParleyError.from(thrown, 'media.failed');
      if (this.ended_) return;
      if (this.id_) this.trySend({ type: 'end', call: this.id_ });
      this.finish({ reason: error.code, text: error.message, by: 'system' });
    }
  }

  /** @internal Agent: a call that rings. */
  offered(fields: CallFields, offer: string): void {
    this.id_ = fields.call;
    this.offer_ = offer;
    this.apply(fields);
  }

  /** @internal Agent after a reload: takes the running call up again with a new peer connection. */
  async rejoin(fields: CallFields, choice: Partial<CaptureChoice>, muted: MediaChoice): Promise<void> {
    this.id_ = fields.call;
    this.rejoining_ = true;
    this.choice_ = { audioProcessing: choice.audioProcessing, ...choice, audio: true, video: fields.media.video };
    this.apply(fields);
    this.muted_ = { ...muted };
    this.clock_.begin('getUserMedia');
    const link = this.makeLink();
    try {
      await this.openDevices(link);
    } catch (thrown) {
      // Still worth hearing the customer; the page says what is missing.
      this.tell('notice', ParleyError.from(thrown));
      link.setTracks(null, null, this.choice_);
    }
    this.wantRestart('anew');
  }

  /** @internal */
  handle(message: ServerMessage): void {
    switch (message.type) {
      case 'call':
        this.apply(message);
        break;
      case 'sdp':
        if (message.kind === 'offer') this.offerArrived(message.sdp);
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
    this.fields_ = fields;
    this.server_ = fields.state;
    if (fields.state === 'ended') {
      const reason = fields.reason ?? 'hung_up';
      return this.finish({ reason, text: fields.text ?? 'The call has ended.', by: fields.by ?? 'system' });
    }
    if (fields.state !== 'ringing') this.clock_.end('ringing');
    if (before && (before.peerMuted.audio !== fields.peerMuted.audio || before.peerMuted.video !== fields.peerMuted.video)) {
      this.tell('peerMuted', fields.peerMuted);
    }
    if (before && before.peerConnection !== fields.peerConnection) this.tell('peerConnection', fields.peerConnection);
    this.refresh();
    this.tell('changed', undefined);
  }

  /** @internal The connection to the gateway changed. */
  signallingChanged(up: boolean): void {
    this.env_.clearTimer(this.graceTimer_);
    if (!up) {
      this.graceTimer_ = this.env_.setTimer(guarded('signalling', () => this.refresh()), kSignallingGrace + 10);
    } else {
      if (this.link_?.wasUp && this.path_ !== 'up') this.wantRestart('ice');
      this.runRestart();
    }
    this.refresh();
  }

  /** @internal Another network: the old addresses are worth nothing. */
  networkChanged(): void {
    if (this.link_?.wasUp && !this.ended_) this.wantRestart('ice');
  }

  /** @internal The gateway no longer knows the call, or cannot be reached any more. */
  lost(error: ParleyError): void {
    const mine = this.host_.role === 'agent' ? 'agent_lost' : 'consumer_lost';
    const gone = this.id_ !== '' && (error.code === 'session.lost' || error.code === 'server.unreachable');
    const reason = gone ? mine : error.code;
    this.finish({ reason, text: error.message, by: 'system' });
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

  private track(kind: 'audio' | 'video'): MediaStreamTrack | null {
    return this.local_?.getTracks().find((track) => track.kind === kind) ?? null;
  }

  private makeLink(): PeerLink {
    const link = new PeerLink({
      environment: this.env_,
      configuration: this.host_.configuration,
      gatherMs: this.host_.mediaLimits.gatherMs,
      maxVideoBitrate: this.host_.mediaLimits.maxVideoBitrate,
    });
    this.link_ = link;
    link.on('ice', (state) => (state === 'checking' ? this.clock_.begin('ice') : (this.clock_.end('ice'), this.clock_.begin('dtls'))));
    link.on('path', (path) => {
      this.path_ = path;
      if (path === 'up') {
        this.rejoining_ = false;
        this.restartWanted_ = this.restarting_ ? this.restartWanted_ : 'no';
        this.clock_.end('dtls');
        this.clock_.begin('firstFrame');
        this.watchQuality();
      }
      this.refresh();
    });
    link.on('needRestart', (why) => this.wantRestart(why === 'dtls.failed' ? 'anew' : 'ice'));
    link.on('remoteTracks', (stream) => {
      this.player_.play(stream);
      this.tell('remoteStream', stream);
    });
    return link;
  }

  private async openDevices(link: PeerLink, opening = this.host_.devices.open(this.choice_)): Promise<void> {
    const { audio, video, missing } = await opening;
    this.clock_.end('getUserMedia');
    const tracks = [audio, video].filter((t): t is MediaStreamTrack => t !== null);
    if (this.ended_) {
      for (const track of tracks) track.stop();
      throw new ParleyError('call.ended');
    }
    this.local_ = this.env_.createStream(tracks);
    for (const track of tracks) this.adopt(track);
    link.setTracks(audio, video, this.choice_);
    this.tell('localStream', this.local_);
    for (const error of missing) this.tell('notice', error);
  }

  /** A track of ours: obeys mute, and its loss is noticed. */
  private adopt(track: MediaStreamTrack): void {
    const kind = track.kind as 'audio' | 'video';
    track.enabled = !this.muted_[kind];
    track.onended = guarded('track ended', async () => {
      if (this.ended_ || this.track(kind) !== track) return;
      this.tell('notice', new ParleyError(kind === 'audio' ? 'microphone.lost' : 'camera.lost'));
      if (kind === 'audio') await this.setMicrophone(); // There may be another one.
    });
  }

  private async change(kind: 'audio' | 'video', track: MediaStreamTrack): Promise<void> {
    const link = this.link_;
    if (this.ended_ || !link || !this.local_) {
      track.stop();
      throw new ParleyError('call.ended');
    }
    const old = this.track(kind);
    if (old) {
      this.local_.removeTrack(old);
      old.onended = null;
      old.stop();
    }
    this.local_.addTrack(track);
    this.adopt(track);
    this.tell('localStream', this.local_);
    if (await link.replace(kind, track)) this.wantRestart('ice');
  }

  private setMuted(muted: MediaChoice): void {
    if (this.ended_ || (muted.audio === this.muted_.audio && muted.video === this.muted_.video)) return;
    this.muted_ = { ...muted };
    for (const track of this.local_?.getTracks() ?? []) track.enabled = !muted[track.kind as 'audio' | 'video'];
    this.announceMuted();
    this.tell('muted', { ...muted });
  }

  private announceMuted(): void {
    if (this.id_) this.trySend({ type: 'mute', call: this.id_, ...this.muted_ });
  }

  private async exchangeDial(sdp: string, options: DialOptions): Promise<string> {
    if (this.ended_) throw new ParleyError('call.ended');
    this.clock_.end('offer');
    this.clock_.begin('dial');
    const { destination, name, uui } = options;
    const answer = new Promise<string>((resolve, reject) => (this.answerWaiter_ = { resolve, reject }));
    answer.catch(() => undefined);
    this.dialled_ = true;
    const reply = await this.host_.request({
      type: 'dial',
      destination,
      sdp,
      media: { audio: options.audio, video: options.video },
      name,
      uui,
    });
    this.clock_.end('dial');
    this.clock_.begin('ringing');
    if (reply.type !== 'call') throw new ParleyError('server.malformed');
    if (this.ended_) throw new ParleyError('call.ended'); // The client hangs up what it does not know.
    this.apply(reply);
    if (this.muted_.audio || this.muted_.video) this.announceMuted();
    const result = await answer;
    this.clock_.end('ringing');
    this.clock_.begin('sdp');
    this.clock_.begin('ice');
    return result;
  }

  /** @internal Whether a `dial` without an id yet is under way (its `call` may come before the answer is seen). */
  get dialling(): boolean {
    return this.dialled_ && !this.id_ && !this.ended_;
  }

  private offerArrived(sdp: string): void {
    const link = this.link_;
    if (!link) return;
    const reply = (answer: string) => this.trySend({ type: 'answer', call: this.id_, sdp: answer });
    detach('offer', link.accept(sdp, reply));
  }

  private wantRestart(how: 'ice' | 'anew'): void {
    if (this.ended_) return;
    if (this.restartWanted_ !== 'anew') this.restartWanted_ = how;
    this.runRestart();
  }

  private runRestart(): void {
    const link = this.link_;
    if (this.restartWanted_ === 'no' || this.restarting_ || !link || this.ended_) return;
    if (this.host_.brokenFor > 0) return; // `signallingChanged` comes back here.
    const anew = this.restartWanted_ === 'anew';
    this.restartWanted_ = 'no';
    this.restarting_ = true;
    const exchange = async (sdp: string): Promise<string> => {
      const reply = await this.host_.request({ type: 'restart', call: this.id_, sdp });
      if (reply.type !== 'sdp') throw new ParleyError('server.malformed');
      return reply.sdp;
    };
    const done = (error: unknown) => {
      this.restarting_ = false;
      if (this.ended_) return;
      if (error === null) {
        this.restartFailures_ = 0;
        if (this.rejoining_ && (this.muted_.audio || this.muted_.video)) this.announceMuted();
        // What was wished for meanwhile is most likely done by this one: look again once it had time to work.
        if (this.restartWanted_ === 'anew') return this.runRestart();
        if (this.restartWanted_ === 'ice') this.runRestartIn(kRestartSettles);
        return;
      }
      this.restartFailures_++;
      if (this.restartWanted_ !== 'anew') this.restartWanted_ = anew ? 'anew' : 'ice';
      const wait = Math.min(8_000, 500 * 2 ** Math.min(this.restartFailures_, 5));
      this.runRestartIn(wait);
    };
    detach('restart', link.restart(exchange, anew).then(() => done(null), done));
  }

  private runRestartIn(milliseconds: number): void {
    this.env_.clearTimer(this.restartTimer_);
    this.restartTimer_ = this.env_.setTimer(guarded('restart', () => this.runRestart()), milliseconds);
  }

  private refresh(): void {
    if (this.ended_) return;
    let phase: CallPhase = this.server_ ?? 'preparing';
    if (phase === 'connecting' || phase === 'connected') {
      const up = this.link_?.wasUp ?? false;
      const interrupted = (up && this.path_ !== 'up') || this.rejoining_ || this.host_.brokenFor > kSignallingGrace;
      if (interrupted) phase = 'reconnecting';
      else if (!up) phase = 'connecting';
    }
    if (phase === this.phase_) return;
    const previous = this.phase_;
    this.phase_ = phase;
    this.tell('state', { state: phase, previous });
  }

  private watchQuality(): void {
    if (this.qualityTimer_ || this.ended_) return;
    const again = () => {
      this.qualityTimer_ = this.env_.setTimer(guarded('quality', tick), kQualityInterval);
    };
    const tick = async () => {
      try {
        const summary = (await this.link_?.stats(this.lastStats_)) ?? null;
        if (this.ended_ || !summary) return;
        this.quality_ = judge(summary, this.lastStats_);
        this.lastStats_ = summary;
        this.tell('quality', { level: this.quality_, summary });
        if (++this.qualityTick_ % kReportEvery === 1) this.report({ kind: 'periodic', quality: this.quality_, ...summary });
      } finally {
        if (!this.ended_) again();
      }
    };
    again();
  }

  private setupDone(): void {
    this.clock_.end('firstFrame');
    const setup = this.clock_.report;
    this.report({ kind: 'setup', ...setup });
    this.tell('setup', setup);
  }

  private report(report: object): void {
    if (this.id_ && !this.ended_) this.trySend({ type: 'stats', call: this.id_, report });
  }

  private dropMedia(): void {
    this.link_?.close();
    this.link_ = null;
    for (const track of this.local_?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.local_ = null;
    this.path_ = 'none';
  }

  private finish(info: EndedInfo): void {
    if (this.ended_) return;
    this.ended_ = info;
    const previous = this.phase_;
    this.phase_ = 'ended';
    for (const timer of [this.restartTimer_, this.graceTimer_, this.qualityTimer_]) this.env_.clearTimer(timer);
    this.answerWaiter_?.reject(new ParleyError('call.ended'));
    try {
      this.player_.close();
      this.dropMedia();
    } catch (fault) {
      reportFault('end of call', fault);
    }
    this.tell('state', { state: 'ended', previous });
    this.tell('ended', info);
    this.host_.released(this);
    this.removeAllListeners();
  }
}
