import type { AssistSession } from '@parley/assist';
import { html, render } from 'lit';
import { assistIcons } from './icons';

const kIdle = 4_000;

/** Where the agents point, with their names. */
export class Cursors {
  private readonly elements_ = new Map<string, { element: HTMLElement; timer: number }>();
  private readonly stops_: (() => void)[];

  constructor(
    private readonly root_: HTMLElement,
    private readonly session_: AssistSession,
  ) {
    this.stops_ = [
      session_.on('pointer', (pointer) => this.point(pointer)),
      session_.on('changed', () => this.clear()),
    ];
  }

  stop(): void {
    for (const stop of this.stops_) stop();
    for (const { timer } of this.elements_.values()) window.clearTimeout(timer);
    this.elements_.clear();
  }

  private point({ party, x, y, down, gone, on }: { party: string; x: number; y: number; down: boolean; gone: boolean; on?: string }): void {
    if (!this.session_.party(party) || this.session_.sharing !== 'on') return;
    const cursor = this.cursorOf(party);
    window.clearTimeout(cursor.timer);
    const inside = x >= 0 && y >= 0 && x <= innerWidth && y <= innerHeight && !gone && !on;
    cursor.element.classList.toggle('idle', !inside);
    cursor.element.classList.toggle('down', down);
    cursor.element.style.setProperty('transform', `translate(${Math.round(x)}px, ${Math.round(y)}px)`);
    cursor.timer = window.setTimeout(() => cursor.element.classList.add('idle'), kIdle);
  }

  private cursorOf(party: string) {
    const known = this.elements_.get(party);
    if (known) return known;
    const element = document.createElement('div');
    element.className = 'cursor';
    element.dataset.test = 'assist-cursor';
    element.dataset.party = party;
    element.style.setProperty('--c', this.session_.party(party)!.color);
    render(html`${assistIcons.cursor}<span>${this.session_.nameOf(party)}</span>`, element);
    this.root_.append(element);
    const cursor = { element, timer: 0 };
    this.elements_.set(party, cursor);
    return cursor;
  }

  /** Who is gone points at nothing. */
  private clear(): void {
    const shared = this.session_.sharing === 'on' && this.session_.phase === 'open';
    for (const [party, { element, timer }] of this.elements_) {
      if (shared && this.session_.viewers.some((p) => p.party === party)) continue;
      window.clearTimeout(timer);
      element.remove();
      this.elements_.delete(party);
    }
  }
}
