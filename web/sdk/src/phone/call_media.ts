import {
  detach,
  Emitter,
  ParleyError,
  type ClientMessage,
  type Environment,
  type MediaChoice,
  type ServerMessage,
} from '../common/index';
import type { CallHost, Quality, VideoOptions } from './call_types';
import type { Capture, CaptureChoice } from './devices';
import { LocalMedia } from './local_media';
import { Negotiator, type NegotiatorHost } from './negotiator';
import { PeerLink, type OfferExchange } from './peer_link';
import { QualityWatch } from './quality_watch';
import { RemotePlayer } from './remote_player';
import type { SetupClock, SetupReport } from './setup_clock';
import type { StatsSummary } from './stats';

export interface CallMediaEvents {
  local: MediaStream;
  remote: MediaStream;
  /** Whether media may flow has changed: see `path`. */
  path: void;
  /** Video was added or removed, by either side. */
  media: MediaChoice;
  quality: Quality;
  /** For the gateway's timeline. */
  report: object;
  notice: ParleyError;
  blocked: void;
  setup: SetupReport;
  /** Taken up again with a new peer connection: the far side must hear what is muted. */
  restarted: void;
}

/** What the media of a call need to know of it. */
interface Whose {
  readonly id: string;
  readonly ended: object | null;
}

/**
 * The media of one call: devices (`LocalMedia`), the peer connection (`PeerLink`) and what is negotiated over it
 * (`Negotiator`), playback (`RemotePlayer`), statistics. Knows the protocol only as far as SDP goes.
 */
export class CallMedia extends Emitter<CallMediaEvents> implements NegotiatorHost {
  readonly local: LocalMedia;
  readonly player: RemotePlayer;
  readonly quality: QualityWatch;
  /** With which devices, and what of each kind; `video` and `audio` as at the start. */
  choice: CaptureChoice = { audio: true, video: true };
  path: 'none' | 'up' | 'trouble' | 'down' = 'none';
  rejoining = false;
  private media_: MediaChoice = { audio: true, video: true };
  private held_ = false;
  /** What is sent in the place of the microphone. */
  private instead_: MediaStreamTrack | null = null;
  private link_: PeerLink | null = null;
  private negotiator_: Negotiator | null = null;

  constructor(
    private readonly host_: CallHost,
    private readonly call_: Whose,
    private readonly clock_: SetupClock,
  ) {
    super();
    this.player = new RemotePlayer({
      firstFrame: () => this.clock_.first('firstFrame') && this.setupDone(),
      firstAudio: () => this.clock_.first('firstAudio') && !this.media_.video && this.setupDone(),
      blocked: () => this.emit('blocked', undefined),
    });
    this.local = new LocalMedia(host_.environment);
    this.local.on('stream', (stream) => this.emit('local', stream));
    this.local.on('lost', (kind) => this.deviceLost(kind));
    this.quality = new QualityWatch(host_.environment, {
      read: async (before) => (await this.link_?.stats(before)) ?? null,
      tell: (quality) => this.emit('quality', quality),
      report: ({ level, summary }) => this.emit('report', { kind: 'periodic', quality: level, ...summary }),
    });
  }

  get environment(): Environment {
    return this.host_.environment;
  }
  get call(): string {
    return this.call_.id;
  }
  get over(): boolean {
    return this.call_.ended !== null;
  }
  get brokenFor(): number {
    return this.host_.brokenFor;
  }
  send(message: ClientMessage): void {
    this.host_.send(message);
  }
  request(message: ClientMessage): Promise<ServerMessage> {
    return this.host_.request(message);
  }

  get media(): MediaChoice {
    return { ...this.media_ };
  }
  get remote(): MediaStream | null {
    return this.link_?.remote ?? null;
  }
  /** There is a peer connection. */
  get open(): boolean {
    return this.link_ !== null;
  }
  /** Media flowed at least once. */
  get wasUp(): boolean {
    return this.link_?.wasUp ?? false;
  }

