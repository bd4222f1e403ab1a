// Stand-ins for the browser's media objects: as much of them as the SDK uses.

export class FakeTrack {
  enabled = true;
  readyState: 'live' | 'ended' = 'live';
  onended: (() => void) | null = null;
  readonly id: string;
  private static next_ = 1;

  constructor(
    readonly kind: 'audio' | 'video',
    readonly label = '',
  ) {
    this.id = `${kind}-${FakeTrack.next_++}`;
  }

  stop(): void {
    this.readyState = 'ended';
  }

  /** As if the device was unplugged. */
  lose(): void {
    this.readyState = 'ended';
    this.onended?.();
  }
}

export class FakeStream {
  private tracks_: FakeTrack[];
  constructor(tracks: FakeTrack[]) {
    this.tracks_ = [...tracks];
  }
  getTracks(): FakeTrack[] {
    return [...this.tracks_];
  }
  getAudioTracks(): FakeTrack[] {
    return this.tracks_.filter((t) => t.kind === 'audio');
  }
  getVideoTracks(): FakeTrack[] {
    return this.tracks_.filter((t) => t.kind === 'video');
  }
  addTrack(track: FakeTrack): void {
    if (!this.tracks_.includes(track)) this.tracks_.push(track);
  }
  removeTrack(track: FakeTrack): void {
    this.tracks_ = this.tracks_.filter((t) => t !== track);
  }
}

/** Microphones and cameras. `deny` names what getUserMedia refuses, with the name of the browser's error. */
export class FakeMediaDevices {
  deny: { audio?: string; video?: string } = {};
  readonly opened: FakeTrack[] = [];
  requests = 0;
  devices: Partial<MediaDeviceInfo>[] = [
    { kind: 'audioinput', deviceId: 'mic-1', label: 'Desk microphone' },
    { kind: 'videoinput', deviceId: 'cam-1', label: 'Desk camera' },
    { kind: 'audiooutput', deviceId: 'out-1', label: 'Headset' },
  ];

  async getUserMedia(constraints: MediaStreamConstraints): Promise<FakeStream> {
    this.requests++;
    for (const kind of ['audio', 'video'] as const) {
      const name = this.deny[kind];
      if (constraints[kind] && name) throw Object.assign(new Error(name), { name });
    }
    const tracks = (['audio', 'video'] as const).filter((k) => constraints[k]).map((k) => new FakeTrack(k));
    this.opened.push(...tracks);
    return new FakeStream(tracks);
  }

  async enumerateDevices(): Promise<Partial<MediaDeviceInfo>[]> {
    return this.devices;
  }

  /** Tracks that were opened and never stopped: there must be none after a call. */
  get live(): FakeTrack[] {
    return this.opened.filter((t) => t.readyState === 'live');
  }
}

/** A node of Web Audio: what is plugged into it can be asked. */
export class FakeAudioNode {
  readonly into = new Set<FakeAudioNode>();
  readonly inputs = new Set<FakeAudioNode>();
  channelCount = 2;
  channelCountMode = 'max';
  constructor(readonly track: FakeTrack | null = null) {}
  connect(to: FakeAudioNode): void {
    this.into.add(to);
    to.inputs.add(this);
  }
  disconnect(): void {
    for (const node of this.into) node.inputs.delete(this);
    this.into.clear();
  }
}

export class FakeAudioDestination extends FakeAudioNode {
  readonly stream = new FakeStream([new FakeTrack('audio', 'mixed')]);
}

/** Tones that a page would play: the frequencies, in order; and what is mixed. */
export class FakeAudioContext {
  state = 'running';
  /** The browser waits for a gesture. */
  blocked = false;
  onstatechange: (() => void) | null = null;
  readonly outputs: FakeAudioDestination[] = [];
  private readonly listeners_ = new Set<() => void>();
  currentTime = 0;
  destination = {};
  readonly tones: number[] = [];
  async resume(): Promise<void> {
    if (this.blocked) return new Promise(() => undefined);
    this.become('running');
  }
  become(state: string): void {
    if (this.state === state) return;
    this.state = state;
    this.onstatechange?.();
    for (const fn of [...this.listeners_]) fn();
  }
  addEventListener(_name: string, fn: () => void): void {
    this.listeners_.add(fn);
  }
  removeEventListener(_name: string, fn: () => void): void {
    this.listeners_.delete(fn);
  }
  createMediaStreamDestination(): FakeAudioDestination {
    const out = new FakeAudioDestination();
    this.outputs.push(out);
    return out;
  }
  createMediaStreamSource(stream: FakeStream): FakeAudioNode {
    return new FakeAudioNode(stream.getAudioTracks()[0] ?? null);
  }
  async close(): Promise<void> {
    this.state = 'closed';
  }
  createGain() {
    const none = () => undefined;
    return { gain: { setValueAtTime: none, linearRampToValueAtTime: none }, connect: none };
  }
  createOscillator() {
    const frequency = { value: 0 };
    return { frequency, connect: () => undefined, disconnect: () => undefined, start: () => void this.tones.push(frequency.value), stop: () => undefined };
  }
}

/** An `<audio>` that is nowhere in the page. */
export class FakeAudioElement {
  autoplay = false;
  muted = false;
  srcObject: FakeStream | null = null;
  async play(): Promise<void> {}
}
