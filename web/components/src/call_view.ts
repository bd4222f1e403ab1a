import { ParleyError, type Call, type Devices, type Quality } from '@parley/sdk';
import { html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { callViewStyle } from './call_view_style';
import './device_picker';
import type { DeviceChoice, DeviceKind } from './device_picker';
import { icons } from './icons';
import './keypad';
import { clockText, describeState, panelState, peerName } from './texts';
import { controls } from './tokens';
import './toolbar_button';
import './video_view';

const kQualityWords = { good: 'Good connection', fair: 'Fair connection', poor: 'Poor connection', unknown: '' } as const;

/**
 * A call with pictures, state in words and toolbar. `layout`: `dock` (small, on a customer's page) or `stage` (console).
 * Events: `devices` (DeviceChoice: what was chosen), `transfer` (the page asks whom to).
 */
@customElement('parley-call-view')
export class CallView extends LitElement {
  static override styles = [controls, callViewStyle];

  @property({ attribute: false }) call: Call | null = null;
  @property({ attribute: false }) devices: Devices | null = null;
  @property({ reflect: true }) layout: 'dock' | 'stage' = 'dock';
  @property({ attribute: false }) choice: Partial<DeviceChoice> = {};
  /** The agent's side: connection quality, received digits, who passed the call on; hold and transfer. */
  @property({ type: Boolean }) detailed = false;
  @state() private tray_: 'none' | 'keypad' | 'settings' = 'none';
  @state() private notice_: ParleyError | null = null;
  @state() private blocked_ = false;
  /** A change of the call that waits for the other side. */
  @state() private busy_: '' | 'hold' | 'video' = '';
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
    this.busy_ = '';
    this.sent_ = this.received_ = '';
    const call = this.call;
    if (!call) return;
    this.stops_ = [
      call.on('changed', () => this.requestUpdate()),
      call.on('notice', (error) => (this.notice_ = error)),
      call.on('quality', (quality) => (this.quality_ = quality)),
      call.on('dtmf', ({ digits }) => (this.received_ = (this.received_ + digits).slice(-24))),
      call.on('transfer', (info) => {
        if (info?.state === 'failed') this.notice_ = new ParleyError('transfer.failed', { text: `The call could not be passed on to ${info.to}. ${info.text ?? ''}`.trim() });
        else if (info) this.notice_ = null;
      }),
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
      this.call?.sendDtmf(event.detail, { audible: true });
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

  /** Asks for a change of the call and says why it was refused. */
  private async attempt(what: 'hold' | 'video', change: Promise<void>): Promise<void> {
    const call = this.call;
    this.busy_ = what;
    try {
      await change;
      if (call === this.call) this.notice_ = null;
    } catch (error) {
      if (call === this.call && !call?.ended) this.notice_ = ParleyError.from(error);
    } finally {
      if (call === this.call) this.busy_ = '';
    }
  }

  private play(): void {
    this.call?.resumePlayback().then(
      () => (this.blocked_ = false),
      (error: unknown) => (this.notice_ = ParleyError.from(error)),
    );
  }

  private remoteCover(call: Call): string | null {
    if (call.state === 'ended') return '';
    if (call.state !== 'connected' && call.state !== 'reconnecting') return '';
    if (call.held || call.peerHeld) return 'On hold';
    if (!call.media.video) return 'Voice call';
    if (call.peerMuted.video) return 'Camera is off';
    const video = call.remoteStream?.getVideoTracks().some((track) => !track.muted);
    return video || call.state === 'reconnecting' ? null : '';
  }

  private pictures(call: Call, name: string) {
    const muted = call.peerMuted;
    const quality = this.quality_?.level ?? 'unknown';
    const ended = call.state === 'ended';
    // A panel that only says how the call ended needs no black box above the words.
    return html`<div class="pictures ${this.tray_ === 'none' ? '' : 'low'}" ?hidden=${ended && this.layout === 'dock'}>
      <parley-video class="remote" source="remote" .call=${call} .name=${name} .cover=${this.remoteCover(call)}></parley-video>
      <div class="over">
        ${this.detailed && !ended && kQualityWords[quality]
          ? html`<span class="badge" data-test="quality" data-level=${quality}
              ><span class="dot ${quality}"></span>${kQualityWords[quality]}</span
            >`
          : nothing}
        <span role="status">${(muted.audio || muted.video) && !ended
          ? html`<span class="badge warn" data-test="peer-muted" data-audio=${String(muted.audio)} data-video=${String(muted.video)}>
              ${muted.audio ? icons.micOff : icons.cameraOff}
              ${muted.audio && muted.video ? 'Microphone and camera off' : muted.audio ? 'Microphone off' : 'Camera off'}
            </span>`
          : nothing}</span>
      </div>
      ${call.hasCamera && !ended
        ? html`<parley-video class="self" source="local" compact .stream=${call.localStream} .cover=${call.muted.video ? 'Camera off' : call.held ? 'Not sent' : null}></parley-video>`
        : // Tests and screen readers find the element, though there is no picture.
          html`<parley-video class="self" hidden source="local" compact .stream=${ended ? null : call.localStream}></parley-video>`}
      ${this.blocked_
        ? html`<div class="play"><button class="button primary" data-test="play" @click=${this.play}>${icons.sound} Turn on sound</button></div>`
        : nothing}
    </div>`;
  }

  private tools(call: Call) {
    const { audio } = call.muted;
    const answered = call.state === 'connected' || call.state === 'connecting' || call.state === 'reconnecting';
    const keys = call.early || (answered && call.can.dtmf);
    return html`<div class="tools" role="toolbar" aria-label="Call">
      <parley-toolbar-button ?tight=${this.detailed}
        test-id="mute-audio"
        word=${audio ? 'Unmute' : 'Mute'}
        label=${audio ? 'Unmute microphone' : 'Mute microphone'}
        .icon=${audio ? icons.micOff : icons.mic}
        .pressed=${audio}
        @click=${() => call.muteAudio(!audio)}
      ></parley-toolbar-button>
      ${this.cameraButton(call, answered)}
      ${this.detailed ? this.agentButtons(call, answered) : nothing}
      <parley-toolbar-button ?tight=${this.detailed}
        test-id="keypad-toggle"
        word="Keypad"
        label="Keypad"
        .icon=${icons.keypad}
        .expanded=${this.tray_ === 'keypad'}
        ?disabled=${!keys}
        @click=${() => keys && this.toggle('keypad')}
      ></parley-toolbar-button>
      <parley-toolbar-button ?tight=${this.detailed}
        test-id="settings"
        word="Devices"
        label="Devices: camera and microphone"
        .icon=${icons.settings}
        .expanded=${this.tray_ === 'settings'}
        @click=${() => this.toggle('settings')}
      ></parley-toolbar-button>
      <parley-toolbar-button ?tight=${this.detailed} test-id="end" word="End" label="End call" danger .icon=${icons.hangUp} @click=${() => call.end()}></parley-toolbar-button>
    </div>`;
  }

  /** One's own picture: off and on, or the first one of this call. */
  private cameraButton(call: Call, answered: boolean) {
    const off = call.muted.video;
    const add = answered && call.can.video && !call.held && this.busy_ === '';
    if (call.hasCamera) {
      return html`<parley-toolbar-button ?tight=${this.detailed}
        test-id="mute-video"
        word="Camera"
        label=${off ? 'Turn camera on' : 'Turn camera off'}
        .icon=${off ? icons.cameraOff : icons.camera}
        .pressed=${off}
        @click=${() => call.muteVideo(!off)}
      ></parley-toolbar-button>`;
    }
    if (!call.media.video && !call.can.video) return nothing;
    return html`<parley-toolbar-button ?tight=${this.detailed}
      test-id=${call.media.video ? 'mute-video' : 'add-video'}
      word=${call.media.video ? 'Camera' : 'Video'}
      label=${call.media.video ? (call.can.video ? 'Turn camera on' : 'No camera') : 'Add video'}
      .icon=${icons.cameraOff}
      ?disabled=${!add}
      @click=${() => add && this.attempt('video', call.addVideo())}
    ></parley-toolbar-button>`;
  }

  private agentButtons(call: Call, answered: boolean) {
    const hold = answered && call.can.hold && this.busy_ === '';
    const transfer = answered && call.can.transfer;
    return html`<parley-toolbar-button ?tight=${this.detailed}
        test-id="hold"
        word=${call.held ? 'Resume' : 'Hold'}
        label=${call.held ? 'Resume' : 'Hold'}
        .icon=${call.held ? icons.resume : icons.hold}
        .pressed=${call.held}
        ?disabled=${!hold}
        @click=${() => hold && this.attempt('hold', call.hold(!call.held))}
      ></parley-toolbar-button>
      <parley-toolbar-button ?tight=${this.detailed}
        test-id="transfer"
        word="Transfer"
        label="Transfer"
        .icon=${icons.transfer}
        ?disabled=${!transfer}
        @click=${() => transfer && this.dispatchEvent(new CustomEvent('transfer'))}
      ></parley-toolbar-button>`;
  }

  private tray(call: Call) {
    if (this.tray_ === 'keypad') {
      return html`<div class="tray">
        <p class="digits" aria-live="polite" aria-label="Keys sent">${this.sent_ || nothing}</p>
        <parley-keypad @digit=${this.digit}></parley-keypad>
      </div>`;
    }
    if (this.tray_ === 'settings') {
      return html`<div class="tray">
        <parley-device-picker .devices=${this.devices} .choice=${this.choice} @choose=${this.choose}></parley-device-picker>
        ${call.media.video && call.can.video && call.state === 'connected'
          ? html`<button type="button" class="button" data-test="remove-video" ?disabled=${this.busy_ !== ''} @click=${() => this.attempt('video', call.removeVideo())}>
              ${icons.cameraOff} Continue without video
            </button>`
          : nothing}
      </div>`;
    }
    return nothing;
  }

  /** Number, group, who passed the call on, and what came with it. */
  private facts(call: Call) {
    const { number, kind } = call.peer;
    if (!number && !call.group && !call.transferredBy && !call.uui && kind === 'page') return nothing;
    return html`<p class="facts">
      ${kind === 'phone' ? html`<span>Telephone</span>` : nothing}
      ${number && number !== peerName(call) ? html`<span data-test="peer-number">${number}</span>` : nothing}
      ${call.group ? html`<span data-test="peer-group">Group ${call.group}</span>` : nothing}
      ${call.transferredBy ? html`<span data-test="transferred-by">Passed on by ${call.transferredBy}</span>` : nothing}
      ${call.uui ? html`<span data-test="peer-uui">Sent along: ${call.uui}</span>` : nothing}
    </p>`;
  }

  override render() {
    const call = this.call;
    if (!call) return nothing;
    const ended = call.state === 'ended';
    const name = peerName(call);
    const hold = call.held ? 'held' : call.peerHeld ? 'peer' : 'no';
    const notice = this.notice_;
    return html`
      ${this.pictures(call, name)}
      <div class="bar" ?hidden=${ended && !call.peer.name && this.layout === 'dock'}>
        <strong data-test="peer-name">${name}</strong>
        ${call.answeredAt ? html`<span class="time" data-test="call-timer">${ended ? '' : clockText(call.answeredAt)}</span>` : nothing}
      </div>
      ${this.detailed ? this.facts(call) : nothing}
      <p
        class="state"
        role="status"
        aria-live="polite"
        data-test="call-state"
        data-state=${this.layout === 'dock' ? panelState(call.state) : call.state}
        data-hold=${ended ? 'no' : hold}
        data-early=${String(call.early)}
        data-transfer=${call.transferInfo?.state ?? nothing}
        data-reason=${call.ended?.reason ?? nothing}
        data-by=${call.ended?.by ?? nothing}
      >
        ${describeState(call)}
      </p>
      ${notice && !ended
        ? html`<div class="note" role="status" data-test="notice" data-code=${notice.code}>
            ${icons.info}<span>${notice.message}${notice.code.startsWith('camera.') && !call.hasCamera ? ' The call goes on without your picture.' : ''}</span>
          </div>`
        : nothing}
      ${this.detailed && this.received_
        ? html`<div class="note plain" role="status">
            ${icons.keypad}<span>Keys pressed at the other end: <b data-test="dtmf-received">${this.received_}</b></span>
          </div>`
        : nothing}
      ${ended ? nothing : html`${this.tray(call)}${this.tools(call)}`}
      <slot></slot>
    `;
  }
}
