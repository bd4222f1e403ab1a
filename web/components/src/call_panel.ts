import { browserEnvironment, Client, detach, type Call, type CallOptions, type Environment } from '@parley/sdk';
import type { AssistSession } from '@parley/assist';
import type { AssistOptions } from '../../sdk/src/assist/consumer_module';
import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { callEnded, currentSession, joinCall, onSession, shareInCall } from './assist/cobrowse';
import { assistIcons } from './assist/icons';
import { Movable, type Place } from './assist/movable';
import { forgetCall, holdOfCall, keepCall, kCallLinkKey, keptCall, type CallRecord } from './call_record';
import './call_view';
import type { DeviceChoice } from './device_picker';
import { icons } from './icons';
import { mayCallAgain, panelState } from './texts';
import { controls, hostTokens } from './tokens';

/** The docked panel on a customer's page: `open(options)` calls, the person ends. Event `closed` when it was put away. */
@customElement('parley-call-panel')
export class CallPanel extends LitElement {
  static override styles = [
    hostTokens,
    controls,
    css`
      :host {
        position: fixed; z-index: 2147483000; right: 20px; bottom: 20px; width: 380px; max-width: calc(100vw - 24px);
        max-height: calc(100dvh - 40px); display: flex; flex-direction: column; overflow: hidden; border-radius: 16px;
        background: var(--p-surface); color: var(--p-text); border: 1px solid var(--p-line); box-shadow: var(--p-shadow);
        font: 16px/1.4 var(--p-font); animation: rise .25s ease-out;
      }
      @keyframes rise { from { transform: translateY(16px); opacity: 0; } }
      @media (prefers-reduced-motion: reduce) { :host { animation: none; } }
      @media (max-width: 520px) { :host { right: 12px; left: 12px; bottom: max(12px, env(safe-area-inset-bottom)); width: auto; } }
      .head { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 6px; font-weight: 650; }
      .head .title { flex: 1; }
      .head .grip { width: 30px; border-radius: 10px; color: var(--p-soft); cursor: grab; touch-action: none; }
      .share { display: flex; padding: 0 16px 16px; }
      .share .button { flex: 1; }
      .head button { display: grid; place-items: center; width: 40px; height: 40px; border: 0; border-radius: 50%; background: none; cursor: pointer; }
      .head button:hover { background: var(--p-sunken); }
      .head svg { width: 18px; height: 18px; }
      parley-call-view { flex: 1; min-height: 0; overflow: auto; }
      .after { display: flex; gap: 10px; padding: 14px 16px 16px; }
      .after .button { flex: 1; }
    `,
  ];

  @property({ attribute: false }) call: Call | null = null;
  @state() private options_: AssistOptions = {};
  @state() private choice_: Partial<DeviceChoice> = {};
  private client_: Client | null = null;
  private opener_: HTMLElement | null = null;
  private movable_: Movable | null = null;
  private stopSession_: (() => void)[] = [];
  private announced_ = '';
  private environment_: Environment | null = null;
  /** Once the call has an id. */
  private record_: CallRecord | null = null;
  private letGo_: (() => void) | undefined;
  private stopLeave_: (() => void) | undefined;
  private place_: Place | null = null;

  /** Starts a call, unless one is running. */
  open(options: AssistOptions): void {
    if (this.call && this.call.state !== 'ended') return;
    const env = options.environment ?? browserEnvironment();
    // A page that calls by itself, and was reloaded, means the call that it had.
    const kept = within() ? null : keptCall(env);
    if (kept?.leftAt) return this.goOn(kept, options);
    if (kept) forgetCall(env);
    const client = this.makeClient(options, env);
    const choice: CallOptions = { audio: options.audio ?? true, video: options.video ?? true };
    const call = client.call({
      ...choice,
      sendVideo: options.sendVideo,
      ringback: options.ringback,
      audioProcessing: options.audioProcessing,
      cameraId: this.choice_.cameraId,
      microphoneId: this.choice_.microphoneId,
      uui: options.uui,
    });
    this.run(client, call);
  }

