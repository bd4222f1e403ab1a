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

/** Tones that a page would play: the frequencies, in order. */
export class FakeAudioContext {
  state = 'running';
  currentTime = 0;
  destination = {};
  readonly tones: number[] = [];
  async resume(): Promise<void> {
    this.state = 'running';
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
