import { icons, type Toasts } from '@parley/components';
import { ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { api, type CallDetail, type CallSummary } from './api';
import { findings, talkTime, whyEnded } from './diagnose';
import './ladder';
import './legs';
import { setupTimes } from './setup_times';

const kRefreshMs = 3_000;

/** Sign-in, the list of calls, one call. Rendered into the page itself. */
@customElement('parley-admin-app')
export class AdminApp extends LitElement {
  @state() private page_: 'loading' | 'login' | 'list' | 'call' = 'loading';
  @state() private user_ = '';
  @state() private current_: CallSummary[] | null = null;
  @state() private recent_: CallSummary[] | null = null;
  @state() private call_: CallDetail | null = null;
  @state() private error_: ParleyError | null = null;
  @state() private loginError_: ParleyError | null = null;
  @state() private busy_ = false;
  @state() private filter_ = '';
  private timer_: ReturnType<typeof setTimeout> | undefined;
  private readonly route_ = () => void this.load(true);

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('hashchange', this.route_);
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('hashchange', this.route_);
    clearTimeout(this.timer_);
  }

  private get toasts(): Toasts | null {
    return this.querySelector<Toasts>('parley-toasts');
  }

  private get callId(): string {
    const match = /^#\/calls\/(.+)$/.exec(location.hash);
    try {
      return match ? decodeURIComponent(match[1]!) : '';
    } catch {
      return '';
    }
  }

  private async begin(): Promise<void> {
    try {
      const me = await api.me();
      this.user_ = me.name || me.user || '';
      await this.load(true);
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      this.page_ = 'login';
      if (error.code !== 'login.required') this.loginError_ = error;
    }
  }

  /** Reads what the address asks for, and again every few seconds while something may change. */
  private async load(navigated = false): Promise<void> {
    clearTimeout(this.timer_);
    if (this.page_ === 'login') return;
    const id = this.callId;
    if (navigated && this.call_?.call !== id) this.call_ = null;
    try {
      if (id) {
        const call = await api.call(id);
        if (id !== this.callId) return;
        this.call_ = call;
      } else {
        const { current = [], recent = [] } = await api.calls();
        if (this.callId) return;
        this.current_ = current;
        this.recent_ = recent;
      }
      this.error_ = null;
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      if (error.code === 'login.required') {
        this.page_ = 'login';
        this.loginError_ = new ParleyError(error.code, { text: 'Your sign-in has expired. Please sign in again.' });
        return;
      }
      this.error_ = error;
    }
    this.page_ = id ? 'call' : 'list';
    if (navigated) {
      window.scrollTo(0, 0);
      void this.updateComplete.then(() => this.querySelector<HTMLElement>('h1')?.focus());
    }
    const settled = id !== '' && this.call_?.state === 'ended';
    if (!settled) this.timer_ = setTimeout(() => void this.load(), kRefreshMs);
  }

  private async signIn(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    this.busy_ = true;
    this.loginError_ = null;
    try {
      const me = await api.login(String(form.get('user') ?? '').trim(), String(form.get('password') ?? ''));
      this.user_ = String(me.name || me.user || '');
      this.page_ = 'loading';
      await this.load(true);
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      const wait = error.retryAfter ? ` Try again in ${error.retryAfter} seconds.` : '';
      const text = error.code === 'login.failed' ? 'User name or password is not right.' : error.message + wait;
      this.loginError_ = new ParleyError(error.code, { text });
    } finally {
      this.busy_ = false;
    }
  }

  private async signOut(): Promise<void> {
    clearTimeout(this.timer_);
    try {
      await api.logout();
    } catch (error) {
      this.toasts?.error(error);
    }
    this.current_ = this.recent_ = this.call_ = null;
    this.page_ = 'login';
    this.loginError_ = null;
  }

  // ---- drawing

  private loginPage() {
    const error = this.loginError_;
    return html`<main class="login">
      <form class="card" data-test="login" @submit=${this.signIn}>
        <div class="brand">${logo}<span>Parley</span></div>
        <h1>Administration</h1>
        <label>User name <input name="user" data-test="user" autocomplete="username" required autocapitalize="none" spellcheck="false" /></label>
        <label>Password <input name="password" type="password" data-test="password" autocomplete="current-password" required /></label>
        ${error ? html`<p class="error" role="alert" data-test="login-error" data-code=${error.code}>${error.message}</p>` : nothing}
        <button class="button primary" data-test="sign-in" ?disabled=${this.busy_}>${this.busy_ ? 'Signing in…' : 'Sign in'}</button>
      </form>
    </main>`;
  }

  private header() {
    return html`<header class="top">
      <div class="brand">${logo}<span>Parley</span></div>
      <nav aria-label="Main"><a href="#/" aria-current=${this.page_ === 'list' ? 'page' : nothing}>Calls</a></nav>
      <span class="who">${this.user_}</span>
      <button class="tool" data-test="sign-out" aria-label="Sign out" title="Sign out" @click=${this.signOut}>${icons.signOut}</button>
    </header>`;
  }

  private row(call: CallSummary, test: string) {
    const started = new Date(call.startedAt);
    return html`<tr data-test=${test} data-call=${call.call} data-state=${call.state} data-reason=${call.reason ?? ''}>
      <td><time datetime=${call.startedAt}>${started.toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' })}</time></td>
      <td>${call.consumer?.name || 'Customer'}</td>
      <td>${call.agent?.name || call.agent?.address || '–'}</td>
      <td><span class="state ${call.state}">${call.state === 'ended' ? (call.reason ?? 'ended').replaceAll('_', ' ') : call.state}</span></td>
      <td class="number">${talkTime(call) || '–'}</td>
      <td><a href="#/calls/${encodeURIComponent(call.call)}" data-test="call-link">Show<span class="sr"> call of ${call.consumer?.name || 'customer'} at ${started.toLocaleTimeString()}</span></a></td>
    </tr>`;
  }

  private table(title: string, calls: CallSummary[] | null, test: string, empty: string) {
    const needle = this.filter_.trim().toLowerCase();
    const match = (call: CallSummary) =>
      !needle || [call.call, call.consumer?.name, call.agent?.name, call.agent?.address, call.reason, call.correlationId].some((v) => v?.toLowerCase().includes(needle));
    const shown = calls?.filter(match) ?? [];
    return html`<section class="card list" aria-label=${title}>
      <h2>${title} ${calls ? html`<small>${calls.length}</small>` : nothing}</h2>
      ${calls === null
        ? html`<p class="soft">Loading…</p>`
        : shown.length === 0
          ? html`<p class="soft" data-test="${test}-empty">${needle ? 'No call matches the search.' : empty}</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="${title}, table"><table>
              <thead><tr><th scope="col">Started</th><th scope="col">Customer</th><th scope="col">Agent</th><th scope="col">State</th><th scope="col" class="number">Talked</th><th scope="col"><span class="sr">Details</span></th></tr></thead>
              <tbody>${shown.map((call) => this.row(call, `${test}-row`))}</tbody>
            </table></div>`}
    </section>`;
  }

  private listPage() {
    return html`<main>
      <div class="heading">
        <h1 tabindex="-1">Calls</h1>
        <label class="search"><span class="sr">Search calls</span><input type="search" placeholder="Name, reason, id…" data-test="search" .value=${this.filter_} @input=${(e: Event) => (this.filter_ = (e.target as HTMLInputElement).value)} /></label>
      </div>
      ${this.pageError()}
      ${this.table('Running', this.current_, 'current', 'No call is running.')}
      ${this.table('Recent', this.recent_, 'recent', 'No calls yet. The last 500 are listed here.')}
    </main>`;
  }

  private pageError() {
    const error = this.error_;
    return error ? html`<p class="error" role="alert" data-test="page-error" data-code=${error.code}>${error.message}</p>` : nothing;
  }

  private callPage() {
    const call = this.call_;
    if (!call) {
      return html`<main><div class="heading"><h1 tabindex="-1">Call</h1></div><p><a href="#/">← All calls</a></p>${this.pageError() === nothing ? html`<p class="soft">Loading…</p>` : this.pageError()}</main>`;
    }
    const legs = ['consumer', 'agent'].map((id) => ({
      party: call.legs?.find((leg) => leg.id === id) ?? null,
      leg: call.media?.legs?.find((leg) => leg.id === id) ?? null,
    }));
    const troubled = call.state === 'ended' && !['hung_up', 'cancelled'].includes(call.reason ?? '');
    const fact = (name: string, value: string | undefined) => (value ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing);
    const time = (value: string | undefined) => (value ? new Date(value).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' }) : undefined);
    return html`<main>
      <p class="back"><a href="#/">← All calls</a></p>
      <div class="heading">
        <h1 tabindex="-1">${call.consumer?.name || 'Customer'} → ${call.agent?.name || call.agent?.address || 'agent'}</h1>
        <span class="state ${call.state}">${call.state}</span>
      </div>
      ${this.pageError()}
      <section class="card why ${troubled ? 'trouble' : ''}" data-test="why" data-reason=${call.reason ?? ''} data-by=${call.by ?? ''}>
        <h2>${call.state === 'ended' ? 'Why it ended' : 'State'}</h2>
        <p class="sentence">${whyEnded(call)}</p>
        <ul class="findings">${findings(call).map((f) => html`<li class=${f.level}>${f.text}</li>`)}</ul>
        <dl>
          ${fact('Started', time(call.startedAt))} ${fact('Answered', time(call.answeredAt))} ${fact('Media connected', time(call.connectedAt))}
          ${fact('Ended', time(call.endedAt))} ${fact('Talked', talkTime(call))} ${fact('Reason', call.reason)} ${fact('Ended by', call.by)}
          ${fact('Broker', call.broker)} ${fact('Correlation id', call.correlationId)} ${fact('Call id', call.call)}
        </dl>
      </section>
      <parley-ladder .entries=${call.timeline ?? []} .dropped=${call.dropped ?? 0}></parley-ladder>
      <div class="legs">${legs.map(({ leg, party }) => html`<parley-leg .leg=${leg} .party=${party}></parley-leg>`)}</div>
      <div class="legs">${setupTimes(call.timeline ?? [])}</div>
    </main>`;
  }

  override render() {
    return html`
      ${this.page_ === 'loading' ? html`<main class="login"><p class="soft" role="status">One moment…</p></main>` : nothing}
      ${this.page_ === 'login' ? this.loginPage() : nothing}
      ${this.page_ === 'list' ? html`${this.header()}${this.listPage()}` : nothing}
      ${this.page_ === 'call' ? html`${this.header()}${this.callPage()}` : nothing}
      <parley-toasts></parley-toasts>
    `;
  }
}

const logo = html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0b5f6b" /><path
    d="M8 9h11a4 4 0 0 1 4 4v2a4 4 0 0 1-4 4h-5l-5 4v-4a3 3 0 0 1-3-3v-4a3 3 0 0 1 2-3z" fill="#fff" /></svg>`;