  /** Goes on with the call of the page before. */
  goOn(record: CallRecord, own: AssistOptions = {}): void {
    if (this.call && this.call.state !== 'ended') return;
    const options = { ...record.options, ...own };
    const client = this.makeClient(options, options.environment ?? browserEnvironment());
    const { cameraId, microphoneId, speakerId } = (this.choice_ = record.choice);
    this.place_ = record.place ?? null;
    const { ringback, audioProcessing } = options;
    const call = client.takeUp(record.id, { cameraId, microphoneId, sendVideo: record.camera, ringback, audioProcessing }, record.muted);
    if (speakerId) call.setSpeaker(speakerId).catch(() => undefined);
    this.record_ = record;
    this.run(client, call);
    this.keep(0);
  }

  private makeClient(options: AssistOptions, environment: Environment): Client {
    this.options_ = options;
    this.environment_ = environment;
    this.record_ = null;
    if (options.theme) this.dataset.theme = options.theme;
    this.client_?.close();
    this.stopLeave_?.();
    // Before the client does: then the call is over here.
    this.stopLeave_ = environment.onLeave(() => this.keep(Date.now()));
    const { server, reconnectPolicy, rtcConfiguration } = options;
    const storageKey = within() ? undefined : kCallLinkKey;
    const client = new Client({ server, reconnectPolicy, rtcConfiguration, environment, storageKey });
    const { destination, name, applicationId, uui, correlationId, token } = options;
    client.setSession({ destination, name, applicationId, uui, correlationId, token });
    return (this.client_ = client);
  }

  /** For the next page. `leftAt`: this one is being left. */
  private keep(leftAt: number): void {
    const { call, environment_: env } = this;
    if (!call?.id || call.ended || !env || within()) return;
    this.letGo_ ??= env.hold?.(holdOfCall(call.id));
    // On the way back nothing is known of the camera yet.
    const camera = call.localStream ? call.hasCamera : (this.record_?.camera ?? true);
    const muted = call.localStream ? call.muted : (this.record_?.muted ?? call.muted);
    this.record_ = { id: call.id, options: this.options_, choice: this.choice_, muted, camera, place: this.movable_?.place ?? this.place_, leftAt };
    keepCall(env, this.record_);
    if (leftAt) this.letGo_?.();
  }

