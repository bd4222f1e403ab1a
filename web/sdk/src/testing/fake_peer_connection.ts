import { FakeTrack } from './fake_media';

interface FakeTransceiver {
  direction: RTCRtpTransceiverDirection;
  currentDirection: RTCRtpTransceiverDirection | null;
  stop(): void;
  sender: {
    track: FakeTrack | null;
    dtmf: { canInsertDTMF: boolean; toneBuffer: string; insertDTMF(tones: string): void } | null;
    replaceTrack(track: FakeTrack | null): Promise<void>;
    getParameters(): { encodings: { maxBitrate?: number }[] };
    setParameters(parameters: { encodings: { maxBitrate?: number }[] }): Promise<void>;
  };
  receiver: { track: FakeTrack };
}

/** An RTCPeerConnection whose states a test sets. Descriptions are short texts: `offer 2 ice-restart audio:sendrecv …`. */
export class FakePeerConnection {
  ontrack: ((event: { track: FakeTrack }) => void) | null = null;
  oniceconnectionstatechange: (() => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  iceConnectionState = 'new';
  connectionState = 'new';
  iceGatheringState = 'complete';
  signalingState = 'stable';
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  closed = false;
  /** Set it to make the next setRemoteDescription fail. */
  refuseRemote: string | null = null;
  /** RFC 4733 was negotiated; set it before the transceivers are made. */
  telephoneEvents = true;
  rollbacks = 0;
  readonly tones: string[] = [];
  maxBitrate = 0;
  stats = new Map<string, unknown>();
  private transceivers_: FakeTransceiver[] = [];
  private offers_ = 0;

  getTransceivers(): FakeTransceiver[] {
    return this.transceivers_;
  }
  getSenders(): FakeTransceiver['sender'][] {
    return this.transceivers_.map((t) => t.sender);
  }
  addTransceiver(what: FakeTrack | string, init: { direction: RTCRtpTransceiverDirection }): FakeTransceiver {
    const kind = (typeof what === 'string' ? what : what.kind) as 'audio' | 'video';
    const track = typeof what === 'string' ? null : what;
    const tones = this.tones;
    const parameters = { encodings: [{}] as { maxBitrate?: number }[] };
    const transceiver: FakeTransceiver = {
      direction: init.direction,
      currentDirection: null,
      stop: () => void (this.transceivers_ = this.transceivers_.filter((t) => t !== transceiver)),
      sender: {
        track,
        dtmf: kind === 'audio' ? { canInsertDTMF: this.telephoneEvents, toneBuffer: '', insertDTMF: (t) => void tones.push(t) } : null,
        replaceTrack: async (t) => void (transceiver.sender.track = t),
        getParameters: () => parameters,
        setParameters: async (p) => void (this.maxBitrate = p.encodings[0]?.maxBitrate ?? 0),
      },
      receiver: { track: new FakeTrack(kind) },
    };
    this.transceivers_.push(transceiver);
    return transceiver;
  }
  async createOffer(options: { iceRestart?: boolean } = {}): Promise<{ type: string; sdp: string }> {
    const media = this.transceivers_.map((t) => `${t.receiver.track.kind}:${t.direction}`).join(' ');
    return { type: 'offer', sdp: `offer ${++this.offers_}${options.iceRestart ? ' ice-restart' : ''} ${media}` };
  }
  async createAnswer(): Promise<{ type: string; sdp: string }> {
    const media = this.transceivers_.map((t) => `${t.receiver.track.kind}:${t.direction}`).join(' ');
    return { type: 'answer', sdp: `answer to ${this.remoteDescription?.sdp ?? ''} with ${media}` };
  }
  async setLocalDescription(description: { type: string; sdp?: string }): Promise<void> {
    if (description.type === 'rollback') {
      this.signalingState = 'stable';
      this.rollbacks++;
      return;
    }
    this.localDescription = { type: description.type, sdp: description.sdp ?? '' };
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
    if (description.type === 'answer') this.agree(this.remoteDescription?.sdp ?? '');
  }
  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    if (this.refuseRemote) {
      const message = this.refuseRemote;
      this.refuseRemote = null;
      throw new Error(message);
    }
    if (description.type === 'offer') {
      for (const kind of ['audio', 'video']) {
        if (!description.sdp.includes(kind) || this.transceivers_.some((t) => t.receiver.track.kind === kind)) continue;
        this.addTransceiver(kind, { direction: 'recvonly' });
      }
    }
    this.remoteDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
    if (description.type === 'answer') this.agree(description.sdp);
    for (const t of this.transceivers_) if (!description.sdp.includes(`${t.receiver.track.kind}:inactive`)) this.ontrack?.({ track: t.receiver.track });
  }
  async getStats(): Promise<Map<string, unknown>> {
    return this.stats;
  }
  addEventListener(): void {}
  removeEventListener(): void {}
  close(): void {
    this.closed = true;
    this.signalingState = 'closed';
  }

  /** What was wished is so, unless the other side says `audio:inactive` or the like. */
  private agree(theirs: string): void {
    for (const t of this.transceivers_) t.currentDirection = theirs.includes(`${t.receiver.track.kind}:inactive`) ? 'inactive' : t.direction;
  }

  /** The path comes up. */
  connect(): void {
    this.ice('checking');
    this.ice('connected');
    this.connection('connected');
  }
  ice(state: string): void {
    this.iceConnectionState = state;
    this.oniceconnectionstatechange?.();
  }
  connection(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}
