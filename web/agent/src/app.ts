import {
  describeConnection,
  describeEnd,
  icons,
  initials,
  type DeviceChoice,
  type Toasts,
} from '@parley/components';
import {
  AgentClient,
  ParleyError,
  type AgentUser,
  type Availability,
  type Call,
  type ConnectionState,
  type EndedInfo,
  type HistoryEntry,
} from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { Ringer } from './ringer';
import { applyTheme, currentTheme, toggleTheme } from './theme';
import './history_list';

interface LastCall {
  id: string;
  name: string;
  ended: EndedInfo;
}

const kDevicesKey = 'parley.agent.devices';

/** The agent console. Rendered into the page itself (no shadow root), as the page is its own. */
@customElement('parley-agent-app')
export class AgentApp extends LitElement {
  @state() private page_: 'loading' | 'login' | 'console' = 'loading';
  @state() private user_: AgentUser | null = null;
  @state() private connection_: ConnectionState = 'idle';
  @state() private availability_: Availability | null = null;
  @state() private ringing_: Call | null = null;
  @state() private answering_ = false;
  @state() private call_: Call | null = null;
  @state() private last_: LastCall | null = null;
  @state() private history_: HistoryEntry[] | null = null;
  @state() private loginError_: ParleyError | null = null;
  @state() private signingIn_ = false;
  @state() private settings_ = false;
  @state() private theme_ = currentTheme();
  @state() private setup_ = '';
  private devices_: Partial<DeviceChoice> = loadDevices();
  private readonly processing_ = new URLSearchParams(location.search).get('audioProcessing') !== 'off';
  private client_ = new AgentClient({ capture: this.capture() });
  private readonly ringer_ = new Ringer();
  private readonly keys_ = (event: KeyboardEvent) => this.keyPressed(event);

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    applyTheme();
    this.theme_ = currentTheme();
    document.addEventListener('keydown', this.keys_);
    document.addEventListener('pointerdown', () => this.ringer_.unlock(), { once: true });
    this.listen(this.client_);
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.keys_);
    this.ringer_.stop();
  }

  private get toasts(): Toasts | null {
    return this.querySelector<Toasts>('parley-toasts');
  }

  private capture() {
    const { cameraId, microphoneId } = this.devices_;
    return { cameraId: cameraId || undefined, microphoneId: microphoneId || undefined, audioProcessing: this.processing_ };
  }

  private listen(client: AgentClient): void {
    client.on('connection', (state) => (this.connection_ = state));
    client.on('availability', (state) => (this.availability_ = state));
    client.on('incoming', (call) => this.rings(call));
    client.on('rejoined', (call) => {
      this.toasts?.show('You are back in your call.', { code: 'rejoined', seconds: 4 });
      this.enter(call);
    });
    client.on('notice', (error) => this.toasts?.error(error));
    client.on('failed', (error) => {
      if (error.code === 'login.required') this.toLogin(new ParleyError('login.required', { text: 'Your sign-in has expired. Please sign in again.' }));
      else if (error.code !== 'session.replaced') this.toasts?.error(error);
    });
  }

  private async begin(): Promise<void> {
    try {
      const user = await this.client_.whoAmI();
      if (!user) return void (this.page_ = 'login');
      await this.enterConsole(user);
    } catch (error) {
      this.page_ = 'login';
      this.loginError_ = ParleyError.from(error);
    }
  }

  private async enterConsole(user: AgentUser): Promise<void> {
    this.user_ = user;
    this.page_ = 'console';
    this.loginError_ = null;
    void this.loadHistory();
    await this.client_.connect().catch((error: unknown) => {
      if (ParleyError.from(error).code !== 'session.replaced') throw error;
    });
  }

  private toLogin(error: ParleyError | null): void {
    this.ringer_.stop();
    this.page_ = 'login';
    this.user_ = this.ringing_ = this.call_ = this.last_ = this.history_ = this.availability_ = null;
    this.loginError_ = error;
  }

  private async signIn(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    this.ringer_.unlock();
    const form = new FormData(event.target as HTMLFormElement);
    this.signingIn_ = true;
    this.loginError_ = null;
    try {
      const user = await this.client_.signIn(String(form.get('user') ?? '').trim(), String(form.get('password') ?? ''));
      await this.enterConsole(user);
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      const wait = error.retryAfter ? ` Try again in ${error.retryAfter} seconds.` : '';
      this.loginError_ =
        error.code === 'login.failed'
          ? new ParleyError(error.code, { text: 'User name or password is not right.' })
          : new ParleyError(error.code, { text: error.message + wait });
    } finally {
      this.signingIn_ = false;
    }
  }

  private async signOut(): Promise<void> {
    this.ringer_.stop();
    await this.client_.signOut().catch(() => undefined); // The cookie is then left to expire; the session is closed.
    this.toLogin(null);
  }

  private async reconnect(): Promise<void> {
    try {
      await this.client_.connect();
    } catch (error) {
      this.toasts?.error(error);
    }
  }

  private async loadHistory(): Promise<void> {
    try {
      this.history_ = await this.client_.history();
    } catch {
      this.history_ ??= [];
    }
  }

  private rings(call: Call): void {
    if (this.ringing_) return call.reject('busy');
    this.ringing_ = call;
    this.last_ = null;
    this.ringer_.start(call.peer.name || 'A customer');
    call.on('changed', () => this.requestUpdate());
    call.on('state', ({ state }) => {
      if (state === 'ringing') return;
      this.ringer_.stop();
      if (this.ringing_ !== call) return;
      this.ringing_ = null;
      if (state !== 'ended') this.enter(call);
    });
    call.on('ended', (ended) => this.left(call, ended));
    void this.updateComplete.then(() => this.querySelector<HTMLElement>('[data-test=answer]')?.focus());
  }

  private enter(call: Call): void {
    if (this.call_ === call) return;
    this.call_ = call;
    this.last_ = null;
    this.setup_ = '';
    call.on('changed', () => this.requestUpdate());
    call.on('setup', (setup) => (this.setup_ = JSON.stringify(setup)));
    call.on('localStream', () => {
      const speaker = this.devices_.speakerId;
      if (speaker) call.setSpeaker(speaker).catch(() => undefined); // Unplugged since: the default plays.
    });
    call.on('ended', (ended) => this.left(call, ended));
  }

  private left(call: Call, ended: EndedInfo): void {
    if (this.ringing_ === call) this.ringing_ = null;
    if (this.call_ === call) this.call_ = null;
    this.answering_ = false;
    this.ringer_.stop();
    this.last_ = { id: call.id, name: call.peer.name || 'Customer', ended };
    // The gateway writes its record after the end, once the broker has reported.
    for (const wait of [300, 1500]) setTimeout(() => this.user_ && void this.loadHistory(), wait);
  }

  private async answer(): Promise<void> {
    const call = this.ringing_;
    if (!call || this.answering_) return;
    this.answering_ = true;
    this.ringer_.stop();
    try {
      await call.answer(this.capture());
    } catch (error) {
      if (!call.ended) this.toasts?.error(error);
    } finally {
      this.answering_ = false;
    }
  }

  private keyPressed(event: KeyboardEvent): void {
    if (!this.ringing_ || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    const key = event.key.toLowerCase();
    if (key === 'a') void this.answer();
    else if (key === 'r') this.ringing_.reject();
    else return;
    event.preventDefault();
  }

  private toggleAvailability(): void {
    try {
      this.client_.setAvailability(this.availability_ === 'away' ? 'available' : 'away');
    } catch (error) {
      this.toasts?.error(error);
    }
    this.askNotification();
  }

  /** Asked from a click, once, where it makes sense. */
  private askNotification(): void {
    if ('Notification' in window && Notification.permission === 'default') void Notification.requestPermission().catch(() => undefined);
  }

  private chooseDevice(choice: Partial<DeviceChoice>): void {
    this.devices_ = { ...choice };
    try {
      localStorage.setItem(kDevicesKey, JSON.stringify(choice));
    } catch {
      // Lasts until the page is closed.
    }
    this.client_.setCapture(this.capture());
  }

  // ---- drawing

  private loginPage() {
    const error = this.loginError_;
    return html`<main class="login">
      <form class="card" data-test="login" @submit=${this.signIn}>
        <div class="brand">${logo}<span>Parley</span></div>
        <h1>Agent console</h1>
        <p class="soft">Sign in to take calls.</p>
        <label>User name <input name="user" data-test="user" autocomplete="username" required autocapitalize="none" spellcheck="false" /></label>
        <label>Password <input name="password" type="password" data-test="password" autocomplete="current-password" required /></label>
        ${error ? html`<p class="error" role="alert" data-test="login-error" data-code=${error.code}>${error.message}</p>` : nothing}
        <button class="button primary" data-test="sign-in" ?disabled=${this.signingIn_}>${this.signingIn_ ? 'Signing in…' : 'Sign in'}</button>
      </form>
    </main>`;
  }

  private header() {
    const up = this.connection_ === 'connected';
    const away = this.availability_ === 'away';
    return html`<header class="top">
      <div class="brand">${logo}<span>Parley</span></div>
      <button
        class="switch"
        role="switch"
        data-test="availability"
        data-state=${this.availability_ ?? 'unknown'}
        aria-checked=${String(this.availability_ !== null && !away)}
        aria-label="Available for calls"
        ?disabled=${!up || this.availability_ === null || this.availability_ === 'busy'}
        @click=${this.toggleAvailability}
      >
        <span class="track" aria-hidden="true"></span>
        <span aria-hidden="true">${this.availability_ === 'busy' ? (this.call_ ? 'In a call' : 'Busy') : this.availability_ === null ? '…' : away ? 'Away' : 'Available'}</span>
      </button>
      <span class="connection ${this.connection_}" role="status" data-test="connection" data-state=${this.connection_}>
        ${describeConnection(this.connection_)}
      </span>
      <span class="who"><span class="face" aria-hidden="true">${initials(this.user_?.name ?? '')}</span><span data-test="agent-name">${this.user_?.name}</span></span>
      <button class="tool" data-test="settings" aria-expanded=${String(this.settings_)} aria-label="Camera and microphone" title="Camera and microphone"
        @click=${() => (this.settings_ = !this.settings_)}>${icons.settings}</button>
      <button class="tool" data-test="theme" aria-label=${this.theme_ === 'dark' ? 'Light colours' : 'Dark colours'} title=${this.theme_ === 'dark' ? 'Light colours' : 'Dark colours'}
        @click=${() => (this.theme_ = toggleTheme())}>${icons.theme}</button>
      <button class="tool" data-test="sign-out" aria-label="Sign out" title="Sign out" @click=${this.signOut}>${icons.signOut}</button>
    </header>`;
  }

  private ringingPanel(call: Call) {
    const name = call.peer.name || 'A customer';
    return html`<section class="ringing card" role="alertdialog" aria-labelledby="caller" aria-describedby="caller-more" data-test="ringing" data-call=${call.id}>
      <div class="pulse" aria-hidden="true"><span class="face">${initials(name)}</span></div>
      <p class="soft">${call.media.video ? 'Video call' : 'Voice call'}</p>
      <h2 id="caller" data-test="caller-name">${name}</h2>
      <p class="soft" id="caller-more" data-test="caller-address">${call.peer.address === 'consumer' ? 'From the web site' : call.peer.address}</p>
      <div class="row">
        <button class="button good" data-test="answer" ?disabled=${this.answering_} @click=${this.answer}>
          ${icons.phone} ${this.answering_ ? 'Answering…' : 'Answer'} <kbd>A</kbd>
        </button>
        <button class="button bad" data-test="reject" ?disabled=${this.answering_} @click=${() => call.reject()}>${icons.hangUp} Reject <kbd>R</kbd></button>
      </div>
    </section>`;
  }

  private callView(call: Call) {
    return html`<section class="call card" aria-label="Call" data-test="call" data-state=${call.state} data-call=${call.id} data-setup=${this.setup_ || nothing}>
      <parley-call-view
        layout="stage"
        detailed
        .call=${call}
        .devices=${this.client_.devices}
        .choice=${this.devices_}
        @devices=${(event: Event) => this.chooseDevice((event as CustomEvent<DeviceChoice>).detail)}
      ></parley-call-view>
    </section>`;
  }

  private idle() {
    const away = this.availability_ === 'away';
    const words: Record<string, [string, string]> = {
      replaced: ['You are signed in elsewhere', 'This account was opened in another window. Calls ring there.'],
      closed: ['Not connected', 'The connection to the service was closed.'],
      reconnecting: ['Reconnecting…', 'The connection was lost. It comes back by itself; calls wait for a minute.'],
      connecting: ['Connecting…', 'One moment.'],
      idle: ['Connecting…', 'One moment.'],
    };
    const [title, text] = words[this.connection_] ?? (away
      ? ['You are away', 'No calls ring here. Switch to Available to take calls.']
      : ['Ready for calls', 'When somebody calls, this page rings.']);
    const over = this.connection_ === 'replaced' || this.connection_ === 'closed';
    return html`<section class="idle card">
      <div class="mark ${away || this.connection_ !== 'connected' ? '' : 'on'}" aria-hidden="true">${icons.phone}</div>
      <h2>${title}</h2>
      <p class="soft" data-test="presence">${text}</p>
      ${over
        ? html`<button class="button primary" data-test="use-here" @click=${this.reconnect}>${this.connection_ === 'replaced' ? 'Use this window' : 'Connect again'}</button>`
        : this.connection_ === 'connected' && away
          ? html`<button class="button primary" data-test="go-available" @click=${this.toggleAvailability}>Become available</button>`
          : nothing}
    </section>`;
  }

  private lastCall(last: LastCall) {
    return html`<section class="last card" role="status" data-test="last-call" data-reason=${last.ended.reason} data-by=${last.ended.by} data-call=${last.id}>
      <div><strong>${last.name}</strong><p>${describeEnd(last.ended, 'in')}</p></div>
      <button class="tool" data-test="dismiss" aria-label="Dismiss" @click=${() => (this.last_ = null)}>${icons.close}</button>
    </section>`;
  }

  private consolePage() {
    return html`<div class="console" data-test="console" data-connection=${this.connection_}>
      ${this.header()}
      <main>
        <h1 class="sr">Agent console</h1>
        <div class="stage">
          ${this.ringing_ ? this.ringingPanel(this.ringing_) : nothing}
          ${this.last_ && !this.ringing_ ? this.lastCall(this.last_) : nothing}
          ${this.call_ ? this.callView(this.call_) : this.ringing_ ? nothing : this.idle()}
        </div>
        <aside>
          ${this.settings_
            ? html`<section class="card side" aria-label="Camera and microphone">
                <h2>Camera and microphone</h2>
                <parley-device-picker
                  .devices=${this.client_.devices}
                  .choice=${this.devices_}
                  @choose=${(event: Event) => {
                    const { kind, id } = (event as CustomEvent<{ kind: keyof DeviceChoice; id: string }>).detail;
                    this.chooseDevice({ ...this.devices_, [kind]: id });
                  }}
                ></parley-device-picker>
              </section>`
            : nothing}
          <parley-history .calls=${this.history_}></parley-history>
        </aside>
      </main>
    </div>`;
  }

  override render() {
    return html`
      ${this.page_ === 'loading' ? html`<main class="login"><p class="soft" role="status">One moment…</p></main>` : nothing}
      ${this.page_ === 'login' ? this.loginPage() : nothing}
      ${this.page_ === 'console' ? this.consolePage() : nothing}
      <parley-toasts></parley-toasts>
    `;
  }
}

const logo = html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0b5f6b" /><path
    d="M8 9h11a4 4 0 0 1 4 4v2a4 4 0 0 1-4 4h-5l-5 4v-4a3 3 0 0 1-3-3v-4a3 3 0 0 1 2-3z" fill="#fff" /></svg>`;

function loadDevices(): Partial<DeviceChoice> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(kDevicesKey) ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Partial<DeviceChoice>) : {};
  } catch {
    return {};
  }
}