  private run(client: Client, call: Call): void {
    this.call = call;
    this.removeAttribute('data-setup');
    call.on('changed', () => {
      this.reflect(call);
      this.announce();
      if (!this.record_?.leftAt) this.keep(0);
    });
    call.on('setup', (setup) => (this.dataset.setup = JSON.stringify(setup)));
    call.on('ended', () => {
      this.reflect(call);
      client.close();
      if (!this.record_?.leftAt && this.environment_) forgetCall(this.environment_);
      this.letGo_?.();
      this.letGo_ = undefined;
      void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('.after button')?.focus());
    });
    this.reflect(call);
  }

  /** Where the focus goes when the panel is put away. */
  set opener(element: HTMLElement | null) {
    this.opener_ = element;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.setAttribute('role', 'region');
    this.setAttribute('aria-label', 'Call');
    this.dataset.test = 'call-panel';
    // Never part of a shared page's picture, and nothing that an agent could press.
    this.setAttribute('data-parley-overlay', '');
    this.stopSession_ = [onSession((session) => this.follow(session))];
    this.follow(currentSession());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.stopSession_) stop();
    this.movable_?.stop();
    this.movable_ = null;
    currentSession()?.replyNow({ type: 'window', shown: false });
  }

  protected override firstUpdated(): void {
    this.movable_ = new Movable(this, this.renderRoot.querySelector<HTMLElement>('.grip')!, (place) => {
      const session = currentSession();
      if (session) session.record.places.call = place;
      session?.keep();
      this.keep(0);
      this.tellPlace();
    });
    const place = currentSession()?.record.places.call ?? this.place_;
    if (place) this.movable_.moveTo(place);
  }

  /** A session that begins beside the call: its agent sees where the window lies, and moves it, too. */
  private follow(session: AssistSession | null): void {
    for (const stop of this.stopSession_.splice(1)) stop();
    this.requestUpdate();
    if (!session) return;
    let open = false;
    this.stopSession_.push(
      session.on('changed', () => {
        if (!open && session.phase === 'open') this.tellPlace();
        open = session.phase === 'open';
        this.announce();
        this.requestUpdate();
      }),
      session.on('window', (place) => place.shown && this.movable_?.moveCorner(place.x, place.y)),
    );
    this.announce();
  }

  /** Says to the agent of the call where the page can be seen. */
  private announce(): void {
    const session = currentSession();
    const call = this.call;
    const answered = call && !call.ended && call.answeredAt !== null;
    if (!session || session.ended || session.phase !== 'open' || !answered) return;
    const key = `${call.id} ${session.cid}`;
    if (this.announced_ === key) return;
    this.announced_ = key;
    joinCall(call, session);
    this.client_?.send({ type: 'assist', call: call.id, cid: session.cid });
  }

  private tellPlace(): void {
    const session = currentSession();
    if (session && this.movable_) session.replyNow({ type: 'window', shown: true, ...this.movable_.box });
  }

  private shareButton(call: Call | null) {
    const session = currentSession();
    const possible = this.options_.share !== false && call?.state === 'connected' && (!session || session.ended);
    if (!possible) return nothing;
    const { server, name, applicationId, correlationId, cid, theme, keepSharing } = this.options_;
    const start = () => shareInCall(call, { server, name, applicationId, correlationId, cid, theme, keepSharing });
    return html`<div class="share">
      <button type="button" class="button" data-test="share-page" @click=${start}>${assistIcons.eye} Share this page</button>
    </div>`;
  }

  private reflect(call: Call): void {
    if (call !== this.call) return;
    this.dataset.state = panelState(call.state);
    this.dataset.call = call.id;
    if (call.ended) {
      this.dataset.reason = call.ended.reason;
      this.dataset.by = call.ended.by;
      callEnded(call);
    } else {
      this.removeAttribute('data-reason');
      this.removeAttribute('data-by');
    }
    this.requestUpdate();
  }

  private dismiss(): void {
    this.call?.end();
    this.client_?.close();
    this.client_ = null;
    this.remove();
    this.opener_?.focus();
    this.dispatchEvent(new CustomEvent('closed'));
  }

  override render() {
    const call = this.call;
    const ended = call?.ended ?? null;
    // Reasons with a dot are errors of this page (devices, no connection); the others are ends of a call.
    const failed = ended !== null && ended.reason.includes('.');
    return html`
      <div class="head">
        <button type="button" class="grip" data-test="move-panel" aria-label="Move this window (arrow keys)">${assistIcons.grip}</button>
        <span class="title">${this.options_.title ?? 'Talk to us'}</span>
        <button type="button" data-test="close-panel" aria-label=${ended ? 'Close' : 'End call and close'} @click=${this.dismiss}>
          ${icons.close}
        </button>
      </div>
      <parley-call-view
        layout="dock"
        .call=${call}
        .devices=${this.client_?.devices ?? null}
        .choice=${this.choice_}
        @devices=${(event: CustomEvent<DeviceChoice>) => (this.choice_ = event.detail)}
      ></parley-call-view>
      ${this.shareButton(call)}
      ${failed ? html`<p class="sr" role="alert" data-test="call-error" data-code=${ended.reason}>${ended.text}</p>` : nothing}
      ${ended
        ? html`<div class="after">
            ${mayCallAgain(ended.reason)
              ? html`<button type="button" class="button primary" data-test="call-again" @click=${() => this.open(this.options_)}>${icons.phone} Call again</button>`
              : nothing}
            <button type="button" class="button" data-test="call-close" @click=${this.dismiss}>Close</button>
          </div>`
        : nothing}
    `;
  }
}

/** Opens the panel on this page and calls. One panel at a time; a running call is left alone. */
export function assist(options: AssistOptions = {}): CallPanel {
  const opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  const panel = panelOf(opener);
  panel.open(options);
  return panel;
}

function panelOf(opener: HTMLElement | null): CallPanel {
  let panel = document.querySelector<CallPanel>('parley-call-panel');
  if (!panel) {
    panel = document.createElement('parley-call-panel') as CallPanel;
    panel.opener = opener;
    document.body.append(panel);
  }
  return panel;
}

/** A frame of a page of the site: that page has the call of the tab. */
const within = (): boolean => window.frameElement !== null;

/** Goes on with the call of the page before, if there is one. `again`: this page was kept as it was left, and is shown again. */
export function takeUpCall(again: boolean): void {
  if (again) document.querySelector('parley-call-panel')?.remove();
  const env = browserEnvironment();
  const record = within() ? null : keptCall(env);
  if (!record) return;
  const judge = async () => {
    // The tab was killed, or it is a copy of one that lives: then the call is that one's.
    if (record.leftAt || (await env.isHeld?.(holdOfCall(record.id))) === false) return panelOf(null).goOn(record);
    if (!document.querySelector('parley-call-panel')) forgetCall(env);
  };
  detach('call', judge());
}
