import { detach, Emitter, guarded, ParleyError, SerialQueue, type Environment, type MediaChoice } from '../common/index';
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

type Kind = 'audio' | 'video';

/** What of one kind is to be sent and received from now on. */
export interface Shape {
  kind: Kind;
  track: MediaStreamTrack | null;
  receive: boolean;
}

/**
 * The media of one call on the standard RTCPeerConnection, which may be replaced by a new one during the call.
 * Negotiations run one at a time. When both sides offer at once this side yields: its own offer is rolled back and
 * rejects with `call.glare` (the polite peer of "perfect negotiation").
 */
export class PeerLink extends Emitter<PeerLinkEvents> {
  private readonly env_: Environment;
  private readonly queue_ = new SerialQueue();
  private pc_: RTCPeerConnection | null = null;
  private tracks_: Record<Kind, MediaStreamTrack | null> = { audio: null, video: null };
  /** Gives up an offer that waits for its answer; null while none does. */
  private yield_: (() => void) | null = null;
  private media_: MediaChoice = { audio: true, video: true };
  private graceTimer_ = 0;
  private wasUp_ = false;
  /** Restarts since the path was last up. */
  private restarts_ = 0;
  private closed_ = false;
  private listening_ = true;
  private remote_: MediaStream;
  private readonly gone_ = new WeakSet<MediaStreamTrack>();

  constructor(private readonly options_: PeerLinkOptions) {
    super();
    this.env_ = options_.environment;
    this.remote_ = this.env_.createStream([]);
  }

