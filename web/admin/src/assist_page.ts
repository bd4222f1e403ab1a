import { clockText, icons } from '@parley/components';
import { ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { api, type AssistDetail, type AssistReceipt, type AssistSummary } from './api';
import { reasonWords, shortTime } from './call_filter';
import './ladder';
import { kAssistLanes } from './lanes';

const kRefreshMs = 4_000;

const time = (value: string | undefined) => (value ? new Date(value).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' }) : '–');
const customer = (session: AssistSummary) => session.consumer?.name || 'Customer';
const agents = (session: AssistSummary) => (session.parties ?? []).filter(({ role }) => role !== 'consumer').map(({ name, role }) => (role === 'supervisor' ? `${name} (watching)` : name)).join(', ');
const kSharing: Record<string, string> = { on: 'shared', paused: 'paused', sensitive: 'sensitive page', asking: 'asking', off: 'not shared' };

/** Co-browse sessions with their masking receipts. `cid`: one of them, `record`: which, if it had several. Event `failed` (detail: ParleyError). */
@customElement('parley-assist-sessions')
export class AssistSessions extends LitElement {
  @property() cid = '';
  @property() record = '';
  @state() private current_: AssistSummary[] | null = null;
  @state() private recent_: AssistSummary[] | null = null;
  @state() private detail_: AssistDetail | null = null;
  @state() private error_: ParleyError | null = null;
  private timer_ = 0;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer_);
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (!changed.has('cid') && !changed.has('record')) return;
    this.detail_ = this.error_ = null;
    void this.load();
  }

  private async load(): Promise<void> {
    clearTimeout(this.timer_);
    const { cid, record } = this;
    const same = () => cid === this.cid && record === this.record;
    try {
      if (cid) {
        const detail = await api.assistSession(cid, record);
        if (same()) this.detail_ = detail;
      } else {
        const { current = [], recent = [] } = await api.assistSessions();
        [this.current_, this.recent_] = [current, recent];
      }
      this.error_ = null;
    } catch (thrown) {
      this.error_ = ParleyError.from(thrown);
      this.dispatchEvent(new CustomEvent('failed', { detail: this.error_ }));
    }
    if (this.isConnected && same() && !this.detail_?.endedAt) this.timer_ = window.setTimeout(() => void this.load(), kRefreshMs);
  }

  // ---- drawing

  private row(session: AssistSummary, test: string) {
    const receipts = session.receipts ?? 0;
    return html`<tr data-test=${test} data-cid=${session.cid} data-reason=${session.reason ?? ''}>
      <td><time datetime=${session.startedAt} title=${time(session.startedAt)}>${shortTime(session.startedAt)}</time></td>
      <td><a href="#/assist/${encodeURIComponent(session.cid)}${session.record ? `?record=${session.record}` : ''}" data-test="assist-link">${customer(session)}<span class="sr">, session at ${shortTime(session.startedAt)}</span></a>${session.title ? html`<small>${session.title}</small>` : nothing}</td>
      <td>${agents(session) || '–'}</td>
      <td><span class="state ${session.endedAt ? '' : session.sharing === 'on' ? 'connected' : ''}">${session.endedAt ? reasonWords(session.reason) : (kSharing[session.sharing ?? 'off'] ?? session.sharing)}</span></td>
      <td class="number">${session.startedAt ? clockText(new Date(session.startedAt), session.endedAt ? Date.parse(session.endedAt) : undefined) : '–'}</td>
      <td class="number">${receipts}</td>
    </tr>`;
  }

  private table(title: string, sessions: AssistSummary[] | null, test: string, empty: string) {
    return html`<section class="card list" aria-label="${title} sessions">
      <h2>${title} ${sessions ? html`<small>${sessions.length}</small>` : nothing}</h2>
      ${sessions === null
        ? html`<p class="soft">Loading…</p>`
        : sessions.length === 0
          ? html`<p class="soft" data-test="${test}-empty">${empty}</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="${title} sessions, table"><table class="even">
              <thead><tr><th scope="col">Started</th><th scope="col">Customer</th><th scope="col">With</th><th scope="col">State</th><th scope="col" class="number">Lasted</th><th scope="col" class="number">Receipts</th></tr></thead>
              <tbody>${sessions.map((session) => this.row(session, test))}</tbody>
            </table></div>`}
    </section>`;
  }

  private receipt(receipt: AssistReceipt) {
    const masked = receipt.masked ?? [];
    return html`<tr data-test="receipt">
      <td><time datetime=${receipt.at}>${time(receipt.at)}</time></td>
      <td class="wrap">${masked.length === 0 ? html`<span class="soft">nothing to mask on this page</span>` : masked.map(({ label, rule, count }) => html`<div>${label || 'Without a label'}${count > 1 ? ` × ${count}` : ''} <small>${rule}</small></div>`)}</td>
      <td class="wrap">${receipt.unmaskable ? html`<span class="state up">${receipt.unmaskable} ${receipt.unmaskable === 1 ? 'picture' : 'pictures'}</span><small>of the filmed tab, not sent: a masked part was not black yet</small>` : '–'}</td>
    </tr>`;
  }

  private one() {
    const session = this.detail_;
    const error = this.pageError();
    if (!session) return html`<main><p class="back"><a href="#/assist">← All sessions</a></p><div class="heading"><h1 tabindex="-1">Session</h1></div>${error === nothing ? html`<p class="soft">Loading…</p>` : error}</main>`;
    const fact = (name: string, value: unknown) => (value ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing);
    const megabytes = session.bytes ? `${(session.bytes / 1e6).toFixed(1)} MB in ${session.frames ?? 0} pictures` : '';
    const receipts = session.receipts ?? [];
    return html`<main data-test="assist-session" data-cid=${session.cid}>
      <p class="back"><a href="#/assist">← All sessions</a></p>
      <div class="heading"><h1 tabindex="-1">${customer(session as unknown as AssistSummary)}${session.title ? html` <small>${session.title}</small>` : nothing}</h1>
        <span class="state ${session.endedAt ? 'ended' : 'connected'}">${session.endedAt ? 'ended' : (kSharing[session.sharing ?? 'off'] ?? session.sharing)}</span></div>
      ${error}
      <section class="card">
        <h2>Session</h2>
        ${session.endedAt ? html`<p>${session.text || reasonWords(session.reason)}</p>` : nothing}
        <dl>
          ${fact('Started', time(session.startedAt))} ${session.endedAt ? fact('Ended', time(session.endedAt)) : nothing} ${fact('Took part', agents(session as unknown as AssistSummary))}
          ${fact('How it was shown', session.fidelity === 'capture' ? 'the tab was filmed' : 'the page was painted')} ${fact('Sent by the customer', megabytes)}
          ${session.call ? fact('Call', html`<a href="#/calls/${encodeURIComponent(session.call)}">${session.call}</a>`) : nothing} ${fact('Session id', session.cid)}
        </dl>
      </section>
      <section class="card list receipts" aria-label="Masking receipts">
        <h2>Masking receipts <small>${receipts.length}</small></h2>
        <p class="soft">What the customer’s browser blackened before a picture left it, and by which rule.</p>
        ${receipts.length === 0
          ? html`<p class="soft" data-test="receipts-empty">None: the page was not shared, or it has not said yet.</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Masking receipts, table"><table>
              <thead><tr><th scope="col">When</th><th scope="col">Masked</th><th scope="col">Withheld</th></tr></thead>
              <tbody>${receipts.map((receipt) => this.receipt(receipt))}</tbody></table></div>`}
        ${session.droppedReceipts ? html`<p class="soft">${session.droppedReceipts} more were not kept.</p>` : nothing}
      </section>
      ${session.timeline?.length ? html`<parley-ladder .entries=${session.timeline} .dropped=${session.dropped ?? 0} .always=${kAssistLanes}></parley-ladder>` : nothing}
    </main>`;
  }

  private pageError() {
    const error = this.error_;
    return error ? html`<p class="error" role="alert" data-test="page-error" data-code=${error.code}>${error.message}</p>` : nothing;
  }

  override render() {
    if (this.cid) return this.one();
    return html`<main data-test="assist-sessions">
      <div class="heading"><div><p class="kicker">Expert Assist</p><h1 tabindex="-1">Co-browse sessions</h1></div></div>
      ${this.pageError()}
      ${this.current_?.length === 0 && this.recent_?.length === 0
        ? html`<section class="card empty" data-test="assist-empty">${icons.person}<p class="soft">No customer has shared a page yet. Sessions and what was masked in them are listed here.</p></section>`
        : html`${this.table('Running', this.current_, 'assist-current', 'Nobody shares a page now.')}${this.table('Recent', this.recent_, 'assist-recent', 'None yet. The last 200 are listed here.')}`}
    </main>`;
  }
}
