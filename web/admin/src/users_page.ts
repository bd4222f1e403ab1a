import { ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { api, type User, type UserChange } from './api';

const kRoles = ['Agent', 'Supervisor', 'Administrator'];

/** Who may sign in, as what; passwords, and who may not any more. Event `failed` (detail: ParleyError). */
@customElement('parley-users')
export class UsersPage extends LitElement {
  @state() private users_: User[] | null = null;
  /** Whose form is open; empty: a new user's; null: none. */
  @state() private editing_: string | null = null;
  @state() private error_: ParleyError | null = null;
  @state() private said_ = '';
  @state() private busy_ = false;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  /** The form takes the keyboard; who closes it goes on where it was opened. */
  protected override updated(changed: Map<PropertyKey, unknown>): void {
    if (!changed.has('editing_')) return;
    if (this.editing_ !== null) return this.querySelector<HTMLInputElement>('.userform input')?.focus();
    const before = changed.get('editing_');
    if (typeof before !== 'string') return;
    this.querySelector<HTMLElement>(before ? `[data-user="${CSS.escape(before)}"] [data-test=change-user]` : '[data-test=add-user]')?.focus();
  }

  private async load(): Promise<void> {
    await this.attempt(async () => {
      this.users_ = (await api.users()).users ?? [];
    });
  }

  /** True: it was done. What went wrong is said, and an end of the sign-in is told. */
  private async attempt(what: () => Promise<void>): Promise<boolean> {
    try {
      await what();
      this.error_ = null;
      return true;
    } catch (thrown) {
      this.error_ = ParleyError.from(thrown);
      this.dispatchEvent(new CustomEvent('failed', { detail: this.error_ }));
      return false;
    }
  }

  private async change(user: string, change: UserChange, said: string): Promise<void> {
    this.busy_ = true;
    this.said_ = '';
    const done = await this.attempt(() => api.changeUser(user, change));
    this.busy_ = false;
    if (!done) return;
    this.editing_ = null;
    await this.load();
    this.said_ = said;
  }

  private save(event: SubmitEvent, known: User | null): void {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    const password = String(form.get('password') ?? '');
    const user = known?.user ?? text('user');
    const change: UserChange = { name: text('name'), number: text('number'), roles: kRoles.filter((role) => form.has(role)) };
    if (password) change.password = password;
    void this.change(user, change, known ? `${user} is changed.` : `${user} may sign in now.`);
  }

  // ---- drawing

  private form(known: User | null) {
    return html`<form class="card userform" data-test="user-form" aria-label=${known ? `Change ${known.user}` : 'New user'} @submit=${(event: SubmitEvent) => this.save(event, known)}>
      <h2>${known ? `Change ${known.user}` : 'New user'}</h2>
      ${known ? nothing : html`<label>User name <small>letters, digits, . _ -</small><input name="user" data-test="new-user" required maxlength="64" pattern="[A-Za-z0-9_.\\-]+" title="Letters, digits, dot, underscore and hyphen" autocapitalize="none" spellcheck="false" autocomplete="off" /></label>`}
      <label>Name <input name="name" maxlength="64" .value=${known?.name ?? ''} autocomplete="off" /></label>
      <label>Number <small>an extension, if there is one</small><input name="number" maxlength="32" .value=${known?.number ?? ''} autocomplete="off" /></label>
      <label>${known ? 'New password' : 'Password'} <small>${known ? 'empty: it stays; else at least 8 characters' : 'at least 8 characters'}</small><input name="password" type="password" data-test="new-password" minlength="8" maxlength="1024" ?required=${!known} autocomplete="new-password" /></label>
      <fieldset><legend>Roles</legend>${kRoles.map((role) => html`<label class="tick"><input type="checkbox" name=${role} .checked=${known ? known.roles.includes(role) : role === 'Agent'} /> ${role}</label>`)}</fieldset>
      <div class="heading"><button class="button" data-test="save-user" ?disabled=${this.busy_}>${this.busy_ ? 'Saving…' : 'Save'}</button><button type="button" class="button quiet" @click=${() => (this.editing_ = null)}>Cancel</button></div>
    </form>`;
  }

  private row(user: User) {
    const said = user.disabled ? `${user.user} may sign in again.` : `${user.user} is signed out and may not sign in any more.`;
    return html`<tr data-test="user-row" data-user=${user.user} data-disabled=${user.disabled}>
      <th scope="row">${user.user}<small>${[user.name, user.number].filter(Boolean).join(' · ')}</small></th>
      <td>${user.roles.join(', ') || '–'}</td>
      <td><span class="state ${user.disabled ? 'down' : 'up'}">${user.disabled ? 'disabled' : 'active'}</span></td>
      <td class="acts"><button class="button quiet" data-test="change-user" ?disabled=${this.busy_} @click=${() => (this.editing_ = user.user)}>Change<span class="sr"> ${user.user}</span></button>
        <button class="button quiet" data-test="disable-user" ?disabled=${this.busy_} @click=${() => void this.change(user.user, { disabled: !user.disabled }, said)}>${user.disabled ? 'Enable' : 'Disable'}<span class="sr"> ${user.user}</span></button></td>
    </tr>`;
  }

  override render() {
    const known = this.users_?.find(({ user }) => user === this.editing_) ?? null;
    return html`<main>
      <div class="heading"><h1 tabindex="-1">Users</h1><button class="button" data-test="add-user" @click=${() => (this.editing_ = '')}>New user</button></div>
      ${this.error_ ? html`<p class="error" role="alert" data-test="page-error" data-code=${this.error_.code}>${this.error_.message}</p>` : nothing}
      <p class=${this.said_ ? 'said' : 'sr'} role="status" data-test="said">${this.said_}</p>
      ${this.editing_ === null ? nothing : this.form(known)}
      <section class="card list" aria-label="All users">
        ${this.users_ === null
          ? html`<p class="soft">Loading…</p>`
          : html`<div class="scroll" tabindex="0" role="group" aria-label="Table of users"><table>
              <thead><tr><th scope="col">User</th><th scope="col">Roles</th><th scope="col">State</th><th scope="col"><span class="sr">What can be done</span></th></tr></thead>
              <tbody>${this.users_.map((user) => this.row(user))}</tbody>
            </table></div>`}
      </section>
    </main>`;
  }
}
