import { clockText } from '@parley/components';
import { ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { assistIcons } from '../../agent/src/assist/icons';
import type { LiveSession, SupervisorApi } from './api';

const kRefreshMs = 4_000;

const kSharing: Record<string, string> = { on: 'Shared', paused: 'Paused', sensitive: 'Sensitive page', asking: 'Asking', off: 'Not shared' };

/** What is running. Events: `watch` (detail: the cid), `failed` (detail: ParleyError). */
@customElement('parley-live')
export class LivePage extends LitElement {
  @property({ attribute: false }) api!: SupervisorApi;
  @state() private sessions_: LiveSession[] | null = null;
  @state() private error_: ParleyError | null = null;
  private timer_ = 0;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer_);
  }

  private async load(): Promise<void> {
    try {
      this.sessions_ = await this.api.sessions();
      this.error_ = null;
    } catch (thrown) {
      this.error_ = ParleyError.from(thrown);
      this.sessions_ ??= [];
      this.dispatchEvent(new CustomEvent('failed', { detail: this.error_ }));
    }
    if (this.isConnected) this.timer_ = window.setTimeout(() => void this.load(), kRefreshMs);
  }

  private row(session: LiveSession) {
    const agents = session.parties?.filter(({ role, state: how }) => role === 'agent' && how === 'joined') ?? [];
    const sharing = session.sharing ?? 'off';
    return html`<tr data-test="live-row" data-cid=${session.cid} data-sharing=${sharing}>
      <td><strong>${session.consumer?.name || 'Customer'}</strong>${session.title ? html`<small>${session.title}</small>` : nothing}</td>
      <td>${agents.map(({ name }) => name).join(', ') || '–'}</td>
      <td><span class="chip ${sharing === 'on' ? 'good' : sharing === 'paused' || sharing === 'sensitive' ? 'warn' : ''}">${kSharing[sharing] ?? sharing}</span></td>
      <td class="number">${session.startedAt ? clockText(new Date(session.startedAt)) : '–'}</td>
      <td><button class="button small" data-test="watch" @click=${() => this.dispatchEvent(new CustomEvent('watch', { detail: session.cid }))}>${assistIcons.look} Ask to watch<span class="sr"> ${session.consumer?.name || session.cid}</span></button></td>
    </tr>`;
  }

  override render() {
    const sessions = this.sessions_;
    return html`<div class="heading"><h1 tabindex="-1">Live sessions</h1></div>
      <p class="soft lead">The customer is asked before you see the page, and sees that you watch.</p>
      ${this.error_ ? html`<p class="error" role="alert" data-test="page-error" data-code=${this.error_.code}>${this.error_.message}</p>` : nothing}
      <section class="card live" aria-label="Live sessions">
        ${sessions === null
          ? html`<p class="soft" role="status">Loading…</p>`
          : sessions.length === 0
            ? html`<div class="empty" data-test="live-empty">${assistIcons.page}<p>Nobody is looking at a page together right now.</p></div>`
            : html`<div class="scroll"><table><thead><tr><th scope="col">Customer</th><th scope="col">Agents</th><th scope="col">Sharing</th><th scope="col" class="number">For</th><th scope="col"><span class="sr">Watch</span></th></tr></thead>
                <tbody>${sessions.map((session) => this.row(session))}</tbody></table></div>`}
      </section>`;
  }
}
