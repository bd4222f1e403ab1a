import { Emitter, guarded, ParleyError, type Environment } from '../common/index';
import { AudioBridge, type BridgeSide } from './audio_bridge';
import type { Call } from './call';

/** `running`: all three hear each other; `interrupted`: the browser gives no sound for the moment, and the two do not hear each other. */
export type ConferenceState = 'starting' | 'running' | 'interrupted' | 'ended';

export interface ConferenceEnd {
  /** `held`: a call was put on hold; `call_ended`: one hung up; `transferred`: this page left, the two go on without it; `stopped`. */
  reason: 'held' | 'call_ended' | 'transferred' | 'stopped';
  /** The call that was held or ended. */
  call: Call | null;
}

export interface ConferenceEvents {
  state: { state: ConferenceState; previous: ConferenceState };
  muted: boolean;
  ended: ConferenceEnd;
  /** Anything above. */
  changed: void;
}

/** A browser that waits for a gesture says nothing: it just does not start. */
const kSoundMs = 2_000;

/**
 * Two calls of this page in which all three people hear each other: the sound is mixed here, in the browser (`AudioBridge`);
 * pictures stay those of each call. Made by `AgentClient.conference`. Ends when one of the calls is put on hold or ends;
 * the other goes on as a call with the plain microphone.
 */
export class Conference extends Emitter<ConferenceEvents> {
  private readonly env_: Environment;
  private state_: ConferenceState = 'starting';
  private ended_: ConferenceEnd | null = null;
  private context_: AudioContext | null = null;
  private bridge_: AudioBridge | null = null;
  /** The bridge's outputs are what is sent. */
  private joined_ = false;
  private changes_: Promise<void> = Promise.resolve();
  private stops_: (() => void)[] = [];

  /** @internal */
  constructor(
    environment: Environment,
    readonly calls: readonly [Call, Call],
    /** Tells the gateway that both are in one conference, or no longer. */
    private readonly announce_: (call: Call, other: Call | null) => void,
  ) {
    super();
    this.env_ = environment;
  }

  get state(): ConferenceState {
    return this.state_;
  }
  get ended(): ConferenceEnd | null {
    return this.ended_;
  }
  /** This page's microphone is off for both. */
  get muted(): boolean {
    return this.calls.every((call) => call.muted.audio);
  }

  /** This page's microphone for both; the two others go on hearing each other. */
  muteAudio(muted = true): void {
    for (const call of this.calls) call.muteAudio(muted);
  }

  /** Puts `held` on hold and goes on with the other one alone. Rejects when the gateway refuses; the conference then stays. */
  split(held: Call): Promise<void> {
    return this.calls.includes(held) && !this.ended_ ? held.hold() : Promise.reject(new ParleyError('call.state'));
  }

  /** Joins the two others and leaves. Resolves when that is done; rejects when it failed, and the conference then stays. */
  leave(): Promise<void> {
    return this.ended_ ? Promise.reject(new ParleyError('call.state')) : this.calls[0].transferTo(this.calls[1]);
  }

  /** After `interrupted`, from a click: tries the sound again. */
  async resume(): Promise<void> {
    if (this.ended_ || !this.context_) throw new ParleyError('call.state');
    await this.sound(this.context_);
  }

  /** @internal From a click: calls that are held are taken back. Rejects with a ParleyError; the calls are then as before. */
  async start(): Promise<void> {
    const held = this.calls.filter((call) => call.held);
    try {
      const context = this.env_.createAudioContext();
      if (!context) throw new ParleyError('browser.unsupported');
      this.context_ = context;
      await this.sound(context);
      this.follow(context);
      for (const call of held) await call.resume();
      await this.settle();
      if (this.ended_) throw new ParleyError('call.ended');
    } catch (thrown) {
      await this.undo(held);
      const error = ParleyError.from(thrown, 'conference.failed');
      throw error.code === 'internal' ? new ParleyError('conference.failed', { cause: thrown }) : error;
    }
  }

  /** Ends it and leaves both calls as they are. */
  stop(): void {
    this.finish({ reason: 'stopped', call: null });
  }