  /** Opens the devices and then answers `offer`. Rejects with a ParleyError; nothing is left open then. */
  async answer(offer: string): Promise<void> {
    this.clock_.begin('getUserMedia');
    const link = this.makeLink();
    try {
      await this.openDevices(link, this.host_.devices.open(this.choice));
      this.clock_.begin('sdp');
      await link.accept(offer, (sdp) => this.host_.send({ type: 'answer', call: this.call, sdp }));
      this.clock_.end('sdp');
    } catch (thrown) {
      this.drop();
      throw ParleyError.from(thrown, 'media.failed');
    }
  }

  /** The first offer of a caller, with devices that are being opened. */
  async offer(opening: Promise<Capture>, exchange: OfferExchange): Promise<void> {
    const link = this.makeLink();
    await this.openDevices(link, opening);
    this.clock_.begin('offer');
    await link.start(exchange);
    this.clock_.end('sdp');
  }

  /**
   * A new peer connection for a call that runs already (after a reload), or that rings yet: once it is `answered`. Rejects when
   * a customer's page may not have its microphone any more.
   */
  async rejoin(answered: Promise<void> | null): Promise<void> {
    this.rejoining = !answered;
    this.clock_.begin('getUserMedia');
    const link = this.makeLink();
    try {
      await this.openDevices(link, this.host_.devices.open(this.choice));
    } catch (thrown) {
      if (this.host_.role === 'consumer') throw thrown;
      // Still worth hearing the other side; the page says what is missing.
      this.emit('notice', ParleyError.from(thrown));
      link.setTracks(null, null, this.choice);
    }
    await answered;
    this.negotiator_?.wantRestart('anew');
  }

  /** An offer of the gateway in the call. `media`: what the call has from now on. */
  async offered(sdp: string, media?: MediaChoice): Promise<void> {
    const { link_: link, negotiator_: negotiator } = this;
    if (!link || !negotiator) return;
    if (media && !media.video && this.local.track('video')) {
      await link.release('video'); // The other side made it a voice call.
      this.local.replace('video', null);
    }
    try {
      await negotiator.offered(sdp, media);
      if (media && !this.over) this.setMedia(media);
    } catch (thrown) {
      if (!this.over) this.emit('notice', ParleyError.from(thrown, 'media.failed'));
    }
  }

  setMedia(media: MediaChoice): void {
    if (media.audio === this.media_.audio && media.video === this.media_.video) return;
    this.media_ = { ...media };
    this.emit('media', { ...media });
  }

  /** Nothing of ours goes out and nothing of theirs is heard. */
  setHeld(held: boolean): void {
    this.held_ = held;
    this.local.setHeld(held);
    this.link_?.listen(!held);
  }

  signallingUp(): void {
    if (this.wasUp && this.path !== 'up') this.negotiator_?.wantRestart('ice');
    this.negotiator_?.run();
  }

  networkChanged(): void {
    if (this.wasUp) this.negotiator_?.wantRestart('ice');
  }

  async addVideo(options: VideoOptions): Promise<void> {
    const { send = true, cameraId = this.choice.cameraId } = options;
    const track = send ? await this.host_.devices.openCamera(cameraId) : this.local.track('video');
    try {
      await this.changeVideo(track, true);
    } catch (error) {
      if (track !== this.local.track('video')) track?.stop();
      throw error;
    }
    this.choice.cameraId = cameraId;
  }

  async removeVideo(): Promise<void> {
    await this.changeVideo(null, false);
  }

  async setCamera(id?: string): Promise<void> {
    if (this.media_.video) {
      const track = await this.host_.devices.openCamera(id);
      try {
        if (await this.link_?.replace('video', track)) this.local.replace('video', track);
        else await this.changeVideo(track, true);
      } catch (error) {
        if (track !== this.local.track('video')) track.stop();
        throw ParleyError.from(error);
      }
    }
    this.choice.cameraId = id;
  }

