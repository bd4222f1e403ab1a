import { ParleyError, type Device, type DeviceList, type Devices } from '@parley/sdk';
import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { controls } from './tokens';

export interface DeviceChoice {
  cameraId: string;
  microphoneId: string;
  speakerId: string;
}

export type DeviceKind = keyof DeviceChoice;

/** Camera, microphone and loudspeaker. Event `choose` (detail: {kind, id}). Follows plugging in and out. */
@customElement('parley-device-picker')
export class DevicePicker extends LitElement {
  static override styles = [
    controls,
    css`
      :host { display: grid; gap: 14px; }
      p { margin: 0; font-size: 14px; color: var(--p-soft); }
      p.error { color: var(--p-bad); }
    `,
  ];

  @property({ attribute: false }) devices: Devices | null = null;
  @property({ attribute: false }) choice: Partial<DeviceChoice> = {};
  @state() private list_: DeviceList | null = null;
  @state() private error_ = '';
  private stop_: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.stop_ = this.devices?.watch(() => void this.refresh()) ?? null;
    void this.refresh();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop_?.();
  }

  /** Reads the devices again, e.g. after permission was given. */
  async refresh(): Promise<void> {
    try {
      this.list_ = (await this.devices?.list()) ?? null;
      this.error_ = '';
    } catch (error) {
      this.error_ = ParleyError.from(error).message;
    }
  }

  private select(label: string, test: string, kind: DeviceKind, devices: Device[]) {
    const chosen = this.choice[kind] ?? '';
    return html`<label
      >${label}
      <select
        data-test=${test}
        ?disabled=${devices.length === 0}
        @change=${(event: Event) =>
          this.dispatchEvent(
            new CustomEvent('choose', { detail: { kind, id: (event.target as HTMLSelectElement).value } }),
          )}
      >
        ${devices.length === 0
          ? html`<option value="">None found</option>`
          : devices.map((d) => html`<option value=${d.id} ?selected=${d.id === chosen}>${d.label}</option>`)}
      </select>
    </label>`;
  }

  override render() {
    const list = this.list_;
    if (this.error_) return html`<p class="error" role="alert">${this.error_}</p>`;
    if (!list) return html`<p>Looking for devices…</p>`;
    return html`
      ${this.select('Microphone', 'microphone-select', 'microphoneId', list.microphones)}
      ${this.select('Camera', 'camera-select', 'cameraId', list.cameras)}
      ${list.canChooseSpeaker ? this.select('Loudspeaker', 'speaker-select', 'speakerId', list.speakers) : nothing}
      ${list.namesHidden ? html`<p>The browser shows the names of devices once you have allowed their use.</p>` : nothing}
    `;
  }
}
