import { icons, type Toasts } from '@parley/components';
import { ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { applyTheme, currentTheme, toggleTheme } from '../../agent/src/theme';
import { api, type CallDetail, type CallSummary } from './api';
import './assist_page';
import type { Filter, Kind } from './call_filter';
import { callTable } from './call_list';
import { callPage } from './call_page';
import './performance_page';
import './users_page';

const kRefreshMs = 3_000;

type Page = 'loading' | 'login' | 'list' | 'call' | 'performance' | 'assist' | 'users';

/** Sign-in, the list of calls, one call, the performance log. Rendered into the page itself. */
@customElement('parley-admin-app')
export class AdminApp extends LitElement {
  @state() private page_: Page = 'loading';
  @state() private user_ = '';
  @state() private version_ = '';
  @state() private current_: CallSummary[] | null = null;
  @state() private recent_: CallSummary[] | null = null;
  @state() private call_: CallDetail | null = null;
  @state() private error_: ParleyError | null = null;
  @state() private loginError_: ParleyError | null = null;
  @state() private busy_ = false;
  @state() private filter_: Filter = { text: '', kind: 'all' };
  @state() private theme_ = currentTheme();
  private timer_: ReturnType<typeof setTimeout> | undefined;
  private readonly route_ = () => void this.load(true);

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    applyTheme();
    this.theme_ = currentTheme();
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
    return this.idAfter('calls');
  }

  private get assistCid(): string {
    return this.idAfter('assist');
  }

  private get assistRecord(): string {
    return new URLSearchParams(location.hash.split('?')[1]).get('record') ?? '';
  }

  private idAfter(part: string): string {
    const match = new RegExp(`^#/${part}/([^?]+)`).exec(location.hash);
    try {
      return match ? decodeURIComponent(match[1]!) : '';
    } catch {
      return '';
    }
  }

  /** What the address asks for. */
  private get wanted(): Page {
    if (this.callId) return 'call';
    const name = /^#\/(performance|assist|users)(?:\/|$)/.exec(location.hash)?.[1];
    return (name as Page | undefined) ?? 'list';
  }

  private async begin(): Promise<void> {
    try {
      const me = await api.me();
      this.user_ = me.name || me.user || '';
      this.version_ = me.version ?? '';
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
    const wanted = this.wanted;
    const id = this.callId;
    if (navigated && this.call_?.call !== id) this.call_ = null;
    try {
      await this.fetch(wanted, id);
      this.error_ = null;
    } catch (thrown) {
      if (this.expired(ParleyError.from(thrown))) return;
      this.error_ = ParleyError.from(thrown);
    }
    if (wanted !== this.wanted || id !== this.callId) return; // The address changed meanwhile; its own load follows.
    this.page_ = wanted;
    if (navigated) {
      this.requestUpdate(); // Another session of the same page.
      window.scrollTo(0, 0);
      void this.updateComplete.then(() => this.querySelector<HTMLElement>('h1')?.focus());
    }
    // These pages look after themselves.
    const settled = wanted === 'performance' || wanted === 'assist' || wanted === 'users' || (wanted === 'call' && this.call_?.state === 'ended');
    if (!settled) this.timer_ = setTimeout(() => void this.load(), kRefreshMs);
  }

  private async fetch(wanted: Page, id: string): Promise<void> {
    if (wanted === 'call') {
      const call = await api.call(id);
      if (id === this.callId) this.call_ = call;
    } else if (wanted === 'list') {
      const { current = [], recent = [] } = await api.calls();
      this.current_ = current;
      this.recent_ = recent;
    }
  }

  /** True: the sign-in is over, and the page says so. */
  private expired(error: ParleyError): boolean {
    if (error.code !== 'login.required') return false;
    this.page_ = 'login';
    this.loginError_ = new ParleyError(error.code, { text: 'Your sign-in has expired. Please sign in again.' });
    return true;
  }

  private async signIn(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    this.busy_ = true;
    this.loginError_ = null;
    try {
      const me = await api.login(String(form.get('user') ?? '').trim(), String(form.get('password') ?? ''));
      this.user_ = String(me.name || me.user || '');
      this.version_ = String(me.version ?? '');
      this.page_ = 'loading';
      await this.load(true);
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      const wait = error.retryAfter ? ` Try again in ${error.retryAfter} seconds.` : '';
      const text = error.code === 'login.failed' ? 'The user name or the password is wrong.' : error.message + wait;
      this.loginError_ = new ParleyError(error.code, { text });
    } finally {
      this.busy_ = false;
      if (this.loginError_) void this.updateComplete.then(() => this.querySelector<HTMLInputElement>('[name=password]')?.select());
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
        <p class="soft">Sign in to see calls, sessions and users.</p>
        <label>User name <input name="user" data-test="user" autocomplete="username" required autocapitalize="none" spellcheck="false" /></label>
        <label>Password <input name="password" type="password" data-test="password" autocomplete="current-password" required /></label>
        ${error ? html`<p class="error" role="alert" data-test="login-error" data-code=${error.code}>${error.message}</p>` : nothing}
        <button class="button primary" data-test="sign-in" ?disabled=${this.busy_}>${this.busy_ ? 'Signing in…' : 'Sign in'}</button>
      </form>
    </main>`;
  }

  private header() {
    const link = (path: string, page: Page, text: string) => html`<a href="#/${path}" data-test="nav-${page}" aria-current=${this.page_ === page || (page === 'list' && this.page_ === 'call') ? 'page' : nothing}>${text}</a>`;
    const other = this.theme_ === 'dark' ? 'Light colours' : 'Dark colours';
    return html`<header class="top">
      <div class="brand">${logo}<span>Parley</span>${this.version_ ? html`<small data-test="version">${this.version_}</small>` : nothing}</div>
      <nav aria-label="Main">${link('', 'list', 'Calls')}${link('assist', 'assist', 'Expert Assist')}${link('performance', 'performance', 'Performance')}${link('users', 'users', 'Users')}</nav>
      <span class="who">${this.user_}</span>
      <button class="tool" data-test="theme" aria-label=${other} title=${other} @click=${() => (this.theme_ = toggleTheme())}>${icons.theme}</button>
      <button class="tool" data-test="sign-out" aria-label="Sign out" title="Sign out" @click=${this.signOut}>${icons.signOut}</button>
    </header>`;
  }

  private listPage() {
    const set = (change: Partial<Filter>) => (this.filter_ = { ...this.filter_, ...change });
    return html`<main>
      <div class="heading">
        <h1 tabindex="-1">Calls</h1>
        <label class="search"><span class="sr">Which calls</span>
          <select data-test="kind" @change=${(e: Event) => set({ kind: (e.target as HTMLSelectElement).value as Kind })}>
            <option value="all" selected>All calls</option>
            <option value="phone">With a telephone</option>
            <option value="failed">That failed</option>
          </select>
        </label>
        <label class="search"><span class="sr">Search calls</span><input type="search" placeholder="Name, number, reason, id…" data-test="search" .value=${this.filter_.text} @input=${(e: Event) => set({ text: (e.target as HTMLInputElement).value })} /></label>
      </div>
      ${this.pageError()}
      ${callTable('Running', this.current_, 'current', 'No call is running.', this.filter_)}
      ${callTable('Recent', this.recent_, 'recent', 'No calls yet. The last 500 are listed here.', this.filter_)}
    </main>`;
  }

  private pageError() {
    const error = this.error_;
    return error ? html`<p class="error" role="alert" data-test="page-error" data-code=${error.code}>${error.message}</p>` : nothing;
  }

  private callPage() {
    const call = this.call_;
    if (!call) {
      return html`<main><p class="back"><a href="#/">← All calls</a></p><div class="heading"><h1 tabindex="-1">Call</h1></div>${this.pageError() === nothing ? html`<p class="soft">Loading…</p>` : this.pageError()}</main>`;
    }
    return callPage(call, this.pageError());
  }

  override render() {
    return html`
      ${this.page_ === 'loading' ? html`<main class="login"><p class="soft" role="status">One moment…</p></main>` : nothing}
      ${this.page_ === 'login' ? this.loginPage() : nothing}
      ${this.page_ === 'list' ? html`${this.header()}${this.listPage()}` : nothing}
      ${this.page_ === 'call' ? html`${this.header()}${this.callPage()}` : nothing}
      ${this.page_ === 'performance' ? html`${this.header()}<parley-performance @failed=${(e: Event) => this.expired((e as CustomEvent<ParleyError>).detail)}></parley-performance>` : nothing}
      ${this.page_ === 'assist' ? html`${this.header()}<parley-assist-sessions .cid=${this.assistCid} .record=${this.assistRecord} @failed=${(e: Event) => this.expired((e as CustomEvent<ParleyError>).detail)}></parley-assist-sessions>` : nothing}
      ${this.page_ === 'users' ? html`${this.header()}<parley-users @failed=${(e: Event) => this.expired((e as CustomEvent<ParleyError>).detail)}></parley-users>` : nothing}
      <parley-toasts></parley-toasts>
    `;
  }
}

const logo = html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0b5f6b" /><path
    d="M8 9h11a4 4 0 0 1 4 4v2a4 4 0 0 1-4 4h-5l-5 4v-4a3 3 0 0 1-3-3v-4a3 3 0 0 1 2-3z" fill="#fff" /></svg>`;
