// What tells an agent that somebody calls: sound, title, and a notification where it was allowed.

const kPeriod = 3_000;

export class Ringer {
  private context_: AudioContext | null = null;
  private timer_: ReturnType<typeof setInterval> | undefined;
  private titleTimer_: ReturnType<typeof setInterval> | undefined;
  private notification_: Notification | null = null;
  private title_ = '';

  /** Browsers allow sound only after a gesture: call it from one. */
  unlock(): void {
    try {
      this.context_ ??= new AudioContext();
      if (this.context_.state === 'suspended') void this.context_.resume().catch(() => undefined);
    } catch {
      // No sound device: title and panel still tell.
    }
  }

  start(caller: string): void {
    this.stop();
    this.unlock();
    this.chime();
    this.timer_ = setInterval(() => this.chime(), kPeriod);
    this.title_ = document.title;
    let on = false;
    const flash = () => (document.title = (on = !on) ? `☎ ${caller} is calling` : this.title_);
    flash();
    this.titleTimer_ = setInterval(flash, 1_000);
    this.announce(caller);
  }

  /** Where the page is not seen, the system tells. */
  announce(caller: string): void {
    if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted') return;
    this.notification_ = new Notification(`${caller} is calling`, { tag: 'parley-call', icon: '/expertassist/agent/icon.svg' });
    this.notification_.onclick = () => window.focus();
  }

  stop(): void {
    clearInterval(this.timer_);
    clearInterval(this.titleTimer_);
    if (this.title_) document.title = this.title_;
    this.title_ = '';
    this.notification_?.close();
    this.notification_ = null;
  }

  /** Two soft double tones. */
  private chime(): void {
    const context = this.context_;
    if (!context || context.state !== 'running') return;
    for (const [at, frequency] of [[0, 660], [0.18, 880], [0.55, 660], [0.73, 880]] as const) {
      const start = context.currentTime + at;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(0.14, start + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, start + 0.32);
      tone.connect(gain).connect(context.destination);
      tone.start(start);
      tone.stop(start + 0.34);
    }
  }
}
