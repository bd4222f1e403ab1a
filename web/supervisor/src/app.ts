import { icons, initials, type Toasts } from '@parley/components';
import { browserEnvironment, ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { keyed } from 'lit/directives/keyed.js';
import { AgentAssist } from '@parley/agents';
import { AssistDesk } from '../../agent/src/assist/assist_desk';
import '../../agent/src/assist/workspace';
import { logo } from '../../agent/src/panels';
import { applyTheme, currentTheme, toggleTheme } from '../../agent/src/theme';
import { SupervisorApi, type Supervisor } from './api';
import type { LibraryPage } from './library_page';
import './library_page';
import './live_page';

/** The supervisors' console: documents and links for agents (CON-2), and watching with consent. Rendered into the page itself. */
@customElement('parley-supervisor-app')
export class SupervisorApp extends LitElement {
  @state() private page_: 'loading' | 'login' | 'console' = 'loading';
  @state() private user_: Supervisor | null = null;
  @state() private loginError_: ParleyError | null = null;
  @state() private busy_ = false;
  @state() private theme_ = currentTheme();
  @state() private tab_: 'library' | 'live' = 'library';
  private readonly env_ = browserEnvironment();
  private readonly api_ = new SupervisorApi(this.env_);
  private readonly assistApi_ = new AgentAssist({ environment: this.env_, role: 'supervisor' });
  private readonly assist_ = new AssistDesk(this.assistApi_);
  private readonly route_ = () => {
    this.tab_ = location.hash === '#/live' ? 'live' : 'library';
    void this.updateComplete.then(() => this.querySelector<HTMLElement>('h1')?.focus());
  };

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    applyTheme();
    this.theme_ = currentTheme();
    this.tab_ = location.hash === '#/live' ? 'live' : 'library';
    window.addEventListener('hashchange', this.route_);
    this.assist_.on('changed', () => this.requestUpdate());
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('hashchange', this.route_);
    this.assist_.leave();
  }

  private get toasts(): Toasts | null {
    return this.querySelector<Toasts>('parley-toasts');
  }

  private async begin(): Promise<void> {
    try {
      this.enter(await this.api_.me());
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      this.page_ = 'login';
      if (error.code !== 'login.required') this.loginError_ = this.words(error);
    }
  }

  private enter(user: Supervisor): void {
    this.user_ = user;
    this.page_ = 'console';
    this.loginError_ = null;
    const wrong = this.assist_.openAddress(location.search);
    if (wrong) this.toasts?.error(wrong);
  }

  private words(error: ParleyError): ParleyError {
    const wait = error.retryAfter ? ` Try again in ${error.retryAfter} seconds.` : '';
    const texts: Record<string, string> = {
      'login.failed': 'The user name or the password is wrong.',
      'role.missing': 'This user is not a supervisor. Please sign in with a supervisor’s name.',
      'login.required': 'Your sign-in has expired. Please sign in again.',
    };
    return new ParleyError(error.code, { text: texts[error.code] ?? error.message + wait });
  }

  private async signIn(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    this.busy_ = true;
    this.loginError_ = null;
    try {
      this.enter(await this.api_.signIn(String(form.get('user') ?? '').trim(), String(form.get('password') ?? '')));
    } catch (thrown) {
      this.loginError_ = this.words(ParleyError.from(thrown));
    } finally {
      this.busy_ = false;
      if (this.loginError_) void this.updateComplete.then(() => this.querySelector<HTMLInputElement>('[name=password]')?.select());
    }
  }

  private async signOut(): Promise<void> {
    this.assist_.leave();
    // Afterwards nobody may.
    await this.querySelector<LibraryPage>('parley-library')?.removeNow();
    await this.api_.signOut().catch(() => undefined); // The cookie is then left to expire.
    this.page_ = 'login';
    this.user_ = this.loginError_ = null;
  }

  private failed(event: Event): void {
    const error = (event as CustomEvent<ParleyError>).detail;
    if (error.code !== 'login.required' && error.code !== 'role.missing') return;
    this.assist_.leave(true);
    this.page_ = 'login';
    this.loginError_ = this.words(error);
  }

  // ---- drawing

  private loginPage() {
    const error = this.loginError_;
    return html`<main class="login">
      <form class="card" data-test="login" @submit=${this.signIn}>
        <div class="brand">${logo}<span>Parley</span></div>
        <h1>Supervisor console</h1>
        <p class="soft">Sign in to look after documents and links.</p>
        <label>User name <input name="user" data-test="user" autocomplete="username" required autocapitalize="none" spellcheck="false" /></label>
        <label>Password <input name="password" type="password" data-test="password" autocomplete="current-password" required /></label>
        ${error ? html`<p class="error" role="alert" data-test="login-error" data-code=${error.code}>${error.message}</p>` : nothing}
        <button class="button primary" data-test="sign-in" ?disabled=${this.busy_}>${this.busy_ ? 'Signing in…' : 'Sign in'}</button>
      </form>
    </main>`;
  }

  private header() {
    const link = (path: string, tab: 'library' | 'live', text: string) => html`<a href="#/${path}" data-test="nav-${tab}" aria-current=${this.tab_ === tab ? 'page' : nothing}>${text}</a>`;
    const dark = this.theme_ === 'dark';
    return html`<header class="top">
      <div class="brand">${logo}<span>Parley</span></div>
      <nav aria-label="Main">${link('', 'library', 'Documents and links')}${link('live', 'live', 'Live sessions')}</nav>
      <span class="who"><span class="face" aria-hidden="true">${initials(this.user_?.name ?? '') || icons.person}</span><span data-test="agent-name">${this.user_?.name}</span></span>
      <button class="tool" data-test="theme" aria-label=${dark ? 'Light colours' : 'Dark colours'} title=${dark ? 'Light colours' : 'Dark colours'} @click=${() => (this.theme_ = toggleTheme())}>${icons.theme}</button>
      <button class="tool" data-test="sign-out" aria-label="Sign out" title="Sign out" @click=${this.signOut}>${icons.signOut}</button>
    </header>`;
  }

  private live() {
    const { session } = this.assist_;
    if (session) {
      return keyed(session, html`<h1 class="sr">Live session</h1><parley-workspace readonly .cobrowse=${session} .api=${this.assistApi_} @left=${() => this.assist_.leave()} @notice=${(event: Event) => this.toasts?.error((event as CustomEvent<ParleyError>).detail)}></parley-workspace>`);
    }
    return html`<parley-live .api=${this.api_} @failed=${this.failed} @watch=${(event: Event) => this.assist_.open((event as CustomEvent<string>).detail)}></parley-live>`;
  }

  override render() {
    const watching = this.tab_ === 'live' && this.assist_.session !== null;
    return html`
      ${this.page_ === 'loading' ? html`<main class="login"><p class="soft" role="status">One moment…</p></main>` : nothing}
      ${this.page_ === 'login' ? this.loginPage() : nothing}
      ${this.page_ === 'console'
        ? html`<div class="console supervisor ${watching ? 'assisting' : ''}" data-test="console">${this.header()}
            <main>${this.tab_ === 'library' ? html`<parley-library .api=${this.api_} @failed=${this.failed}></parley-library>` : this.live()}</main></div>`
        : nothing}
      <parley-toasts></parley-toasts>
    `;
  }
}
