import { isDrawing, kQualities, type AssistApi, type Mode, type PictureQuality, type Zoom } from '@parley/agents';
import { icons } from '@parley/components';
import type { ParleyError } from '@parley/sdk';
import { html, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { live } from 'lit/directives/live.js';
import { styleMap } from 'lit/directives/style-map.js';
import './document_view';
import './form_panel';
import { assistIcons } from './icons';
import { peoplePanel } from './people_panel';
import './push_panel';
import { SessionElement } from './session_element';
import './stage';
import type { AssistStage } from './stage';
import './style.css';
import { inksWith, kQualityNames, kTools, type ToolEntry } from './tools';
import { coverWords, paceWords, stateChip } from './words';

export type Panel = 'none' | 'form' | 'push' | 'people';

/**
 * The co-browse workspace: the consumer's page, tools, panels. `readonly`: a supervisor who watches. Events: `left` (the agent
 * closed it), `notice` (detail: ParleyError).
 */
@customElement('parley-workspace')
export class Workspace extends SessionElement {
  @property({ attribute: false }) api!: AssistApi;
  @property({ type: Boolean }) readonly = false;
  @state() private mode_: Mode = 'look';
  /** Empty: the agent's own colour. */
  @state() private ink_ = '';
  @state() private zoom_: Zoom = 'fit';
  @state() private panel_: Panel = 'none';
  @state() private dismissed_ = '';
  @query('parley-assist-stage') private stage_!: AssistStage | null;
  private clock_: ReturnType<typeof setInterval> | undefined;
  private readonly pressed_ = (event: KeyboardEvent) => this.shortcut(event);

  override connectedCallback(): void {
    super.connectedCallback();
    const { cobrowse } = this;
    this.stops_.push(cobrowse.on('notice', (error) => this.dispatchEvent(new CustomEvent<ParleyError>('notice', { detail: error }))));
    // The pace is a matter of seconds, also when nothing comes.
    this.clock_ = setInterval(() => cobrowse.sharing && this.requestUpdate(), 1000);
    document.addEventListener('keydown', this.pressed_);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.clock_);
    document.removeEventListener('keydown', this.pressed_);
  }

  /** Where the consumer's page lies on the screen; for the video window. */
  get picture(): DOMRect | null {
    return this.cobrowse.seeing ? (this.stage_?.picture ?? null) : null;
  }

  protected override willUpdate(): void {
    const { cobrowse } = this;
    // What is not possible any more is not offered any more.
    if (!this.tools.some(({ mode }) => mode === this.mode_)) this.mode_ = 'look';
    if (this.mode_ === 'control' && !cobrowse.controlling && !cobrowse.askingControl) this.mode_ = 'look';
    if (this.panel_ === 'form' && !cobrowse.form.open) this.panel_ = 'none';
    if (this.panel_ === 'push' && !this.pushes) this.panel_ = 'none';
  }

  private get tools(): ToolEntry[] {
    return kTools.filter(({ feature, mode }) => mode === 'look' || this.cobrowse.has(feature));
  }
  private get pushes(): boolean {
    return !this.readonly && (this.cobrowse.has('push_document') || this.cobrowse.has('push_link'));
  }

  private choose(mode: Mode): void {
    const { cobrowse } = this;
    if (!cobrowse.sharing && mode !== 'look') return;
    if (mode === 'control' && !cobrowse.controlling) void cobrowse.askControl();
    else if (mode === 'control' && this.mode_ === 'control') return this.release();
    this.mode_ = mode;
  }

  private release(): void {
    this.cobrowse.releaseControl();
    this.mode_ = 'look';
  }

  private show(panel: Panel): void {
    const next = this.panel_ === panel ? 'none' : panel;
    if (this.panel_ === 'form' && next !== 'form') this.cobrowse.form.close();
    this.panel_ = next;
    if (next === 'form') void this.cobrowse.form.show();
  }

  private shortcut(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || this.cobrowse.over) return;
    const target = event.composedPath()[0];
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return;
    const tool = this.tools.find(({ key }) => key === event.key);
    if (tool && this.cobrowse.phase === 'joined') this.choose(tool.mode);
    else if (event.key === '0' && this.cobrowse.has('annotate') && this.cobrowse.sharing) this.cobrowse.eraseAll(this.cobrowse.session?.document?.id);
    else if (event.key.toLowerCase() === 'z') this.zoom_ = this.zoom_ === 'fit' ? 1 : 'fit';
    else if (event.key.toLowerCase() === 'f' && this.cobrowse.has('forms') && this.cobrowse.sharing) this.show('form');
    else if (event.key.toLowerCase() === 'l' && this.pushes && this.cobrowse.phase === 'joined') this.show('push');
    else if (event.key === 'Escape' && this.mode_ !== 'look') this.choose('look');
    else return;
    event.preventDefault();
  }

  /** One stop for the Tab key; the arrow keys go from tool to tool. */
  private roam(event: KeyboardEvent): void {
    const step = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : event.key === 'ArrowLeft' || event.key === 'ArrowUp' ? -1 : 0;
    if (!step) return;
    const all = [...this.querySelectorAll<HTMLButtonElement>('.toolbar button:not(:disabled)')];
    const now = all.indexOf(event.target as HTMLButtonElement);
    if (now < 0) return;
    event.preventDefault();
    all[(now + step + all.length) % all.length]!.focus();
  }

  private close(): void {
    this.cobrowse.leave();
    this.dispatchEvent(new CustomEvent('left'));
  }

  // ---- drawing

  private head() {
    const { cobrowse } = this;
    const chip = stateChip(cobrowse);
    const pace = paceWords(cobrowse);
    const view = cobrowse.session?.view;
    return html`<header class="wshead">
      <span class="icon" aria-hidden="true">${assistIcons.page}</span>
      <div class="of"><strong data-test="assist-customer">${cobrowse.customer === 'The customer' ? 'Customer’s page' : cobrowse.customer}</strong>
        <small data-test="assist-title">${view?.title || view?.path || 'Co-browse'}</small></div>
      <span class="chip ${chip.tone}" role="status" data-test="assist-state" data-phase=${cobrowse.phase} data-sharing=${cobrowse.session?.sharing ?? 'off'} data-control=${String(cobrowse.controlling)}>${chip.text}</span>
      ${cobrowse.sharing && cobrowse.masked ? html`<span class="pace" data-test="masked" title="Masked fields are black boxes: what is in them never leaves the customer’s browser">${assistIcons.lock} Masked fields</span>` : nothing}
      ${pace ? html`<span class="pace" title=${pace.title} data-test="assist-pace" data-level=${pace.level}><i aria-hidden="true"></i>${pace.text}</span>` : nothing}
      ${cobrowse.others.length > 0 && !cobrowse.over
        ? html`<span class="faces" role="img" aria-label="Also here: ${cobrowse.others.map(({ name }) => name).join(', ')}">${cobrowse.others.map(({ name, color, state }) => html`<i style=${styleMap({ background: color })} class=${state} title=${name}>${name.slice(0, 1).toUpperCase()}</i>`)}</span>`
        : nothing}
      <button class="button small" data-test="assist-leave" @click=${this.close}>${icons.close} ${cobrowse.over ? 'Close' : 'Leave'}</button>
    </header>`;
  }

  private toolButton({ mode, label, key, icon }: ToolEntry) {
    const { cobrowse } = this;
    const on = this.mode_ === mode;
    const waits = mode === 'control' && cobrowse.askingControl;
    const other = mode === 'control' ? cobrowse.controller : null;
    const text = waits ? 'Waiting for the customer to allow control' : other ? `${other.name} controls the page` : mode === 'control' && cobrowse.controlling ? 'Give control back' : label;
    return html`<button class="tool ${waits ? 'waits' : ''} ${mode === 'control' ? 'wide' : mode === 'pen' ? 'apart' : ''}" data-test="tool-${mode}" aria-pressed=${String(on)} aria-label=${text} title="${text} (${key})" aria-keyshortcuts=${key}
      tabindex=${on ? 0 : -1} ?disabled=${!cobrowse.sharing || other !== null} @click=${() => this.choose(mode)}>${icon}${mode === 'control' ? html`<span aria-hidden="true">Control</span>` : nothing}</button>`;
  }

  private inks() {
    if (!isDrawing(this.mode_) || this.mode_ === 'spot') return nothing;
    const own = this.cobrowse.me?.color ?? '';
    return html`<span class="inks" role="radiogroup" aria-label="Colour">${inksWith(own).map(({ value, name }) => html`<button class="ink" role="radio" data-test="ink" data-ink=${value} aria-checked=${String((this.ink_ || own) === value)} aria-label=${name} title=${name} tabindex="-1"
      style=${styleMap({ '--ink': value })} @click=${() => (this.ink_ = value)}></button>`)}</span>`;
  }

  /** Not one of the toolbar's stops: arrow keys choose in it. */
  private quality() {
    const { cobrowse } = this;
    const chosen = (event: Event) => {
      cobrowse.setQuality((event.target as HTMLSelectElement).value as PictureQuality);
      this.requestUpdate(); // What is shown is what the session has.
    };
    return html`<label class="quality" title="Smaller pictures for slow lines"><span>Quality</span>
      <select data-test="quality" aria-label="Quality" ?disabled=${cobrowse.phase !== 'joined'} .value=${live(cobrowse.quality)} @change=${chosen}>
        ${kQualities.map((each) => html`<option value=${each} ?selected=${each === cobrowse.quality}>${kQualityNames[each]}</option>`)}
      </select></label>`;
  }

  private toolbar() {
    const { cobrowse } = this;
    const annotates = cobrowse.has('annotate');
    const panel = (name: Panel, label: string, icon: unknown, key: string, may: boolean, disabled: boolean) => may
      ? html`<button class="tool wide" data-test="panel-${name}" aria-expanded=${String(this.panel_ === name)} aria-controls="assist-panel" aria-keyshortcuts=${key || nothing} title=${key ? `${label} (${key})` : label} tabindex="-1" ?disabled=${disabled}
          @click=${() => this.show(name)}>${icon}<span>${label}</span></button>`
      : nothing;
    return html`<div class="toolbar" role="toolbar" aria-label="Tools" @keydown=${this.roam}>
      ${this.readonly ? html`<span class="watching">${assistIcons.look} You are watching</span>` : this.tools.map((tool) => this.toolButton(tool))}
      ${this.inks()}
      ${annotates ? html`<button class="tool apart" data-test="tool-clear" aria-label="Clear the drawings" title="Clear the drawings (0)" aria-keyshortcuts="0" tabindex="-1" ?disabled=${!cobrowse.sharing} @click=${() => cobrowse.eraseAll(cobrowse.session?.document?.id)}>${assistIcons.clear}</button>` : nothing}
      <span class="space"></span>
      <button class="tool wide" data-test="zoom" aria-pressed=${String(this.zoom_ === 1)} aria-label=${this.zoom_ === 'fit' ? 'Fit: the page fits into the window' : '100 %: the page is as large as the customer’s'} title="Zoom (Z)" aria-keyshortcuts="Z" tabindex="-1" @click=${() => (this.zoom_ = this.zoom_ === 'fit' ? 1 : 'fit')}>${assistIcons.fit}<span>${this.zoom_ === 'fit' ? 'Fit' : '100 %'}</span></button>
      ${this.readonly ? nothing : this.quality()}
      ${panel('form', 'Form', assistIcons.form, 'F', cobrowse.has('forms'), !cobrowse.sharing)}
      ${panel('push', 'Send', assistIcons.push, 'L', this.pushes, cobrowse.phase !== 'joined')}
      ${panel('people', 'People', assistIcons.people, '', true, cobrowse.session === null)}
    </div>`;
  }

  private cover() {
    const words = coverWords(this.cobrowse);
    if (!words) return nothing;
    const { phase, session } = this.cobrowse;
    const icon = phase === 'joined' && session?.sharing === 'sensitive' ? assistIcons.lock : phase === 'joined' && session?.sharing === 'paused' ? assistIcons.pause : phase === 'refused' || phase === 'failed' ? assistIcons.warn : assistIcons.page;
    const busy = ['connecting', 'waiting', 'asking', 'reconnecting'].includes(phase);
    return html`<div class="cover" role="status" data-test="assist-cover" data-phase=${phase} data-sharing=${session?.sharing ?? ''} data-reason=${this.cobrowse.error?.code ?? ''}>
      <div class="mark ${busy ? 'busy' : ''}" aria-hidden="true">${icon}</div>
      <h2>${words.title}</h2><p class="soft">${words.text}</p>
      ${phase === 'refused' ? html`<button class="button primary" data-test="ask-again" @click=${() => void this.cobrowse.askAgain()}>Ask again</button>` : nothing}
      ${this.cobrowse.over ? html`<button class="button" data-test="assist-close" @click=${this.close}>Close</button>` : nothing}
    </div>`;
  }

  private remarks() {
    const { cobrowse } = this;
    const { unsupported = [] } = cobrowse.session ?? {};
    const seen = unsupported.map(({ what }) => what).join(', ');
    return html`<div class="remarks" aria-live="polite">
      ${cobrowse.askingControl ? html`<p class="remark" data-test="asking-control">${icons.info}<span>Waiting for the customer to allow control.</span></p>` : nothing}
      ${cobrowse.controlling && this.mode_ === 'control' ? html`<p class="remark good" data-test="controlling">${assistIcons.control}<span>Your mouse and keyboard act on the customer’s page. <kbd>Esc</kbd> gives the keyboard back.</span>
        <button class="button small" data-test="release-control" @click=${this.release}>Give back</button></p>` : nothing}
      ${cobrowse.controller ? html`<p class="remark">${icons.info}<span>${cobrowse.controller.name} controls the page.</span></p>` : nothing}
      ${cobrowse.sharing && seen && this.dismissed_ !== seen
        ? html`<p class="remark warn" data-test="unsupported">${assistIcons.warn}<span>Not shown: ${seen}.${cobrowse.has('capture') && cobrowse.session?.fidelity === 'painter' ? ' The customer may be offered “Film this tab”, which shows it.' : nothing}</span>
            <button class="tool" aria-label="Dismiss" @click=${() => (this.dismissed_ = seen)}>${icons.close}</button></p>`
        : nothing}
    </div>`;
  }

  private sidePanel() {
    if (this.panel_ === 'none') return nothing;
    const { cobrowse, api } = this;
    return html`<div class="panel" id="assist-panel" data-test="assist-panel" data-panel=${this.panel_}>
      <button class="tool close" aria-label="Close the panel" @click=${() => this.show(this.panel_)}>${icons.close}</button>
      ${this.panel_ === 'form' ? html`<parley-form-panel .cobrowse=${cobrowse}></parley-form-panel>` : nothing}
      ${this.panel_ === 'push' ? html`<parley-push-panel .cobrowse=${cobrowse} .api=${api}></parley-push-panel>` : nothing}
      ${this.panel_ === 'people' ? peoplePanel(cobrowse) : nothing}
    </div>`;
  }

  override render() {
    const { cobrowse } = this;
    return html`<section class="workspace card" aria-label="Customer’s page" data-test="workspace" data-cid=${cobrowse.cid} data-phase=${cobrowse.phase} data-mode=${this.mode_} data-panel=${this.panel_}>
      ${this.head()} ${cobrowse.over ? nothing : this.toolbar()}
      <div class="wsbody">
        <div class="wsmain">
          ${this.remarks()}
          <div class="frame">
            <parley-assist-stage .cobrowse=${cobrowse} mode=${this.mode_} ink=${this.ink_} .zoom=${this.zoom_} @release=${() => (this.mode_ = 'look')}></parley-assist-stage>
            ${this.cover()}
            <p class="activity" role="status" data-test="assist-activity" ?hidden=${!cobrowse.seeing || !cobrowse.recent || cobrowse.over}>${cobrowse.activity?.text}</p>
          </div>
          ${cobrowse.session?.document && cobrowse.phase === 'joined' ? html`<parley-document-view .cobrowse=${cobrowse} ?readonly=${this.readonly} mode=${this.mode_} ink=${this.ink_}></parley-document-view>` : nothing}
        </div>
        ${this.sidePanel()}
      </div>
    </section>`;
  }
}
