import { guarded, type Environment } from '../common/index';

/** The two frequencies of each key (ITU-T Q.23), in hertz. */
export const kKeyTones: Record<string, readonly [number, number]> = {
  '1': [697, 1209], '2': [697, 1336], '3': [697, 1477], A: [697, 1633],
  '4': [770, 1209], '5': [770, 1336], '6': [770, 1477], B: [770, 1633],
  '7': [852, 1209], '8': [852, 1336], '9': [852, 1477], C: [852, 1633],
  '*': [941, 1209], '0': [941, 1336], '#': [941, 1477], D: [941, 1633],
};

/** The European ringing tone (ITU-T E.180): 425 Hz, 1 s on, 4 s off. */
const kRingback = { hertz: 425, on: 1, periodMs: 5_000 };
const kLookAgainMs = 250;
const kLoudness = 0.08;
/** Longer than a tone's edges, so that there is no click. Seconds. */
const kEdge = 0.015;

/**
 * Sounds that this page makes itself, only for the person in front of it: a ringing tone while the far end sends none, the
 * tones of keys, a short tone before a call is answered by itself. Silent where the browser gives no sound.
 */
export class Tones {
  private context_: AudioContext | null = null;
  private timer_ = 0;
  private ringing_: OscillatorNode[] = [];

  constructor(private readonly env_: Environment) {}

  /** Browsers give sound only after a gesture: call it from one. */
  unlock(): void {
    try {
      this.context_ ??= this.env_.createAudioContext();
      if (this.context_?.state === 'suspended') this.context_.resume().catch(() => undefined);
    } catch {
      // No sound device: what is seen must do.
    }
  }

  get ringback(): boolean {
    return this.timer_ !== 0;
  }

  startRingback(): void {
    if (this.timer_) return;
    this.unlock();
    const ring = () => {
      // Tones that wait for a gesture would all sound at once when it comes: look again instead.
      const running = this.context_?.state === 'running';
      if (running) this.ringing_ = this.play([kRingback.hertz], 0, kRingback.on);
      this.timer_ = this.env_.setTimer(guarded('ringing tone', ring), running ? kRingback.periodMs : kLookAgainMs);
    };
    ring();
  }

  stopRingback(): void {
    this.env_.clearTimer(this.timer_);
    this.timer_ = 0;
    for (const tone of this.ringing_) tone.disconnect();
    this.ringing_ = [];
  }

  /** What a person hears of the key that was pressed. */
  key(digit: string): void {
    const pair = kKeyTones[digit.toUpperCase()];
    if (!pair) return;
    this.unlock();
    this.play(pair, 0, 0.12);
  }

  /** Two rising tones: somebody is about to be connected. */
  attention(): void {
    this.unlock();
    this.play([660], 0, 0.15);
    this.play([880], 0.2, 0.25);
  }

  close(): void {
    this.stopRingback();
    this.context_?.close().catch(() => undefined);
    this.context_ = null;
  }

  private play(frequencies: readonly number[], after: number, seconds: number): OscillatorNode[] {
    const context = this.context_;
    if (!context || context.state === 'closed') return [];
    const start = context.currentTime + after;
    const volume = context.createGain();
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(kLoudness, start + kEdge);
    volume.gain.setValueAtTime(kLoudness, start + seconds - kEdge);
    volume.gain.linearRampToValueAtTime(0, start + seconds);
    volume.connect(context.destination);
    return frequencies.map((hertz) => {
      const tone = context.createOscillator();
      tone.frequency.value = hertz;
      tone.connect(volume);
      tone.start(start);
      tone.stop(start + seconds);
      return tone;
    });
  }
}
