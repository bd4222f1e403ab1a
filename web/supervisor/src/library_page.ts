import { icons } from '@parley/components';
import { ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { checkAddress, isVideoAddress, kAccept, linkTo, sizeText, type LibraryItem } from '@parley/agents';
import { assistIcons } from '../../agent/src/assist/icons';
import type { SupervisorApi } from './api';

/** So long a deleted item can be had back; until then the server keeps it. */
export const kUndoMs = 8_000;

const kWords = { document: 'Document', image: 'Picture', link: 'Link', video: 'Video' } as const;
const kIcons = { document: assistIcons.document, image: assistIcons.image, link: assistIcons.link, video: assistIcons.video } as const;

interface Uploading {
  name: string;
  done: number;
}

/** Documents and links that agents may give to customers. Event `failed` (detail: ParleyError): the sign-in may be over. */
@customElement('parley-library')
export class LibraryPage extends LitElement {
  @property({ attribute: false }) api!: SupervisorApi;
  @state() private items_: LibraryItem[] | null = null;
  @state() private error_: ParleyError | null = null;
  @state() private uploads_: Uploading[] = [];
  @state() private adding_ = false;
  @state() private over_ = false;
  @state() private renaming_ = '';
  @state() private removed_: LibraryItem | null = null;
  @state() private preview_: LibraryItem | null = null;
  @query('dialog') private dialog_!: HTMLDialogElement;
  private undoTimer_ = 0;
  private readonly left_ = () => void this.removeNow();

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('pagehide', this.left_);
    void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('pagehide', this.left_);
    void this.removeNow();
  }

  private async load(): Promise<void> {
    await this.attempt(async () => {
      this.items_ = (await this.api.library()).sort((a, b) => a.order - b.order);
    });
    this.items_ ??= [];
  }

  /** What goes wrong is said at the top of the page; `what`: which of several things it was. */
  private async attempt(work: () => Promise<void>, what = ''): Promise<boolean> {
    try {
      await work();
      this.error_ = null;
      return true;
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      this.error_ = what ? new ParleyError(error.code, { text: `${what}: ${error.message}`, cause: error }) : error;
      this.dispatchEvent(new CustomEvent('failed', { detail: error }));
      return false;
    }
  }

  private patch(id: string, change: Partial<LibraryItem>): void {
    this.items_ = this.items_?.map((item) => (item.id === id ? { ...item, ...change } : item)) ?? null;
  }

  private async uploadAll(files: Iterable<File>): Promise<void> {
    for (const file of files) {
      const entry: Uploading = { name: file.name, done: 0 };
      this.uploads_ = [...this.uploads_, entry];
      const progress = (done: number) => {
        entry.done = done;
        this.requestUpdate();
      };
      await this.attempt(async () => {
        const item = await this.api.upload(file, { progress });
        this.items_ = [...(this.items_ ?? []), item];
      }, file.name);
      this.uploads_ = this.uploads_.filter((other) => other !== entry);
    }
  }

  private async add(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const data = new FormData(form);
    await this.attempt(async () => {
      const url = checkAddress(String(data.get('url') ?? ''));
      const name = String(data.get('name') ?? '').trim() || url;
      const kind = data.get('how') === 'document' ? 'document' : isVideoAddress(url) ? 'video' : 'link';
      const item = await this.api.add({ kind, name, url });
      this.items_ = [...(this.items_ ?? []), item];
      form.reset();
      this.adding_ = false;
    });
  }

  private async toggle(item: LibraryItem): Promise<void> {
    this.patch(item.id, { enabled: !item.enabled });
    if (!(await this.attempt(() => this.api.change(item.id, { enabled: !item.enabled })))) this.patch(item.id, { enabled: item.enabled });
  }

  private async rename(item: LibraryItem, event: Event): Promise<void> {
    event.preventDefault();
    if (this.renaming_ !== item.id) return; // Enter, and then the focus leaves.
    this.renaming_ = '';
    const name = this.querySelector<HTMLInputElement>('[data-test=rename-input]')?.value.trim() ?? '';
    if (!name || name === item.name) return;
    this.patch(item.id, { name });
    if (!(await this.attempt(() => this.api.change(item.id, { name })))) this.patch(item.id, { name: item.name });
  }

  private async move(item: LibraryItem, step: number): Promise<void> {
    const items = [...(this.items_ ?? [])];
    const from = items.indexOf(item);
    const to = from + step;
    if (from < 0 || to < 0 || to >= items.length) return;
    items.splice(to, 0, ...items.splice(from, 1));
    const before = this.items_;
    this.items_ = items;
    void this.updateComplete.then(() => this.querySelector<HTMLElement>(`[data-id="${item.id}"] [data-test=${step < 0 ? 'move-up' : 'move-down'}]:enabled`)?.focus());
    if (!(await this.attempt(() => this.api.order(items.map(({ id }) => id))))) this.items_ = before;
  }

  /** It goes at once here; at the server when it can no longer be had back. */
  private async discard(item: LibraryItem): Promise<void> {
    await this.removeNow();
    this.removed_ = item;
    this.items_ = this.items_?.filter((other) => other !== item) ?? null;
    this.undoTimer_ = window.setTimeout(() => void this.removeNow(), kUndoMs);
  }

  /** What was deleted and can still be had back is gone for good: at the end of the sign-in, too. */
  async removeNow(): Promise<void> {
    clearTimeout(this.undoTimer_);
    const item = this.removed_;
    this.removed_ = null;
    if (item && !(await this.attempt(() => this.api.remove(item.id)))) void this.load();
  }

  private undo(): void {
    clearTimeout(this.undoTimer_);
    this.removed_ = null;
    void this.load();
  }

  private show(item: LibraryItem): void {
    this.preview_ = item;
    void this.updateComplete.then(() => this.dialog_.showModal());
  }

  // ---- drawing

  private row(item: LibraryItem, index: number, count: number) {
    const detail = [kWords[item.kind], item.url, sizeText(item.size), item.by && `by ${item.by}`].filter(Boolean).join(' · ');
    return html`<li data-test="library-item" data-id=${item.id} data-kind=${item.kind} data-enabled=${String(item.enabled)}>
      ${item.kind === 'image' && item.preview ? html`<img class="thumb" src=${item.preview} alt="" loading="lazy" />` : html`<span class="thumb" aria-hidden="true">${kIcons[item.kind] ?? assistIcons.document}</span>`}
      <div class="what">
        ${this.renaming_ === item.id
          ? html`<form @submit=${(event: Event) => void this.rename(item, event)}><input data-test="rename-input" aria-label="Name" maxlength="120" .value=${item.name} @blur=${(event: Event) => void this.rename(item, event)}
              @keydown=${(event: KeyboardEvent) => event.key === 'Escape' && (this.renaming_ = '')} /></form>`
          : html`<strong>${item.name}</strong>`}
        <small>${detail}</small>
      </div>
      <button class="switch small" role="switch" data-test="enabled" aria-checked=${String(item.enabled)} aria-label="${item.name}: agents may send it" @click=${() => void this.toggle(item)}><span class="track" aria-hidden="true"></span><span aria-hidden="true">${item.enabled ? 'On' : 'Off'}</span></button>
      <div class="acts">
        <button class="tool" data-test="move-up" aria-label="Move ${item.name} up" title="Up" ?disabled=${index === 0} @click=${() => void this.move(item, -1)}>${assistIcons.up}</button>
        <button class="tool" data-test="move-down" aria-label="Move ${item.name} down" title="Down" ?disabled=${index === count - 1} @click=${() => void this.move(item, 1)}>${assistIcons.down}</button>
        <button class="tool" data-test="preview" aria-label="Look at ${item.name}" title="Look" @click=${() => this.show(item)}>${assistIcons.look}</button>
        <button class="tool" data-test="rename" aria-label="Rename ${item.name}" title="Rename" @click=${() => this.startRename(item)}>${assistIcons.pen}</button>
        <button class="tool" data-test="delete" aria-label="Delete ${item.name}" title="Delete" @click=${() => void this.discard(item)}>${assistIcons.bin}</button>
      </div>
    </li>`;
  }

  private startRename(item: LibraryItem): void {
    this.renaming_ = item.id;
    void this.updateComplete.then(() => this.querySelector<HTMLInputElement>('[data-test=rename-input]')?.select());
  }

  private addForm() {
    if (!this.adding_) return nothing;
    return html`<form class="card side addlink" @submit=${this.add} novalidate>
      <label>Address <input name="url" type="url" data-test="add-url" placeholder="https://" required autocomplete="off" spellcheck="false" autofocus /></label>
      <label>Name <input name="name" data-test="add-name" maxlength="120" autocomplete="off" placeholder="What agents and customers read" /></label>
      <fieldset><legend class="sr">How it is given to customers</legend>
        <label class="check"><input type="radio" name="how" value="link" checked /> As a link or video the customer opens</label>
        <label class="check"><input type="radio" name="how" value="document" data-test="add-as-document" /> Fetch the document now and keep it</label>
      </fieldset>
      <div class="choices"><button class="button primary" data-test="add-save">Add</button><button type="button" class="button" @click=${() => (this.adding_ = false)}>Cancel</button></div>
    </form>`;
  }

  /** The server takes http and https only; a page trusts nobody with its person's clicks. */
  private opener(item: LibraryItem) {
    const address = linkTo(item.preview) ?? linkTo(item.url);
    return address ? html`<p><a class="button" target="_blank" rel="noopener noreferrer" data-test="preview-open" href=${address}>${assistIcons.link} Open in a new tab</a></p>` : nothing;
  }

  private previewDialog() {
    const item = this.preview_;
    return html`<dialog class="card preview" aria-labelledby="preview-title" data-test="preview-dialog" @close=${() => (this.preview_ = null)}>
      <header><h2 id="preview-title">${item?.name}</h2><button class="tool" aria-label="Close" data-test="preview-close" @click=${() => this.dialog_.close()}>${icons.close}</button></header>
      ${!item
        ? nothing
        : item.kind === 'image' && item.preview
          ? html`<img src=${item.preview} alt=${item.name} />`
          : html`<p class="soft">${kWords[item.kind]}${item.size ? ` · ${sizeText(item.size)}` : ''}</p>
              ${this.opener(item)}
              ${item.url ? html`<p class="address">${item.url}</p>` : nothing}`}
    </dialog>`;
  }

  override render() {
    const items = this.items_;
    return html`<div class="heading"><h1 tabindex="-1">Documents and links</h1>
        <button class="button" data-test="add-link" aria-expanded=${String(this.adding_)} @click=${() => (this.adding_ = !this.adding_)}>${assistIcons.link} Add a link</button>
        <label class="button primary file">${assistIcons.push} Upload<input type="file" class="sr" data-test="upload" multiple accept=${kAccept}
          @change=${(event: Event) => {
            const input = event.target as HTMLInputElement;
            void this.uploadAll([...(input.files ?? [])]);
            input.value = '';
          }} /></label>
      </div>
      <p class="soft lead">Agents send these to customers while they look at a page together. What is off is not offered.</p>
      ${this.error_ ? html`<p class="error" role="alert" data-test="page-error" data-code=${this.error_.code}>${this.error_.message}</p>` : nothing}
      ${this.removed_ ? html`<p class="undo" role="status" data-test="undo-bar"><span>“${this.removed_.name}” was deleted.</span><button class="button small" data-test="undo" @click=${this.undo}>Undo</button></p>` : nothing}
      ${this.addForm()}
      <section class="card items ${this.over_ ? 'over' : ''}" aria-label="Documents and links"
        @dragover=${(event: DragEvent) => (event.preventDefault(), (this.over_ = true))} @dragleave=${() => (this.over_ = false)}
        @drop=${(event: DragEvent) => {
          event.preventDefault();
          this.over_ = false;
          void this.uploadAll([...(event.dataTransfer?.files ?? [])]);
        }}>
        ${this.uploads_.map(({ name, done }) => html`<div class="uploading" role="status" data-test="uploading"><p>${name}: ${done < 1 ? `${Math.round(done * 100)} %` : 'being checked…'}</p><progress max="1" .value=${done} aria-label="Upload of ${name}"></progress></div>`)}
        ${items === null
          ? html`<p class="soft" role="status">Loading…</p>`
          : items.length === 0
            ? html`<div class="empty" data-test="library-empty">${assistIcons.document}<p>Nothing here yet. Upload PDF files and pictures, drop them here, or add links.</p></div>`
            : html`<ul>${repeat(items, ({ id }) => id, (item, index) => this.row(item, index, items.length))}</ul>`}
      </section>
      ${this.previewDialog()}`;
  }
}