  /** What the other side sends. Another stream once video was taken away. */
  get remote(): MediaStream {
    return this.remote_;
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

  /** Answers an offer: the first one, or a later one of the gateway, which may say what the call has from now on. */
  accept(offer: string, reply: (answer: string) => void, media?: MediaChoice): Promise<void> {
    this.yield_?.();
    return this.queue_.run(async () => {
      const fresh = this.pc_ === null;
      if (media) this.media_ = { ...media };
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

  /** Adds, removes or turns a medium, with an offer if the other side must know. As before when that is refused. */
  change(shape: Shape, exchange: OfferExchange): Promise<void> {
    return this.queue_.run(async () => {
      const pc = this.pc_;
      if (!pc) throw new ParleyError('call.ended');
      const before = { track: this.tracks_[shape.kind], wanted: this.media_[shape.kind] };
      const old = this.transceiver(shape.kind);
      const direction = old?.direction;
      this.tracks_[shape.kind] = shape.track;
      this.media_ = { ...this.media_, [shape.kind]: shape.track !== null || shape.receive };
      try {
        if (await this.shape(pc, shape, old)) await this.offer(pc, exchange, false);
      } catch (error) {
        this.tracks_[shape.kind] = before.track;
        this.media_ = { ...this.media_, [shape.kind]: before.wanted };
        await this.rollback();
        await this.unshape(shape.kind, old, direction, before.track);
        throw error;
      }
    });
  }

  /** Another track of a kind that is sent already; nothing to negotiate. False: it is not. */
  async replace(kind: Kind, track: MediaStreamTrack): Promise<boolean> {
    const transceiver = this.transceiver(kind);
    if (!transceiver || !sends(transceiver.direction)) return false;
    this.tracks_[kind] = track;
    await transceiver.sender.replaceTrack(track);
    return true;
  }

  /** What is sent and received of a kind is over; the next answers say so. */
  async release(kind: Kind): Promise<void> {
    this.tracks_[kind] = null;
    this.media_ = { ...this.media_, [kind]: false };
    await this.transceiver(kind)?.sender.replaceTrack(null);
  }

  /** Lets through, or keeps from being heard and seen, what the other side sends. */
  listen(on: boolean): void {
    this.listening_ = on;
    for (const track of this.remote.getTracks()) track.enabled = on;
  }

  /** RFC 4733 digits in the media. False: not possible here, the information message must do. */
  sendDigits(digits: string): boolean {
    const sender = this.transceiver('audio')?.sender.dtmf;
    // Where the browser has no `canInsertDTMF` the insertion tells.
    if (!sender || sender.canInsertDTMF === false) return false;
    try {
      sender.insertDTMF(sender.toneBuffer + digits, 120, 70);
      return true;
    } catch {
      return false;
    }
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

  private transceiver(kind: Kind): RTCRtpTransceiver | undefined {
    return this.pc_?.getTransceivers().find((t) => t.receiver.track.kind === kind && !stopped(t));
  }

  /** True: the direction changed, so that the other side must be told. */
  private async shape(pc: RTCPeerConnection, { kind, track, receive }: Shape, old?: RTCRtpTransceiver): Promise<boolean> {
    const direction = directionOf(track !== null, receive);
    if (!old) {
      if (direction === 'inactive') return false;
      pc.addTransceiver(track ?? kind, { direction });
      return true;
    }
    await old.sender.replaceTrack(track);
    if (old.direction === direction) return false;
    old.direction = direction;
    return true;
  }

  private async unshape(kind: Kind, old: RTCRtpTransceiver | undefined, direction: RTCRtpTransceiverDirection | undefined, track: MediaStreamTrack | null): Promise<void> {
    const now = this.transceiver(kind);
    if (!now) return;
    // One that never came into being must not appear in the next offer.
    if (!old) return now.stop();
    if (now !== old || !direction) return;
    await old.sender.replaceTrack(track).catch(() => undefined);
    old.direction = direction;
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
    // Only a later offer can collide: the first one has no other side yet.
    const answer = await (pc.remoteDescription ? this.yielding(exchange, await this.localSdp(pc)) : exchange(await this.localSdp(pc)));
    if (this.closed_ || pc !== this.pc_) throw new ParleyError('call.ended');
    try {
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    } catch (error) {
      throw new ParleyError('media.failed', { cause: error });
    }
    this.settled(pc);
  }

  private yielding(exchange: OfferExchange, sdp: string): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      this.yield_ = () => reject(new ParleyError('call.glare'));
      exchange(sdp).then(resolve, reject);
    }).finally(() => (this.yield_ = null));
  }

  private async answer(pc: RTCPeerConnection, offer: string): Promise<string> {
    try {
      await pc.setRemoteDescription({ type: 'offer', sdp: offer });
      for (const transceiver of pc.getTransceivers()) {
        if (stopped(transceiver)) continue;
        const kind = transceiver.receiver.track.kind as Kind;
        const track = this.tracks_[kind];
        if (transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
        transceiver.direction = track ? 'sendrecv' : 'recvonly';
      }
      await pc.setLocalDescription(await pc.createAnswer());
    } catch (error) {
      throw new ParleyError('media.failed', { cause: error });
    }
    this.settled(pc);
    return this.localSdp(pc);
  }

  /** After each negotiation: what no longer comes is not shown any more. */
  private settled(pc: RTCPeerConnection): void {
    for (const transceiver of pc.getTransceivers()) {
      const track = transceiver.receiver.track;
      const receives = transceiver.currentDirection === 'sendrecv' || transceiver.currentDirection === 'recvonly';
      if (track.kind !== 'video' || receives || !this.remote.getTracks().includes(track)) continue;
      // A new stream: Chromium shows no picture of a track that leaves a stream and comes back to it.
      this.gone_.add(track);
      this.remote_ = this.env_.createStream(this.remote.getTracks().filter((t) => t !== track));
      this.emit('remoteTracks', this.remote);
    }
    this.limitVideo(pc);
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
    track.enabled = this.listening_;
    if (!this.remote.getTracks().includes(track)) this.remote.addTrack(track);
    this.emit('remoteTracks', this.remote);
    // Chromium decodes what comes again from the same source, and shows it no more: only a new receiver helps.
    if (this.gone_.has(track)) this.emit('needRestart', 'video.again');
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

const stopped = (t: RTCRtpTransceiver): boolean => t.direction === 'stopped' || t.currentDirection === 'stopped';
const sends = (direction: RTCRtpTransceiverDirection): boolean => direction === 'sendrecv' || direction === 'sendonly';

function directionOf(send: boolean, receive: boolean): RTCRtpTransceiverDirection {
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}
