import type { AssistSession } from '@parley/assist';
import { adoptStyles, html, nothing, render } from 'lit';
import { controls, hostTokens } from '../tokens';
import { consentDialog } from './consent';
import { Cursors } from './cursors';
import { indicator } from './indicator';
import { maskHints } from './mask_hints';
import { keepOnTop } from './on_top';
import { Movable, type Place } from './movable';
import { PushShelf } from './pushes';
import { overlayStyle } from './style';
import { describeActivity } from './texts';

const kDeedShown = 4_000;
const kEndShown = 8_000;

export interface ShortCode {
  code: string;
  until: number;
}

/** What the parts of the overlay read and may ask for. */
export interface OverlayModel {
  readonly session: AssistSession;
  /** What an agent did last, in words. */
  readonly deed: string;
  readonly notice: string;
  readonly hints: boolean;
  readonly code: ShortCode | null;
  readonly codeBusy: boolean;
  /** Who looks on is listed; null: as it fits. */
  readonly people: boolean | null;
  toggleHints(): void;
  togglePeople(on: boolean): void;
  makeCode(): void;
  copyCode(): void;
  close(): void;
}

/**
 * Everything that Parley shows on a shared page but the call: one element on <html> with a closed shadow root, so that
 * neither the site's sheets nor its scripts reach it. It is never part of the picture, and no agent can act on it.
 */
export class AssistOverlay implements OverlayModel {
  readonly host: HTMLElement;
  /** Annotations are drawn in here. */
  readonly layer: HTMLElement;
  deed = '';
  notice = '';
  hints = false;
  people: boolean | null = null;
  code: ShortCode | null = null;
  codeBusy = false;
  session!: AssistSession;
  onClose: () => void = () => undefined;
  private readonly root_: ShadowRoot;
  private readonly ui_: HTMLElement;
  private cursors_!: Cursors;
  private pushes_!: PushShelf;
  private movable_: Movable | null = null;
  private place_: Place | null = null;
  private queued_ = false;
  private gone_ = false;
  private asked_ = '';
  private focusBefore_: Element | null = null;
  private deedTimer_ = 0;
  private codeTimer_ = 0;
  private readonly stops_: (() => void)[] = [];

  constructor(theme?: string) {
    this.host = document.createElement('div');
    this.host.setAttribute('data-parley-overlay', '');
    if (theme === 'light' || theme === 'dark') this.host.dataset.theme = theme;
    this.root_ = this.host.attachShadow({ mode: 'closed' });
    adoptStyles(this.root_, [hostTokens, controls, overlayStyle]);
    this.layer = this.part('layer');
    this.ui_ = document.createElement('div');
  }

  /** Shows the session until it is closed. */
  show(session: AssistSession): void {
    this.session = session;
    this.cursors_ = new Cursors(this.part('cursors'), session);
    this.pushes_ = new PushShelf(session, () => this.update(), this.part('ui'));
    this.ui_.className = 'ui';
    this.root_.append(this.ui_);
    document.documentElement.append(this.host);
    this.place_ = session.record.places.indicator ?? null;
    this.stops_.push(
      session.on('changed', () => this.update()),
      session.on('activity', ({ party, what, target }) => this.showDeed(describeActivity(session.nameOf(party), what, target))),
      session.on('notice', (error) => {
        this.notice = error.message;
        this.update();
      }),
      session.on('ended', () => this.showEnd()),
      keepOnTop(this.host, () => this.ui_.querySelector('.bar')?.getBoundingClientRect(), () => this.moved()),
    );
    this.update();
  }

  remove(): void {
    this.gone_ = true;
    for (const stop of this.stops_) stop();
    window.clearTimeout(this.deedTimer_);
    window.clearInterval(this.codeTimer_);
    this.pushes_?.close();
    this.cursors_?.stop();
    this.movable_?.stop();
    this.host.remove();
  }

