import type { Call } from '@parley/sdk';
import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import { icons } from './icons';
import { controls } from './tokens';
import { initials } from './texts';

/** One picture of a call: the remote one (with its sound) or one's own (mirrored, silent). */
@customElement('parley-video')
export class VideoView extends LitElement {
  static override styles = [
    controls,
    css`
      :host { position: relative; display: block; overflow: hidden; background: #10181f; color: #e8eef3; }
      video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: var(--p-video-fit, cover); background: #10181f; }
      video.mirrored { transform: scaleX(-1); }
      .cover { position: absolute; inset: 0; background: radial-gradient(circle at 50% 42%, #1c3640, #10181f 75%); display: grid; place-content: center; justify-items: center; gap: 10px; padding: 12px; text-align: center; }
      .face {
        display: grid; place-items: center; width: var(--p-face, 84px); height: var(--p-face, 84px); border-radius: 50%;
        background: #24404a; font-size: calc(var(--p-face, 84px) * .36); font-weight: 600; letter-spacing: .02em;
      }
      .face svg { width: 50%; height: 50%; }
      .cover p { margin: 0; font-size: 14px; color: #c3d0da; }
    `,
  ];

  @property({ attribute: false }) call: Call | null = null;
  @property({ attribute: false }) stream: MediaStream | null = null;
  /** `remote`: the call's remote stream; `local`: `stream`. */
  @property() source: 'remote' | 'local' = 'remote';
  @property() name = '';
  /** Shown instead of the picture; empty: the picture. */
  @property() cover: string | null = null;
  @property({ type: Boolean }) compact = false;
  @query('video') private video_!: HTMLVideoElement;

  protected override updated(changed: PropertyValues): void {
    const video = this.video_;
    if (this.source === 'local') {
      video.muted = true;
      if (video.srcObject !== this.stream) video.srcObject = this.stream;
      return;
    }
    if (changed.has('call')) {
      (changed.get('call') as Call | null | undefined)?.detachRemote(video);
      this.call?.attachRemote(video);
    }
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated && this.source === 'remote') this.call?.attachRemote(this.video_);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.source === 'remote') this.call?.detachRemote(this.video_);
    else if (this.video_) this.video_.srcObject = null;
  }

  override render() {
    const local = this.source === 'local';
    return html`<video
        class=${local ? 'mirrored' : ''}
        data-test="${this.source}-video"
        aria-label=${local ? 'Your own picture' : `Picture of ${this.name || 'the other side'}`}
        playsinline
        autoplay
        .muted=${local}
      ></video>
      ${this.cover === null
        ? nothing
        : html`<div class="cover">
            ${this.compact ? nothing : html`<div class="face" aria-hidden="true">${initials(this.name) || icons.deskPhone}</div>`}
            ${this.cover ? html`<p>${this.cover}</p>` : nothing}
          </div>`}`;
  }
}
