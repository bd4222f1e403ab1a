import { ParleyError, type Call, type Devices, type Quality } from '@parley/sdk';
import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import './device_picker';
import type { DeviceChoice, DeviceKind } from './device_picker';
import { icons } from './icons';
import './keypad';
import { clockText, describeState, panelState } from './texts';
import { controls } from './tokens';
import './toolbar_button';
import './video_view';

const kQualityWords = { good: 'Good connection', fair: 'Fair connection', poor: 'Poor connection', unknown: '' } as const;

/**
 * A call with pictures, state in words and toolbar. `layout`: `dock` (small, on a customer's page) or `stage` (console).
 * Events: `notice` (ParleyError), `devices` (DeviceChoice: what was chosen).
 */
@customElement('parley-call-view')
export class CallView extends LitElement {
  static override styles = [
    controls,
    css`
      :host { display: flex; flex-direction: column; min-height: 0; background: var(--p-surface); color: var(--p-text); font-family: var(--p-font); }
      .pictures { position: relative; flex: 1; min-height: 200px; background: #10181f; }
      parley-video.remote { position: absolute; inset: 0; }
      parley-video.self {
        position: absolute; right: 12px; bottom: 12px; width: min(28%, 240px); aspect-ratio: 4/3; border-radius: 10px;
        border: 2px solid rgb(255 255 255 / 75%); box-shadow: 0 4px 14px rgb(0 0 0 / 40%);
      }
      .over { position: absolute; left: 12px; top: 12px; display: flex; flex-wrap: wrap; gap: 8px; max-width: calc(100% - 24px); z-index: 1; }
      .badge {
        display: inline-flex; align-items: center; gap: 6px; padding: 5px 10px; border-radius: 999px; background: rgb(10 18 26 / 82%);
        color: #fff; font-size: 13px; font-weight: 600;
      }
      .badge svg { width: 16px; height: 16px; }
      .badge.warn { background: #7a4c00; }
      .dot { width: 9px; height: 9px; border-radius: 50%; background: #9fb0be; }
      .dot.good { background: #5fd38d; } .dot.fair { background: #f3c26b; } .dot.poor { background: #ff8a80; }
      .bar { display: flex; align-items: baseline; gap: 10px; padding: 12px 16px 0; }
      .bar strong { font-size: 16px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
      .bar .time { margin-left: auto; font-variant-numeric: tabular-nums; color: var(--p-soft); }
      .state { margin: 0; padding: 4px 16px 0; color: var(--p-soft); line-height: 1.4; }
      .state[data-state='reconnecting'] { color: var(--p-warn); font-weight: 600; }
      .state[data-state='ended'] { color: var(--p-text); }
      .note { display: flex; gap: 8px; align-items: center; margin: 10px 16px 0; padding: 8px 12px; border-radius: var(--p-radius-small); background: var(--p-warn-soft); color: var(--p-warn); font-size: 14px; line-height: 1.35; }
      .note svg { width: 18px; height: 18px; flex: none; }
      .tools { display: flex; justify-content: center; flex-wrap: wrap; gap: 10px; padding: 14px 12px 16px; }
      .tray { padding: 12px 16px 0; }
      .digits { min-height: 24px; margin: 0 0 8px; text-align: center; font-size: 18px; font-weight: 600; letter-spacing: .1em; font-variant-numeric: tabular-nums; overflow: hidden; }
      .play { position: absolute; inset: 0; display: grid; place-items: center; z-index: 2; background: rgb(10 18 26 / 65%); }
      :host([layout='stage']) .bar { padding: 16px 24px 0; }
      :host([layout='stage']) .bar strong { font-size: 20px; }
      :host([layout='stage']) .state { padding: 4px 24px 0; }
      :host([layout='stage']) .note { margin: 10px 24px 0; }
      :host([layout='stage']) .tray { padding: 14px 24px 0; }
      :host([layout='stage']) parley-keypad { width: min(320px, 100%); margin: 0 auto; }
      :host([layout='stage']) parley-device-picker { grid-template-columns: repeat(auto-fit, minmax(min(200px, 100%), 1fr)); }
      :host([layout='stage']) { --p-face: 120px; --p-video-fit: contain; }
      :host([layout='stage']) parley-video.self { --p-video-fit: cover; }
    `,
  ];

