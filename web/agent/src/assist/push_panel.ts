import { kAccept, limitText, sizeText, type AssistApi, type LibraryItem, type Pushed, type PushKind } from '@parley/agents';
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { ParleyError } from '@parley/sdk';
import { assistIcons } from './icons';
import { SessionElement } from './session_element';
import { pushWords } from './words';

type Source = 'library' | 'file' | 'address';

const kKinds: Record<PushKind, { icon: unknown; word: string }> = {
  document: { icon: assistIcons.document, word: 'Document' },
  image: { icon: assistIcons.image, word: 'Picture' },
  link: { icon: assistIcons.link, word: 'Link' },
  video: { icon: assistIcons.video, word: 'Video' },
};

/** Gives the consumer documents, pictures, links and videos: of the library, of this computer, by address. */
@customElement('parley-push-panel')
export class PushPanel extends SessionElement {
  @property({ attribute: false }) api!: AssistApi;
  @state() private source_: Source = 'library';
  @state() private items_: LibraryItem[] | null = null;
  @state() private search_ = '';
  @state() private error_: ParleyError | null = null;
  @state() private busy_ = '';
  /** 0 … 1 while a file is on its way. */
  @state() private progress_: number | null = null;
  @state() private over_ = false;
  private abort_: AbortController | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.abort_?.abort();
  }

  private get maxBytes(): number | undefined {
    return this.cobrowse.settings?.maxDocumentBytes;
  }

  private get sources(): [Source, string][] {
    const documents = this.cobrowse.has('push_document');
    return [['library', 'Library'], ...(documents ? [['file', 'This computer'] as [Source, string]] : []), ['address', 'Address']];
  }

  private async load(): Promise<void> {
    try {
      this.items_ = await this.api.library();
    } catch (thrown) {
      this.items_ = [];
      this.error_ = pushWords(thrown);
    }
  }

  /** One thing at a time; what goes wrong is said in the panel. */
  private async attempt(what: string, work: () => Promise<void>): Promise<void> {
    if (this.busy_) return;
    this.busy_ = what;
    this.error_ = null;
    try {
      await work();
    } catch (thrown) {
      this.error_ = pushWords(thrown);
    } finally {
      this.busy_ = '';
      this.progress_ = null;
    }
  }

  private pushItem(item: LibraryItem): void {
    void this.attempt(item.id, () => this.cobrowse.pushes.item(item));
  }

  private pushFile(file: File | undefined): void {
    if (!file) return;
    void this.attempt('file', async () => {
      this.progress_ = 0;
      this.abort_ = new AbortController();
      await this.cobrowse.pushes.file(file, { progress: (done) => (this.progress_ = done), signal: this.abort_.signal });
    });
  }

  private pushAddress(event: SubmitEvent): void {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const data = new FormData(form);
    const how = String(data.get('how'));
    void this.attempt('address', async () => {
      const { pushes } = this.cobrowse;
      const url = String(data.get('url') ?? '');
      const name = String(data.get('name') ?? '').trim();
      await (how === 'document' ? pushes.document(url, name) : pushes.link(url, name));
      form.reset();
    });
  }

  // ---- drawing

  private library() {
    const documents = this.cobrowse.has('push_document');
    const links = this.cobrowse.has('push_link');
    const wanted = this.search_.trim().toLowerCase();
    const items = this.items_
      ?.filter((item) => item.enabled !== false && (item.kind === 'link' || item.kind === 'video' ? links : documents))
      .filter((item) => !wanted || `${item.name} ${item.url ?? ''}`.toLowerCase().includes(wanted));
    if (!items) return html`<p class="soft" role="status">Loading…</p>`;
    return html`${(this.items_?.length ?? 0) > 6
        ? html`<input type="search" class="find" data-test="library-search" aria-label="Search the library" placeholder="Search the library" .value=${this.search_} @input=${(e: Event) => (this.search_ = (e.target as HTMLInputElement).value)} />`
        : nothing}
      ${items.length === 0
        ? html`<div class="empty" data-test="library-empty">${assistIcons.document}<p>${wanted ? 'Nothing is found.' : 'The library is empty. Supervisors put documents and links here.'}</p></div>`
        : html`<ul class="library" data-test="library">${items.map((item) => this.item(item))}</ul>`}`;
  }

  private item(item: LibraryItem) {
    const kind = kKinds[item.kind] ?? kKinds.document;
    return html`<li data-test="library-item" data-id=${item.id} data-kind=${item.kind}>
      <span class="icon" aria-hidden="true">${kind.icon}</span>
      <span class="what"><strong>${item.name}</strong><small>${kind.word}${item.size ? ` · ${sizeText(item.size)}` : ''}</small></span>
      <button class="button small" data-test="library-push" aria-label="Send ${item.name}" ?disabled=${this.busy_ !== ''} @click=${() => this.pushItem(item)}>${this.busy_ === item.id ? 'Sending…' : 'Send'}</button>
    </li>`;
  }

  private file() {
    if (this.progress_ !== null) {
      const percent = Math.round(this.progress_ * 100);
      return html`<div class="uploading" role="status">
        <p>${percent < 100 ? `Uploading… ${percent} %` : 'Checking the file…'}</p>
        <progress data-test="upload-progress" max="100" .value=${percent} aria-label="Upload"></progress>
        <button class="button small" data-test="upload-cancel" @click=${() => this.abort_?.abort()}>Cancel</button>
      </div>`;
    }
    return html`<label
      class="drop ${this.over_ ? 'over' : ''}"
      @dragover=${(e: DragEvent) => (e.preventDefault(), (this.over_ = true))}
      @dragleave=${() => (this.over_ = false)}
      @drop=${(e: DragEvent) => {
        e.preventDefault();
        this.over_ = false;
        this.pushFile(e.dataTransfer?.files[0]);
      }}
    >
      ${assistIcons.push}<strong>Choose a file</strong><span class="soft">or drop it here</span><small class="soft">PDF, PNG, JPEG, GIF or WebP${this.maxBytes ? `, up to ${limitText(this.maxBytes)}` : nothing}</small>
      <input type="file" class="sr" data-test="upload-file" accept=${kAccept} ?disabled=${this.busy_ !== ''}
        @change=${(e: Event) => {
          const input = e.target as HTMLInputElement;
          this.pushFile(input.files?.[0]);
          input.value = '';
        }} />
    </label>`;
  }

  private address() {
    const documents = this.cobrowse.has('push_document');
    const links = this.cobrowse.has('push_link');
    return html`<form class="address" @submit=${this.pushAddress} novalidate>
      <label>Address <input name="url" data-test="push-url" type="url" inputmode="url" placeholder="https://" required autocomplete="off" spellcheck="false" /></label>
      <label>Name <span class="soft">(what the customer reads)</span> <input name="name" data-test="push-name" autocomplete="off" maxlength="120" /></label>
      <fieldset>
        <legend class="sr">How it is sent</legend>
        ${links ? html`<label class="check"><input type="radio" name="how" value="link" data-test="push-as-link" checked /> As a link or video the customer opens</label>` : nothing}
        ${documents ? html`<label class="check"><input type="radio" name="how" value="document" data-test="push-as-document" ?checked=${!links} /> As a document or picture to look at together</label>` : nothing}
      </fieldset>
      <button class="button primary" data-test="push-address" ?disabled=${this.busy_ !== ''}>${this.busy_ === 'address' ? 'Sending…' : 'Send'}</button>
    </form>`;
  }

  private sent(item: Pushed) {
    const kind = kKinds[item.kind];
    const stored = item.kind === 'document' || item.kind === 'image';
    const states = { offered: stored ? 'Being opened' : 'Waits for the customer’s click', opened: 'Opened', declined: 'Declined', failed: 'Could not be opened' };
    return html`<li data-test="pushed" data-kind=${item.kind} data-state=${item.state}>
      <span class="icon" aria-hidden="true">${kind.icon}</span>
      <span class="what"><strong>${item.name}</strong><small class=${item.state === 'failed' ? 'bad' : ''}>${states[item.state]}${item.text ? `. ${item.text}` : ''}</small></span>
    </li>`;
  }

  override render() {
    const { list } = this.cobrowse.pushes;
    const sources = this.sources;
    const source = sources.some(([name]) => name === this.source_) ? this.source_ : 'library';
    return html`<div class="panelhead"><h2>Send to the customer</h2></div>
      <div class="tabs" role="tablist" aria-label="Where it comes from">
        ${sources.map(([name, label]) => html`<button role="tab" id="source-${name}" data-test="source-${name}" aria-selected=${String(source === name)} aria-controls="source-panel" tabindex=${source === name ? 0 : -1}
          @click=${() => (this.source_ = name)} @keydown=${this.tabKey}>${label}</button>`)}
      </div>
      ${this.error_ ? html`<p class="error" role="alert" data-test="push-error" data-code=${this.error_.code}>${this.error_.message}</p>` : nothing}
      <div id="source-panel" role="tabpanel" aria-labelledby="source-${source}">
        ${source === 'library' ? this.library() : source === 'file' ? this.file() : this.address()}
      </div>
      ${list.length > 0 ? html`<h3>Sent</h3><ul class="library" data-test="pushed-list">${list.map((item) => this.sent(item))}</ul>` : nothing}`;
  }

  private tabKey(event: KeyboardEvent): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const names = this.sources.map(([name]) => name);
    const next = names[(names.indexOf(this.source_) + step + names.length) % names.length]!;
    this.source_ = next;
    void this.updateComplete.then(() => this.querySelector<HTMLElement>(`#source-${next}`)?.focus());
  }
}
