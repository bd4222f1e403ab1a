import { Emitter, guarded, ParleyError, SerialQueue, detach, type Environment, type MediaChoice } from '../common/index';
import { quirks } from './quirks';
import { summarise, type StatsSummary } from './stats';

export interface PeerLinkEvents {
  /** `up`: media may flow; `trouble`: the path is interrupted; `down`: it does not come back without a restart. */
  path: 'up' | 'trouble' | 'down';
  ice: 'checking' | 'connected';
  /** A restart is needed; the owner calls `restart` when the gateway can be reached. */
  needRestart: string;
  remoteTracks: MediaStream;
}

export interface PeerLinkOptions {
  environment: Environment;
  configuration?: RTCConfiguration;
  gatherMs?: number;
  maxVideoBitrate?: number;
}

/** Sends an offer to the gateway and returns the answer. */
export type OfferExchange = (offer: string) => Promise<string>;

/** An interruption shorter than this mends itself. */
export const kDisconnectGrace = 2_000;

/**
 * The media of one call on the standard RTCPeerConnection, which may be replaced by a new one during the call.
 * Negotiations run one at a time.
 */
export class PeerLink extends Emitter<PeerLinkEvents> {
  private readonly env_: Environment;
  private readonly queue_ = new SerialQueue();
  private pc_: RTCPeerConnection | null = null;
  private tracks_: { audio: MediaStreamTrack | null; video: MediaStreamTrack | null } = { audio: null, video: null };
  private media_: MediaChoice = { audio: true, video: true };
  private graceTimer_ = 0;
  private wasUp_ = false;
  /** Restarts since the path was last up. */
  private restarts_ = 0;
  private closed_ = false;
  readonly remote: MediaStream;

  constructor(private readonly options_: PeerLinkOptions) {
    super();
    this.env_ = options_.environment;
    this.remote = this.env_.createStream([]);
  }

  get peerConnection(): RTCPeerConnection | null {
    return this.pc_;
  }

  /** Media flowed at least once. */
  get wasUp(): boolean {
    return this.wasUp_;
  }

  setTracks(audio: MediaStreamTrack | null, video: MediaStreamTrack | null, media: MediaChoice): void {
    this.tracks_ = { audio, video };
    this.media_ = media;
  }

  /** First negotiation of a caller. */
  start(exchange: OfferExchange): Promise<void> {
    return this.queue_.run(() => this.offer(this.create(), exchange, false));
  }

  /** Answers an offer: the first one, or a later one of the gateway. */
  accept(offer: string, reply: (answer: string) => void): Promise<void> {
    return this.queue_.run(async () => {
      const fresh = this.pc_ === null;
      try {
        reply(await this.answer(this.pc_ ?? this.create(), offer));
      } catch (error) {
        if (fresh || this.closed_) throw error;
        reply(await this.answer(this.create(), offer)); // What the old one refuses a new one may take.
      }
    });
  }

  /** New ICE credentials; with `anew`, or when the old one failed for good, a new peer connection. */
  restart(exchange: OfferExchange, anew = false): Promise<void> {
    return this.queue_.run(async () => {
      const pc = this.pc_;
      const reuse = !anew && pc && this.restarts_ < 2 && pc.signalingState !== 'closed';
      this.restarts_++;
      try {
        await this.offer(reuse ? pc : this.create(), exchange, true);
      } catch (error) {
        await this.rollback();
        throw error;
      }
    });
  }

  /** Changes what is sent. True: the other side must be told by a restart, as the direction changed. */
  async replace(kind: 'audio' | 'video', track: MediaStreamTrack | null): Promise<boolean> {
    this.tracks_[kind] = track;
    const transceiver = this.transceiver(kind);
    if (!transceiver) return false;
    await transceiver.sender.replaceTrack(track);
    if (!track || transceiver.direction === 'sendrecv' || transceiver.direction === 'sendonly') return false;
    transceiver.direction = 'sendrecv';
    return true;
  }

  /** RFC 4733 digits in the media. False: not possible here, the information message must do. */
  sendDigits(digits: string): boolean {
    const sender = this.transceiver('audio')?.sender.dtmf;
    if (!sender?.canInsertDTMF) return false;
    sender.insertDTMF(sender.toneBuffer + digits, 120, 70);
    return true;
  }

  async stats(before?: StatsSummary | null): Promise<StatsSummary | null> {
    const pc = this.pc_;
    if (!pc) return null;
    return summarise((await pc.getStats()) as unknown as Iterable<[string, unknown]>, before);
  }

  close(): void {
    if (this.closed_) return;
    this.closed_ = true;
    this.queue_.close();
    this.drop();
    this.removeAllListeners();
  }

  private transceiver(kind: 'audio' | 'video'): RTCRtpTransceiver | undefined {
    return this.pc_?.getTransceivers().find((t) => t.receiver.track.kind === kind && t.direction !== 'stopped');
  }

  private create(): RTCPeerConnection {
    this.drop();
    if (this.closed_) throw new ParleyError('call.ended');
    let pc: RTCPeerConnection;
    try {
      pc = this.env_.createPeerConnection({ bundlePolicy: 'max-bundle', ...this.options_.configuration });
    } catch (error) {
      throw new ParleyError('browser.unsupported', { cause: error });
    }
    this.pc_ = pc;
    const current = () => pc === this.pc_;
    pc.ontrack = guarded('track', (event: RTCTrackEvent) => {
      if (current()) this.trackArrived(event.track);
    });
    pc.oniceconnectionstatechange = guarded('ice state', () => {
      if (current()) this.iceChanged(pc);
    });
    pc.onconnectionstatechange = guarded('connection state', () => {
      if (current()) this.connectionChanged(pc);
    });
    return pc;
  }