  private follow(context: AudioContext): void {
    const bridge = new AudioBridge(context, (tracks) => this.env_.createStream(tracks));
    this.bridge_ = bridge;
    const look = guarded('conference', () => {
      if (this.state_ !== 'starting') this.settle().catch(() => this.stop());
    });
    context.onstatechange = look;
    this.stops_.push(() => (context.onstatechange = null));
    for (const [i, call] of this.calls.entries()) {
      const other = this.calls[1 - i]!;
      const element = this.env_.createAudioElement();
      call.callMedia.player.setBackground(element);
      if (other.muted.audio) call.muteAudio(true); // Who was muted to one is so to both.
      this.stops_.push(
        () => call.callMedia.player.setBackground(null),
        call.on('changed', look),
        call.on('localStream', () => this.sameMicrophone(call, other)),
        call.on('muted', ({ audio }) => {
          other.muteAudio(audio);
          this.emit('muted', this.muted);
          this.emit('changed', undefined);
        }),
        call.on('ended', ({ reason }) => this.finish({ reason: reason === 'transferred' ? 'transferred' : 'call_ended', call })),
      );
    }
  }

  /** Brings everything in line with the calls, one step after the other. Rejects when what is mixed cannot be sent. */
  private settle(): Promise<void> {
    const next = this.changes_.then(() => this.step());
    this.changes_ = next.catch(() => undefined);
    return next;
  }

  private async step(): Promise<void> {
    const { bridge_: bridge, context_: context } = this;
    if (this.ended_ || !bridge || !context) return;
    const held = this.calls.find((call) => call.heldForSure);
    if (held) return this.finish({ reason: 'held', call: held });
    bridge.update([sideOf(this.calls[0]), sideOf(this.calls[1])]);
    const sounds = context.state === 'running';
    if (sounds !== this.joined_) await this.join(sounds);
    if (!this.ended_) this.enter(sounds ? 'running' : 'interrupted');
    if (!sounds && !this.ended_) context.resume().catch(() => undefined);
  }

  /** Sends the mixed sound, or the microphones themselves: a context that stands still would make the agent silent. */
  private async join(mixed: boolean): Promise<void> {
    this.joined_ = mixed;
    for (const [i, call] of this.calls.entries()) {
      const track = mixed ? (this.bridge_?.output(i as 0 | 1) ?? null) : null;
      if (!call.ended && !(await call.callMedia.sendInstead(track)) && mixed) throw new ParleyError('conference.failed');
    }
  }

  private sameMicrophone(changed: Call, other: Call): void {
    const id = changed.callMedia.choice.microphoneId;
    if (this.ended_ || id === other.callMedia.choice.microphoneId) return;
    other.setMicrophone(id).catch(() => undefined); // It keeps the one it had.
  }

  /** Waits until the context runs. */
  private sound(context: AudioContext): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = this.env_.setTimer(
        guarded('sound', () => {
          context.removeEventListener('statechange', check);
          reject(new ParleyError('conference.blocked'));
        }),
        kSoundMs,
      );
      const check = () => {
        if (context.state !== 'running') return;
        this.env_.clearTimer(late);
        context.removeEventListener('statechange', check);
        resolve();
      };
      context.addEventListener('statechange', check);
      context.resume().then(check, () => undefined);
      check();
    });
  }

  private enter(state: ConferenceState): void {
    const previous = this.state_;
    if (state === previous) return;
    this.state_ = state;
    // The others read that they hear each other while they do.
    for (const [i, call] of this.calls.entries()) {
      if (state === 'running') this.announce_(call, this.calls[1 - i]!);
      else if (previous === 'running' && !call.ended) this.announce_(call, null);
    }
    this.emit('state', { state, previous });
    this.emit('changed', undefined);
  }

  private async undo(held: Call[]): Promise<void> {
    const began = this.ended_ === null;
    this.finish({ reason: 'stopped', call: null });
    if (!began) return; // A call ended meanwhile: the other one is nobody's second call any more.
    for (const call of held) if (!call.ended && !call.held) await call.hold().catch(() => undefined);
  }

  private finish(end: ConferenceEnd): void {
    if (this.ended_) return;
    this.ended_ = end;
    for (const stop of this.stops_.splice(0)) stop();
    this.bridge_?.close();
    if (this.joined_) {
      this.joined_ = false;
      for (const call of this.calls) if (!call.ended) call.callMedia.sendInstead(null).catch(() => undefined);
    }
    this.context_?.close().catch(() => undefined);
    this.enter('ended');
    this.emit('ended', end);
    this.removeAllListeners();
  }
}

function sideOf(call: Call): BridgeSide {
  return {
    microphone: call.localStream?.getAudioTracks()[0] ?? null,
    remote: call.remoteStream?.getAudioTracks()[0] ?? null,
  };
}
