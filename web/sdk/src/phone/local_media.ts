import { Emitter, guarded, type Environment, type MediaChoice } from '../common/index';

export interface LocalMediaEvents {
  stream: MediaStream;
  /** A device went away while it was in use. */
  lost: 'audio' | 'video';
}

type Kind = 'audio' | 'video';

/** Microphone and camera of one call. Owns the tracks: what it drops is stopped. What is muted or held sends nothing. */
export class LocalMedia extends Emitter<LocalMediaEvents> {
  private stream_: MediaStream | null = null;
  private muted_: MediaChoice = { audio: false, video: false };
  private held_ = false;

  constructor(private readonly env_: Environment) {
    super();
  }

  get stream(): MediaStream | null {
    return this.stream_;
  }
  get muted(): MediaChoice {
    return { ...this.muted_ };
  }

  track(kind: Kind): MediaStreamTrack | null {
    return this.stream_?.getTracks().find((track) => track.kind === kind) ?? null;
  }

  open(tracks: MediaStreamTrack[]): void {
    this.stream_ = this.env_.createStream(tracks);
    for (const track of tracks) this.adopt(track);
    this.emit('stream', this.stream_);
  }

  /** Puts `track` in the place of the one before, which is stopped; null: there is none any more. */
  replace(kind: Kind, track: MediaStreamTrack | null): void {
    const stream = this.stream_;
    if (!stream) return void track?.stop();
    const old = this.track(kind);
    if (old && old !== track) {
      stream.removeTrack(old);
      this.release(old);
    }
    if (track && track !== old) {
      stream.addTrack(track);
      this.adopt(track);
    }
    this.emit('stream', stream);
  }

  /** False: it was so already. */
  setMuted(muted: MediaChoice): boolean {
    if (muted.audio === this.muted_.audio && muted.video === this.muted_.video) return false;
    this.muted_ = { ...muted };
    this.apply();
    return true;
  }

  setHeld(held: boolean): void {
    this.held_ = held;
    this.apply();
  }

  close(): void {
    for (const track of this.stream_?.getTracks() ?? []) this.release(track);
    this.stream_ = null;
  }

  private apply(): void {
    for (const track of this.stream_?.getTracks() ?? []) track.enabled = this.sends(track.kind as Kind);
  }

  private sends(kind: Kind): boolean {
    return !this.held_ && !this.muted_[kind];
  }

  private adopt(track: MediaStreamTrack): void {
    const kind = track.kind as Kind;
    track.enabled = this.sends(kind);
    track.onended = guarded('track ended', () => {
      if (this.track(kind) === track) this.emit('lost', kind);
    });
  }

  private release(track: MediaStreamTrack): void {
    track.onended = null;
    track.stop();
  }
}
