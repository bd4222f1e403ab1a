import { ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { AssistApi } from '@parley/agents';
import { assistIcons } from './icons';

/** Joins a co-browse without a call: by the code that the customer reads out. Event `join` (detail: the cid). */
@customElement('parley-join')
export class JoinCard extends LitElement {
  @property({ attribute: false }) api!: AssistApi;
  @property({ type: Boolean }) disabled = false;
  @state() private error_: ParleyError | null = null;
  @state() private busy_ = false;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const wanted = String(new FormData(form).get('code') ?? '').trim();
    if (!wanted || this.busy_) return;
    this.busy_ = true;
    this.error_ = null;
    try {
      const cid = await this.api.find(wanted);
      form.reset();
      this.dispatchEvent(new CustomEvent('join', { detail: cid }));
    } catch (thrown) {
      this.error_ = this.words(ParleyError.from(thrown));
    } finally {
      this.busy_ = false;
    }
  }

  private words(error: ParleyError): ParleyError {
    const texts: Record<string, string> = {
      'shortcode.unknown': 'This code is not right, was used already or is too old. Ask the customer for a new one.',
      'shortcode.locked': `Too many wrong codes. Try again in ${error.retryAfter ? `${error.retryAfter} seconds` : 'a minute'}.`,
    };
    return new ParleyError(error.code, { text: texts[error.code] ?? error.message });
  }

  override render() {
    const error = this.error_;
    return html`<section class="card side join" aria-label="Co-browse without a call">
      <h2>Co-browse</h2>
      <form @submit=${this.submit}>
        <label class="sr" for="join-code">Code of the customer’s page</label>
        <input id="join-code" name="code" data-test="join-code" placeholder="Code, e.g. 482 913" autocomplete="off" autocapitalize="none" spellcheck="false" ?disabled=${this.disabled}
          aria-invalid=${error ? 'true' : nothing} aria-describedby=${error ? 'join-error' : nothing} @input=${() => (this.error_ = null)} />
        <button class="button" data-test="join" ?disabled=${this.disabled || this.busy_}>${assistIcons.page} ${this.busy_ ? 'Joining…' : 'Join'}</button>
      </form>
      ${error
        ? html`<p class="error" id="join-error" role="alert" data-test="join-error" data-code=${error.code}>${error.message}</p>`
        : html`<p class="soft hint">The customer reads the code from the page.</p>`}
    </section>`;
  }
}
