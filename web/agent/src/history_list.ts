import { clockText, describeEnd, icons } from '@parley/components';
import type { EndedInfo, HistoryEntry } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

/** The agent's past calls, newest first, with the reason each ended. Event `redial` (detail: the number). */
@customElement('parley-history')
export class HistoryList extends LitElement {
  /** null while they are being fetched. */
  @property({ attribute: false }) calls: HistoryEntry[] | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  private row(entry: HistoryEntry) {
    const started = new Date(entry.startedAt);
    const today = started.toDateString() === new Date().toDateString();
    const when = today
      ? started.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
      : started.toLocaleDateString([], { day: 'numeric', month: 'short' });
    const talked = entry.answeredAt && entry.endedAt ? clockText(new Date(entry.answeredAt), Date.parse(entry.endedAt)) : '';
    const icon = !entry.answeredAt && entry.direction === 'in' ? icons.missed : entry.direction === 'out' ? icons.outgoing : icons.incoming;
    const kind = !entry.answeredAt ? (entry.direction === 'out' ? 'Outgoing call, not answered' : 'Missed call') : entry.direction === 'out' ? 'Outgoing call' : 'Incoming call';
    const { address = '', number = address === 'consumer' ? '' : address } = entry.peer ?? {};
    const name = entry.peer?.name || number || 'Customer';
    return html`<li data-test="history-row" data-call=${entry.call} data-reason=${entry.reason} data-direction=${entry.direction}>
      <span class="icon ${entry.answeredAt ? '' : 'missed'}" role="img" aria-label=${kind}>${icon}</span>
      <span class="what">
        <strong>${name}</strong>
        <small>${describeEnd({ reason: entry.reason, text: entry.text, by: entry.by as EndedInfo['by'] }, entry.direction, 'agent')}</small>
      </span>
      <span class="when"><time datetime=${entry.startedAt}>${when}</time>${talked ? html`<small>${talked}</small>` : nothing}</span>
      ${number
        ? html`<button class="tool" data-test="redial" aria-label="Call ${name}" title="Call ${number}" @click=${() => this.dispatchEvent(new CustomEvent('redial', { detail: number }))}>
            ${icons.phone}
          </button>`
        : nothing}
    </li>`;
  }

  override render() {
    const calls = this.calls;
    return html`<section class="card side history" aria-label="Past calls">
      <h2>Past calls</h2>
      ${calls === null
        ? html`<p class="soft">Loading…</p>`
        : calls.length === 0
          ? html`<div class="empty" data-test="history-empty">${icons.phone}<p>No calls yet. The calls you take are listed here.</p></div>`
          : html`<ul data-test="history">${calls.map((entry) => this.row(entry))}</ul>`}
    </section>`;
  }
}
