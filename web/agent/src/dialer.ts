import { icons } from '@parley/components';
import type { Tones } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { recentNumbers, rememberNumber } from './recent_numbers';

/** Number field, dial pad and the numbers that were called last. Event `dial` (detail: {destination, video}). */
@customElement('parley-dialer')
export class Dialer extends LitElement {
  @property({ type: Boolean }) disabled = false;
  /** A call runs: the next one is beside it. */
  @property({ type: Boolean }) second = false;
  @property({ attribute: false }) tones: Tones | null = null;
  @state() private number_ = '';
  @state() private video_ = false;
  @state() private pad_ = false;
  @state() private recent_ = recentNumbers();
  @query('input[name=number]') private field_!: HTMLInputElement;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Dials at once, as from the history. */
  dial(destination: string): void {
    const wanted = destination.trim();
    if (!wanted || this.disabled) return;
    this.recent_ = rememberNumber(wanted);
    this.number_ = '';
    this.dispatchEvent(new CustomEvent('dial', { detail: { destination: wanted, video: this.video_ } }));
  }

  private submit(event: SubmitEvent): void {
    event.preventDefault();
    this.dial(this.number_);
  }

  private press(digit: string): void {
    this.tones?.key(digit);
    this.number_ += digit;
    this.field_.focus();
  }

  override render() {
    return html`<section class="card side dialer" aria-label="Call somebody">
      <h2>${this.second ? 'Call somebody else' : 'Call'}</h2>
      <form @submit=${this.submit}>
        <div class="number">
          <input
            name="number"
            data-test="dial-number"
            aria-label="Number or name"
            placeholder="Number or name"
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
            ?disabled=${this.disabled}
            .value=${this.number_}
            @input=${(e: Event) => (this.number_ = (e.target as HTMLInputElement).value)}
          />
          ${this.number_
            ? html`<button type="button" class="tool" aria-label="Delete the last character" @click=${() => (this.number_ = this.number_.slice(0, -1))}>${icons.backspace}</button>`
            : nothing}
        </div>
        <div class="line">
          <label class="check"><input type="checkbox" data-test="dial-video" .checked=${this.video_} @change=${(e: Event) => (this.video_ = (e.target as HTMLInputElement).checked)} /> with video</label>
          <button
            type="button"
            class="tool"
            data-test="dial-keypad-toggle"
            aria-label="Dial pad"
            title="Dial pad"
            aria-expanded=${String(this.pad_)}
            @click=${() => (this.pad_ = !this.pad_)}
          >
            ${icons.keypad}
          </button>
          <button class="button good" data-test="dial" ?disabled=${this.disabled || !this.number_.trim()}>${icons.phone} Call</button>
        </div>
      </form>
      ${this.pad_ ? html`<parley-keypad @digit=${(e: Event) => this.press((e as CustomEvent<string>).detail)}></parley-keypad>` : nothing}
      ${this.recent_.length > 0
        ? html`<ul class="recent" aria-label="Called last">
            ${this.recent_.slice(0, 5).map(
              (number) => html`<li><button type="button" data-test="recent-number" ?disabled=${this.disabled} @click=${() => this.dial(number)}>${number}</button></li>`,
            )}
          </ul>`
        : nothing}
      ${this.second ? html`<p class="soft hint">The call you are in is put on hold.</p>` : nothing}
    </section>`;
  }
}