  @property({ attribute: false }) call: Call | null = null;
  @property({ attribute: false }) devices: Devices | null = null;
  @property({ reflect: true }) layout: 'dock' | 'stage' = 'dock';
  @property({ attribute: false }) choice: Partial<DeviceChoice> = {};
  /** Shows connection quality and received digits (the agent's side). */
  @property({ type: Boolean }) detailed = false;
  @state() private tray_: 'none' | 'keypad' | 'settings' = 'none';
  @state() private notice_: ParleyError | null = null;
  @state() private blocked_ = false;
  @state() private quality_: Quality | null = null;
  @state() private sent_ = '';
  @state() private received_ = '';
  private stops_: (() => void)[] = [];
  private clock_: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.clock_ = setInterval(() => this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.clock_);
    for (const stop of this.stops_) stop();
    this.stops_ = [];
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has('call')) return;
    for (const stop of this.stops_) stop();
    this.stops_ = [];
    this.tray_ = 'none';
    this.notice_ = this.quality_ = null;
    this.blocked_ = false;
    this.sent_ = this.received_ = '';
    const call = this.call;
    if (!call) return;
    this.stops_ = [
      call.on('changed', () => this.requestUpdate()),
      call.on('notice', (error) => (this.notice_ = error)),
      call.on('quality', (quality) => (this.quality_ = quality)),
      call.on('dtmf', ({ digits }) => (this.received_ = (this.received_ + digits).slice(-24))),
      call.on('playbackBlocked', () => (this.blocked_ = true)),
      call.on('ended', () => {
        this.tray_ = 'none';
        this.blocked_ = false;
        this.notice_ = null;
      }),
    ];
  }

  private toggle(tray: 'keypad' | 'settings'): void {
    this.tray_ = this.tray_ === tray ? 'none' : tray;
  }

  private digit(event: CustomEvent<string>): void {
    try {
      this.call?.sendDtmf(event.detail);
      this.sent_ = (this.sent_ + event.detail).slice(-24);
    } catch (error) {
      this.notice_ = ParleyError.from(error);
    }
  }

  private async choose(event: CustomEvent<{ kind: DeviceKind; id: string }>): Promise<void> {
    const { kind, id } = event.detail;
    this.choice = { ...this.choice, [kind]: id };
    this.dispatchEvent(new CustomEvent('devices', { detail: this.choice }));
    try {
      if (kind === 'cameraId') await this.call?.setCamera(id);
      else if (kind === 'microphoneId') await this.call?.setMicrophone(id);
      else await this.call?.setSpeaker(id);
      this.notice_ = null;
    } catch (error) {
      this.notice_ = ParleyError.from(error);
    }
  }

  private resume(): void {
    this.call?.resumePlayback().then(
      () => (this.blocked_ = false),
      (error: unknown) => (this.notice_ = ParleyError.from(error)),
    );
  }

  private remoteCover(call: Call): string | null {
    if (call.state === 'ended') return '';
    if (call.state !== 'connected' && call.state !== 'reconnecting') return '';
    if (!call.media.video) return 'Voice call';
    if (call.peerMuted.video) return 'Camera is off';
    const video = call.remoteStream?.getVideoTracks().some((track) => !track.muted);
    return video || call.state === 'reconnecting' ? null : '';
  }

  private pictures(call: Call, name: string) {
    const muted = call.peerMuted;
    const quality = this.quality_?.level ?? 'unknown';
    const ended = call.state === 'ended';
    return html`<div class="pictures">
      <parley-video class="remote" source="remote" .call=${call} .name=${name} .cover=${this.remoteCover(call)}></parley-video>
      <div class="over">
        ${this.detailed && !ended && kQualityWords[quality]
          ? html`<span class="badge" data-test="quality" data-level=${quality}
              ><span class="dot ${quality}"></span>${kQualityWords[quality]}</span
            >`
          : nothing}
        ${(muted.audio || muted.video) && !ended
          ? html`<span class="badge warn" data-test="peer-muted" data-audio=${String(muted.audio)} data-video=${String(muted.video)}>
              ${muted.audio ? icons.micOff : icons.cameraOff}
              ${muted.audio && muted.video ? 'Microphone and camera off' : muted.audio ? 'Microphone off' : 'Camera off'}
            </span>`
          : nothing}
      </div>
      ${call.hasCamera && !ended
        ? html`<parley-video class="self" source="local" compact .stream=${call.localStream} .cover=${call.muted.video ? 'Camera off' : null}></parley-video>`
        : // Tests and screen readers find the element, though there is no picture.
          html`<parley-video class="self" hidden source="local" compact .stream=${ended ? null : call.localStream}></parley-video>`}
      ${this.blocked_
        ? html`<div class="play"><button class="button primary" data-test="play" @click=${this.resume}>${icons.sound} Turn on sound</button></div>`
        : nothing}
    </div>`;
  }

  private tools(call: Call) {
    const { audio, video } = call.muted;
    const talking = call.state === 'connected' || call.state === 'connecting' || call.state === 'reconnecting';
    return html`<div class="tools" role="toolbar" aria-label="Call">
      <parley-toolbar-button
        test-id="mute-audio"
        label=${audio ? 'Unmute microphone' : 'Mute microphone'}
        .icon=${audio ? icons.micOff : icons.mic}
        .pressed=${audio}
        @click=${() => call.muteAudio(!audio)}
      ></parley-toolbar-button>
      ${call.media.video
        ? html`<parley-toolbar-button
            test-id="mute-video"
            label=${!call.hasCamera ? 'No camera' : video ? 'Turn camera on' : 'Turn camera off'}
            .icon=${video || !call.hasCamera ? icons.cameraOff : icons.camera}
            .pressed=${video}
            ?disabled=${!call.hasCamera}
            @click=${() => call.hasCamera && call.muteVideo(!video)}
          ></parley-toolbar-button>`
        : nothing}
      <parley-toolbar-button
        test-id="keypad-toggle"
        label="Keypad"
        .icon=${icons.keypad}
        .expanded=${this.tray_ === 'keypad'}
        ?disabled=${!talking}
        @click=${() => talking && this.toggle('keypad')}
      ></parley-toolbar-button>
      <parley-toolbar-button
        test-id="settings"
        label="Camera and microphone"
        .icon=${icons.settings}
        .expanded=${this.tray_ === 'settings'}
        @click=${() => this.toggle('settings')}
      ></parley-toolbar-button>
      <parley-toolbar-button test-id="end" label="End call" danger .icon=${icons.hangUp} @click=${() => call.end()}></parley-toolbar-button>
    </div>`;
  }

  private tray() {
    if (this.tray_ === 'keypad') {
      return html`<div class="tray">
        <p class="digits" aria-live="polite" aria-label="Keys sent">${this.sent_ || nothing}</p>
        <parley-keypad @digit=${this.digit}></parley-keypad>
      </div>`;
    }
    if (this.tray_ === 'settings') {
      return html`<div class="tray">
        <parley-device-picker .devices=${this.devices} .choice=${this.choice} @choose=${this.choose}></parley-device-picker>
      </div>`;
    }
    return nothing;
  }

  override render() {
    const call = this.call;
    if (!call) return nothing;
    const ended = call.state === 'ended';
    const name = call.peer.name || (call.direction === 'out' ? 'Agent' : 'Customer');
    const notice = this.notice_;
    return html`
      ${this.pictures(call, name)}
      <div class="bar">
        <strong data-test="peer-name">${name}</strong>
        ${call.answeredAt ? html`<span class="time" data-test="call-timer">${ended ? '' : clockText(call.answeredAt)}</span>` : nothing}
      </div>
      <p
        class="state"
        role="status"
        aria-live="polite"
        data-test="call-state"
        data-state=${this.layout === 'dock' ? panelState(call.state) : call.state}
        data-reason=${call.ended?.reason ?? nothing}
        data-by=${call.ended?.by ?? nothing}
      >
        ${describeState(call)}
      </p>
      ${notice && !ended
        ? html`<div class="note" role="status" data-test="notice" data-code=${notice.code}>
            ${icons.info}<span>${notice.message}${notice.code.startsWith('camera.') ? ' The call goes on without your picture.' : ''}</span>
          </div>`
        : nothing}
      ${this.detailed && this.received_
        ? html`<div class="note" role="status">
            ${icons.keypad}<span>Keys pressed by the customer: <b data-test="dtmf-received">${this.received_}</b></span>
          </div>`
        : nothing}
      ${ended ? nothing : html`${this.tray()}${this.tools(call)}`}
      <slot></slot>
    `;
  }
}