  toggleHints(): void {
    this.hints = !this.hints;
    this.update();
  }

  togglePeople(on: boolean): void {
    this.people = on;
    this.update();
  }

  makeCode(): void {
    if (this.codeBusy) return;
    this.codeBusy = true;
    this.update();
    this.session.shortCode().then(
      ({ code, expiresIn }) => {
        if (this.gone_) return;
        this.code = { code, until: Date.now() + expiresIn * 1000 };
        this.notice = '';
        window.clearInterval(this.codeTimer_);
        this.codeTimer_ = window.setInterval(() => this.tickCode(), 1000);
        this.codeMade();
      },
      (error: Error) => {
        this.notice = error.message;
        this.codeMade();
      },
    );
  }

  copyCode(): void {
    // Where the browser refuses, the person still reads the code.
    navigator.clipboard?.writeText(this.code?.code ?? '').catch(() => undefined);
  }

  close(): void {
    this.onClose();
  }

  private codeMade(): void {
    this.codeBusy = false;
    this.update();
  }

  private tickCode(): void {
    if (!this.code || this.code.until > Date.now()) return this.update();
    window.clearInterval(this.codeTimer_);
    this.code = null;
    this.update();
  }

  private part(name: string): HTMLElement {
    const element = document.createElement('div');
    element.className = name;
    this.root_.append(element);
    return element;
  }

  private showDeed(words: string): void {
    this.deed = words;
    window.clearTimeout(this.deedTimer_);
    this.deedTimer_ = window.setTimeout(() => {
      this.deed = '';
      this.update();
    }, kDeedShown);
    this.update();
  }

  private showEnd(): void {
    this.hints = false;
    this.code = null;
    this.deed = '';
    this.update();
    this.deedTimer_ = window.setTimeout(() => this.close(), kEndShown);
  }

  /** A dialog that is taken out of the page is modal no more. */
  private moved(): void {
    const dialog = this.ui_.querySelector('dialog');
    if (!dialog?.open || dialog.matches(':modal')) return;
    dialog.removeAttribute('open');
    dialog.showModal();
  }

  /** Many changes of one moment are one update. */
  private update(): void {
    if (this.queued_) return;
    this.queued_ = true;
    queueMicrotask(() => {
      this.queued_ = false;
      this.draw();
    });
  }

  private draw(): void {
    const request = this.session.requests[0];
    render(
      html`
        ${indicator(this)} ${this.pushes_.cards()}
        ${request && !this.session.ended ? consentDialog(this.session, request) : nothing}
        ${this.hints ? maskHints(this.session.masked()) : nothing}
        <p class="sr" role="status" aria-live="polite" data-test="assist-live">${this.deed}</p>
      `,
      this.ui_,
    );
    this.attachMovable();
    this.openDialog(request?.id ?? '');
  }

  private attachMovable(): void {
    const bar = this.ui_.querySelector<HTMLElement>('.bar');
    const handle = this.ui_.querySelector<HTMLElement>('.grip');
    if (!bar || !handle || this.movable_) return;
    this.movable_ = new Movable(bar, handle, (place) => {
      this.session.record.places.indicator = place;
      this.session.keep();
    });
    // On a narrow screen it spans the width, and stays where it is.
    if (this.place_ && innerWidth > 640) this.movable_.moveTo(this.place_);
  }

  private openDialog(id: string): void {
    const dialog = this.ui_.querySelector('dialog');
    if (!dialog || this.session.ended) {
      if (this.asked_ && this.focusBefore_ instanceof HTMLElement) this.focusBefore_.focus({ preventScroll: true });
      this.asked_ = '';
      this.focusBefore_ = null;
      return;
    }
    if (this.asked_ === id && dialog.open) return;
    if (!this.asked_) this.focusBefore_ = document.activeElement;
    this.asked_ = id;
    if (!dialog.open) dialog.showModal();
    dialog.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true });
  }
}