  private drop(): void {
    this.env_.clearTimer(this.graceTimer_);
    const pc = this.pc_;
    this.pc_ = null;
    if (!pc) return;
    pc.ontrack = pc.oniceconnectionstatechange = pc.onconnectionstatechange = null;
    pc.close();
    for (const track of this.remote.getTracks()) this.remote.removeTrack(track);
  }

  private async offer(pc: RTCPeerConnection, exchange: OfferExchange, iceRestart: boolean): Promise<void> {
    try {
      if (pc.getTransceivers().length === 0) this.addTransceivers(pc);
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: iceRestart && pc.remoteDescription !== null }));
    } catch (error) {
      throw new ParleyError('media.failed', { cause: error });
    }
    const answer = await exchange(await this.localSdp(pc));
    if (this.closed_ || pc !== this.pc_) throw new ParleyError('call.ended');
    try {
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    } catch (error) {
      throw new ParleyError('media.failed', { cause: error });
    }
    this.limitVideo(pc);
  }

  private async answer(pc: RTCPeerConnection, offer: string): Promise<string> {
    try {
      await pc.setRemoteDescription({ type: 'offer', sdp: offer });
      for (const transceiver of pc.getTransceivers()) {
        const kind = transceiver.receiver.track.kind as 'audio' | 'video';
        const track = this.tracks_[kind];
        if (transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
        transceiver.direction = track ? 'sendrecv' : 'recvonly';
      }
      await pc.setLocalDescription(await pc.createAnswer());
    } catch (error) {
      throw new ParleyError('media.failed', { cause: error });
    }
    this.limitVideo(pc);
    return this.localSdp(pc);
  }

  private addTransceivers(pc: RTCPeerConnection): void {
    for (const kind of ['audio', 'video'] as const) {
      const track = this.tracks_[kind];
      if (track) pc.addTransceiver(track, { direction: 'sendrecv' });
      else if (this.media_[kind]) pc.addTransceiver(kind, { direction: 'recvonly' });
    }
  }

  private async localSdp(pc: RTCPeerConnection): Promise<string> {
    if (this.options_.gatherMs) await this.gathered(pc, this.options_.gatherMs);
    return quirks.cleanSdp(pc.localDescription?.sdp ?? '');
  }

  private gathered(pc: RTCPeerConnection, limit: number): Promise<void> {
    return new Promise((resolve) => {
      if (pc.iceGatheringState === 'complete') return resolve();
      const done = guarded('gathering', () => {
        this.env_.clearTimer(timer);
        pc.removeEventListener('icegatheringstatechange', check);
        resolve();
      });
      const check = () => pc.iceGatheringState === 'complete' && done();
      const timer = this.env_.setTimer(done, limit);
      pc.addEventListener('icegatheringstatechange', check);
    });
  }

  private async rollback(): Promise<void> {
    const pc = this.pc_;
    if (pc?.signalingState !== 'have-local-offer') return;
    await pc.setLocalDescription({ type: 'rollback' }).catch(() => undefined);
  }

  private limitVideo(pc: RTCPeerConnection): void {
    const limit = this.options_.maxVideoBitrate;
    if (!limit) return;
    for (const sender of pc.getSenders()) {
      if (sender.track?.kind !== 'video') continue;
      const parameters = sender.getParameters();
      if (!parameters.encodings?.length) continue;
      for (const encoding of parameters.encodings) encoding.maxBitrate = limit;
      detach('video bit rate', sender.setParameters(parameters));
    }
  }

  private trackArrived(track: MediaStreamTrack): void {
    for (const old of this.remote.getTracks()) {
      if (old.kind === track.kind && old !== track) this.remote.removeTrack(old);
    }
    if (!this.remote.getTracks().includes(track)) this.remote.addTrack(track);
    this.emit('remoteTracks', this.remote);
  }

  private iceChanged(pc: RTCPeerConnection): void {
    const state = pc.iceConnectionState;
    if (state === 'checking') this.emit('ice', 'checking');
    if (state === 'connected' || state === 'completed') {
      this.env_.clearTimer(this.graceTimer_);
      this.emit('ice', 'connected');
      if (pc.connectionState === 'connected') this.up();
    }
    if (state === 'disconnected') {
      this.emit('path', 'trouble');
      this.env_.clearTimer(this.graceTimer_);
      this.graceTimer_ = this.env_.setTimer(
        guarded('disconnected', () => {
          if (pc === this.pc_ && pc.iceConnectionState === 'disconnected') this.emit('needRestart', 'ice.disconnected');
        }),
        kDisconnectGrace,
      );
    }
    if (state === 'failed') {
      this.env_.clearTimer(this.graceTimer_);
      this.emit('path', 'down');
      this.emit('needRestart', 'ice.failed');
    }
  }

  private connectionChanged(pc: RTCPeerConnection): void {
    if (pc.connectionState === 'connected') this.up();
    // ICE stands and DTLS does not: only a new peer connection helps.
    if (pc.connectionState === 'failed' && pc.iceConnectionState !== 'failed') {
      this.restarts_ = 2;
      this.emit('path', 'down');
      this.emit('needRestart', 'dtls.failed');
    }
  }

  private up(): void {
    this.wasUp_ = true;
    this.restarts_ = 0;
    this.emit('path', 'up');
  }
}