  async setMicrophone(id?: string): Promise<void> {
    const track = await this.host_.devices.openMicrophone(id, this.choice.audioProcessing);
    if (this.over || !(this.instead_ ? this.link_ : await this.link_?.replace('audio', track))) {
      track.stop();
      throw new ParleyError('call.ended');
    }
    this.choice.microphoneId = id;
    this.local.replace('audio', track);
  }

  /** Sends `track` in the place of the microphone, which stays open; null: the microphone again. False: no sound is sent here. */
  async sendInstead(track: MediaStreamTrack | null): Promise<boolean> {
    this.instead_ = track;
    const sent = track ?? this.local.track('audio');
    return sent !== null && (await this.link_?.replace('audio', sent)) === true;
  }

  /** RFC 4733. False: not possible in this call. */
  sendDigits(digits: string): boolean {
    return this.link_?.sendDigits(digits) ?? false;
  }

  async stats(): Promise<StatsSummary | null> {
    return (await this.link_?.stats(this.quality.last)) ?? null;
  }

  /** Closes devices and peer connection; another try is possible. */
  drop(): void {
    this.negotiator_?.close();
    this.link_?.close();
    this.link_ = this.negotiator_ = this.instead_ = null;
    this.local.close();
    this.path = 'none';
  }

  close(): void {
    this.quality.stop();
    this.player.close();
    this.drop();
  }

  private makeLink(): PeerLink {
    const host = this.host_;
    const link = new PeerLink({
      environment: host.environment,
      configuration: host.configuration,
      gatherMs: host.mediaLimits.gatherMs,
      maxVideoBitrate: host.mediaLimits.maxVideoBitrate,
    });
    const negotiator = new Negotiator(this, link, () => this.rejoining && this.emit('restarted', undefined));
    this.link_ = link;
    this.negotiator_ = negotiator;
    link.listen(!this.held_);
    link.on('ice', (state) => (state === 'checking' ? this.clock_.begin('ice') : (this.clock_.end('ice'), this.clock_.begin('dtls'))));
    link.on('path', (path) => {
      this.path = path;
      if (path === 'up') {
        this.rejoining = false;
        negotiator.pathUp();
        this.clock_.end('dtls');
        this.clock_.begin('firstFrame');
        this.quality.start();
      }
      this.emit('path', undefined);
    });
    link.on('needRestart', (why) => negotiator.wantRestart(why === 'dtls.failed' || why === 'video.again' ? 'anew' : 'ice'));
    link.on('remoteTracks', (stream) => {
      this.player.play(stream);
      this.emit('remote', stream);
    });
    return link;
  }

  private async openDevices(link: PeerLink, opening: Promise<Capture>): Promise<void> {
    const { audio, video, missing } = await opening;
    this.clock_.end('getUserMedia');
    const tracks = [audio, video].filter((t): t is MediaStreamTrack => t !== null);
    if (this.over) {
      for (const track of tracks) track.stop();
      throw new ParleyError('call.ended');
    }
    link.setTracks(audio, video, this.choice);
    this.local.open(tracks);
    for (const error of missing) this.emit('notice', error);
  }

  private deviceLost(kind: 'audio' | 'video'): void {
    if (this.over) return;
    this.emit('notice', new ParleyError(kind === 'audio' ? 'microphone.lost' : 'camera.lost'));
    if (kind === 'audio') detach('another microphone', this.setMicrophone()); // There may be one.
  }

  private async changeVideo(track: MediaStreamTrack | null, receive: boolean): Promise<void> {
    if (!this.negotiator_ || this.over) throw new ParleyError('call.ended');
    const media = { ...this.media_, video: track !== null || receive };
    await this.negotiator_.change({ kind: 'video', track, receive }, media);
    if (this.over) throw new ParleyError('call.ended');
    this.local.replace('video', track);
    this.setMedia(media);
  }

  private setupDone(): void {
    this.clock_.end('firstFrame');
    const setup = this.clock_.report;
    this.emit('report', { kind: 'setup', ...setup });
    this.emit('setup', setup);
  }
}
