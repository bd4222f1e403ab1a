/** What one of the two calls brings: the person at this page, and who is at its far end. */
export interface BridgeSide {
  microphone: MediaStreamTrack | null;
  remote: MediaStreamTrack | null;
}

type Index = 0 | 1;
const kSides = [0, 1] as const;

interface Wires {
  out: MediaStreamAudioDestinationNode;
  microphone: Wire;
  remote: Wire;
}
interface Wire {
  track: MediaStreamTrack | null;
  source: MediaStreamAudioSourceNode | null;
}

const emptyWire = (): Wire => ({ track: null, source: null });

/**
 * Joins the sound of two calls with Web Audio: what is sent into a call is its own microphone and what is heard in the
 * other one, so nobody hears himself. What a disabled track gives is silence: a microphone that is muted leaves the
 * bridge between the two others as it is. Owns its nodes and outputs, not the context and not the tracks.
 */
export class AudioBridge {
  private readonly wires_: readonly [Wires, Wires];

  constructor(
    private readonly context_: AudioContext,
    private readonly createStream_: (tracks: MediaStreamTrack[]) => MediaStream,
  ) {
    this.wires_ = [this.makeWires(), this.makeWires()];
  }

  /** What is to be sent into this call. */
  output(side: Index): MediaStreamTrack | null {
    return this.wires_[side].out.stream.getAudioTracks()[0] ?? null;
  }

  /** Takes what differs from before; the rest sounds on. */
  update(sides: readonly [BridgeSide, BridgeSide]): void {
    for (const side of kSides) {
      const { microphone, remote, out } = this.wires_[side];
      this.plug(microphone, sides[side].microphone, out);
      this.plug(remote, sides[side].remote, this.wires_[(1 - side) as Index].out);
    }
  }

  /** Nobody hears anybody through it from this moment on. */
  close(): void {
    this.update([{ microphone: null, remote: null }, { microphone: null, remote: null }]);
    for (const { out } of this.wires_) for (const track of out.stream.getTracks()) track.stop();
  }

  private makeWires(): Wires {
    const out = this.context_.createMediaStreamDestination();
    // Speech has one channel; two would be sent as such.
    out.channelCount = 1;
    out.channelCountMode = 'explicit';
    return { out, microphone: emptyWire(), remote: emptyWire() };
  }

  private plug(wire: Wire, track: MediaStreamTrack | null, to: AudioNode): void {
    if (wire.track === track) return;
    wire.source?.disconnect();
    wire.track = track;
    // A stream of its own: a source takes the first track there is when it is made, and keeps that.
    wire.source = track ? this.context_.createMediaStreamSource(this.createStream_([track])) : null;
    wire.source?.connect(to);
  }
}
