import { describeConnection, icons, initials, peerName, type DeviceChoice, type Toasts } from '@parley/components';
import {
  AgentClient,
  ParleyError,
  type AgentUser,
  type Availability,
  type Call,
  type ConnectionState,
  type HistoryEntry,
} from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { keyed } from 'lit/directives/keyed.js';
import { AgentAssist } from '@parley/agents';
import { AssistDesk } from './assist/assist_desk';
import './assist/join_card';
import './assist/video_window';
import type { VideoWindow } from './assist/video_window';
import './assist/workspace';
import type { Workspace } from './assist/workspace';
import { Desk } from './desk';
import './dialer';
import type { Dialer } from './dialer';
import './history_list';
import { idle, invitation, lastCall, logo, otherCall, ringingPanel, transferBar } from './panels';
import { Ringer } from './ringer';
import { applyTheme, currentTheme, toggleTheme } from './theme';
import './transfer_dialog';
import type { TransferDialog } from './transfer_dialog';

const kDevicesKey = 'parley.agent.devices';

/** The agent console. Rendered into the page itself (no shadow root), as the page is its own. */
@customElement('parley-agent-app')
export class AgentApp extends LitElement {
  @state() private page_: 'loading' | 'login' | 'console' = 'loading';
  @state() private user_: AgentUser | null = null;
  @state() private connection_: ConnectionState = 'idle';
  @state() private availability_: Availability | null = null;
  @state() private history_: HistoryEntry[] | null = null;
  @state() private loginError_: ParleyError | null = null;
  @state() private signingIn_ = false;
  @state() private settings_ = false;
  @state() private theme_ = currentTheme();
  private readonly setups_ = new WeakMap<Call, string>();
  private devices_: Partial<DeviceChoice> = loadDevices();
  private readonly processing_ = new URLSearchParams(location.search).get('audioProcessing') !== 'off';
  private client_ = new AgentClient({ capture: this.capture() });
  private readonly desk_ = new Desk(this.client_, () => this.capture(), peerName);
  private readonly ringer_ = new Ringer();
  private readonly assistApi_ = new AgentAssist({ environment: this.client_.environment });
  private readonly assist_ = new AssistDesk(this.assistApi_);
  /** Once the picture has its new size. */
  private readonly placeSoon_ = () => requestAnimationFrame(() => requestAnimationFrame(() => this.placeWindow()));
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
    this.follow(this.desk_);
    this.assist_.on('changed', () => this.requestUpdate());
    this.assist_.on('window', () => this.placeSoon_());
    window.addEventListener('resize', this.placeSoon_);
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.keys_);
    window.removeEventListener('resize', this.placeSoon_);
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
    client.on('rejoined', () => this.toasts?.show('You are back in your call.', { code: 'rejoined', seconds: 4 }));
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
    const wrong = this.assist_.openAddress(location.search);
    if (wrong) this.toasts?.error(wrong);
    await this.client_.connect().catch((error: unknown) => {
      if (ParleyError.from(error).code !== 'session.replaced') throw error;
    });
  }

  private toLogin(error: ParleyError | null): void {
    this.desk_.clear();
    this.assist_.leave(error !== null);
    this.page_ = 'login';
    this.user_ = this.history_ = this.availability_ = null;
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
          ? new ParleyError(error.code, { text: 'The user name or the password is wrong.' })
          : new ParleyError(error.code, { text: error.message + wait });
    } finally {
      this.signingIn_ = false;
      if (this.loginError_) void this.updateComplete.then(() => this.querySelector<HTMLInputElement>('[name=password]')?.select());
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

  private follow(desk: Desk): void {
    desk.on('changed', () => this.requestUpdate());
    desk.on('error', (error) => this.toasts?.error(error));
    desk.on('quiet', () => this.ringer_.stop());
    desk.on('rings', (call) => {
      this.ringer_.start(call.peer.name || call.peer.number || 'A customer');
      void this.updateComplete.then(() => this.querySelector<HTMLElement>('[data-test=answer]')?.focus());
    });
    desk.on('autoAnswer', (call) => {
      this.client_.tones.attention();
      this.ringer_.announce(peerName(call));
      this.toasts?.show(`The call from ${peerName(call)} is answered automatically.`, { code: 'auto-answer', seconds: 6 });
    });
    desk.on('entered', (call) => {
      call.on('setup', (setup) => {
        this.setups_.set(call, JSON.stringify(setup));
        this.requestUpdate();
      });
      call.on('localStream', () => {
        const speaker = this.devices_.speakerId;
        if (speaker) call.setSpeaker(speaker).catch(() => undefined); // Unplugged since: the default plays.
      });
    });
    desk.on('left', (call) => {
      this.transferDialog?.close();
      this.passedOn(call);
      // The gateway writes its record after the end, once the broker has reported.
      for (const wait of [300, 1500]) setTimeout(() => this.user_ && void this.loadHistory(), wait);
    });
  }

  /** Whoever has the customer now asks to see the page, too; who passed the call on has no more to do with it. */
  private passedOn({ ended, assistCid }: Call): void {
    if (ended?.reason !== 'transferred' || !this.assist_.looking || this.assist_.session?.cid !== assistCid) return;
    if (this.desk_.calls.some((other) => other.assistCid === assistCid)) return;
    this.assist_.leave();
    this.toasts?.show('You passed the call on, and do not see the customer’s page any more.', { code: 'assist.passed_on' });
  }

  /** The window with the call lies over the customer's page where the customer has it, too. */
  private placeWindow(): void {
    const floating = this.querySelector<VideoWindow>('parley-video-window');
    if (!floating) return;
    floating.over = this.querySelector<Workspace>('parley-workspace')?.picture ?? null;
    floating.place = this.assist_.session?.session?.window ?? null;
    floating.requestUpdate();
  }

  private get transferDialog(): TransferDialog | null {
    return this.querySelector<TransferDialog>('parley-transfer-dialog');
  }

  private blind(destination: string): void {
    this.desk_.active?.transfer(destination).catch((thrown: unknown) => {
      const error = ParleyError.from(thrown);
      // How it failed stands beside the call; what was called off was called off here.
      if (!['transfer.failed', 'transfer.cancelled', 'call.ended'].includes(error.code)) this.toasts?.error(error);
    });
  }

  private keyPressed(event: KeyboardEvent): void {
    const call = this.desk_.ringing;
    if (!call || this.desk_.automatic || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    const key = event.key.toLowerCase();
    if (key === 'a') void this.desk_.answer();
    else if (key === 'r') call.reject();
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
    // Both calls of a conference are heard, whichever of them is shown.
    const speaker = choice.speakerId;
    if (speaker && speaker !== this.devices_.speakerId && this.desk_.conference) {
      for (const call of this.desk_.calls) call.setSpeaker(speaker).catch(() => undefined); // The call that is shown says why not.
    }
    this.devices_ = { ...choice };
    try {
      localStorage.setItem(kDevicesKey, JSON.stringify(choice));
    } catch {
      // Lasts until the page is closed.
    }
    this.client_.setCapture(this.capture());
  }

  /** A choice made beside a running call is meant for it, too. */
  private useDevice(kind: keyof DeviceChoice, id: string): void {
    const call = this.desk_.active;
    if (!call) return;
    const used = kind === 'cameraId' ? call.setCamera(id) : kind === 'microphoneId' ? call.setMicrophone(id) : call.setSpeaker(id);
    used.catch((error: unknown) => this.toasts?.error(error));
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
    // A call notices first that the own network is gone; "Connected" beside its words would contradict them.
    const interrupted = this.desk_.calls.some((call) => call.state === 'reconnecting' && call.peerConnection !== 'lost');
    const shown = up && interrupted ? 'reconnecting' : this.connection_;
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
        <span aria-hidden="true">${this.availability_ === 'busy' ? (this.desk_.active ? 'In a call' : this.desk_.ringing ? 'Ringing' : 'Busy') : this.availability_ === null ? '…' : away ? 'Away' : 'Available'}</span>
      </button>
      <span class="connection ${shown}" role="status" data-test="connection" data-state=${shown}>
        ${describeConnection(shown)}
      </span>
      <span class="who"><span class="face" aria-hidden="true">${initials(this.user_?.name ?? '') || icons.person}</span><span data-test="agent-name">${this.user_?.name}</span></span>
      <button class="tool" data-test="settings" aria-expanded=${String(this.settings_)} aria-label="Camera and microphone" title="Camera and microphone"
        @click=${() => (this.settings_ = !this.settings_)}>${icons.settings}</button>
      <button class="tool" data-test="theme" aria-label=${this.theme_ === 'dark' ? 'Light colours' : 'Dark colours'} title=${this.theme_ === 'dark' ? 'Light colours' : 'Dark colours'}
        @click=${() => (this.theme_ = toggleTheme())}>${icons.theme}</button>
      <button class="tool" data-test="sign-out" aria-label="Sign out" title="Sign out" @click=${this.signOut}>${icons.signOut}</button>
    </header>`;
  }

  private callView(call: Call) {
    return html`<section class="call card" aria-label="Call" data-test="call" data-state=${call.state} data-call=${call.id} data-setup=${this.setups_.get(call) ?? nothing}>
      <parley-call-view
        layout="stage"
        detailed
        .call=${call}
        .devices=${this.client_.devices}
        .choice=${this.devices_}
        @devices=${(event: Event) => this.chooseDevice((event as CustomEvent<DeviceChoice>).detail)}
        @transfer=${() => this.transferDialog?.open()}
      ></parley-call-view>
    </section>`;
  }

  private workspace() {
    const { session } = this.assist_;
    if (!session) return nothing;
    return keyed(session, html`<parley-workspace .cobrowse=${session} .api=${this.assistApi_} @left=${() => this.assist_.leave()} @notice=${(event: Event) => this.toasts?.error((event as CustomEvent<ParleyError>).detail)}></parley-workspace>`);
  }

  /** Beside a page that is looked at, the call is a small window over it. */
  private callPlace(call: Call) {
    if (!this.assist_.looking) return this.callView(call);
    return html`<parley-video-window @moved=${(event: Event) => this.assist_.session?.moveWindow((event as CustomEvent<{ x: number; y: number; w: number; h: number }>).detail)}>${this.callView(call)}</parley-video-window>`;
  }

  private consolePage() {
    const desk = this.desk_;
    const { ringing, active, other } = desk;
    const { looking, session } = this.assist_;
    return html`<div class="console ${looking ? 'assisting' : ''}" data-test="console" data-connection=${this.connection_}>
      ${this.header()}
      <main>
        <h1 class="sr">Agent console</h1>
        <div class="stage">
          ${ringing ? ringingPanel(desk, ringing) : nothing}
          ${desk.last && !ringing ? lastCall(desk.last, () => desk.dismiss()) : nothing}
          ${active ? transferBar(active) : nothing}
          ${active && other ? otherCall(desk, other) : nothing}
          ${active?.assistCid && active.assistCid !== session?.cid && !active.ended ? invitation(active, () => this.assist_.open(active.assistCid), looking) : nothing}
          ${this.workspace()}
          ${active ? this.callPlace(active) : ringing || session ? nothing : idle(this.connection_, this.availability_, { reconnect: () => void this.reconnect(), available: () => this.toggleAvailability() })}
        </div>
        <aside>
          ${this.settings_
            ? html`<section class="card side shown" aria-label="Camera and microphone">
                <h2>Camera and microphone</h2>
                <parley-device-picker
                  .devices=${this.client_.devices}
                  .choice=${this.devices_}
                  @choose=${(event: Event) => {
                    const { kind, id } = (event as CustomEvent<{ kind: keyof DeviceChoice; id: string }>).detail;
                    this.chooseDevice({ ...this.devices_, [kind]: id });
                    this.useDevice(kind, id);
                  }}
                ></parley-device-picker>
              </section>`
            : nothing}
          ${looking ? nothing : html`<parley-join .api=${this.assistApi_} @join=${(event: Event) => this.assist_.open((event as CustomEvent<string>).detail)}></parley-join>`}
          <parley-dialer
            ?disabled=${this.connection_ !== 'connected' || other !== null || ringing !== null}
            ?second=${active !== null && other === null}
            .tones=${this.client_.tones}
            @dial=${(event: Event) => {
              const { destination, video } = (event as CustomEvent<{ destination: string; video: boolean }>).detail;
              void desk.dial(destination, video);
            }}
          ></parley-dialer>
          <parley-history .calls=${this.history_} @redial=${(event: Event) => this.querySelector<Dialer>('parley-dialer')?.dial((event as CustomEvent<string>).detail)}></parley-history>
        </aside>
      </main>
      <parley-transfer-dialog
        .call=${active}
        ?full=${other !== null}
        @blind=${(event: Event) => this.blind((event as CustomEvent<string>).detail)}
        @ask=${(event: Event) => void desk.dial((event as CustomEvent<string>).detail)}
      ></parley-transfer-dialog>
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

function loadDevices(): Partial<DeviceChoice> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(kDevicesKey) ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Partial<DeviceChoice>) : {};
  } catch {
    return {};
  }
}
