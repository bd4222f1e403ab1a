import type { FormField } from '@parley/agents';
import { icons } from '@parley/components';
import { html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { assistIcons } from './icons';
import { SessionElement } from './session_element';

/** Types of input whose editor here is one of the browser's own. */
const kNative = ['password', 'date', 'time', 'month', 'week', 'datetime-local', 'color', 'number', 'range', 'email', 'tel', 'url', 'search'];
/** … and those whose fields always hold something. */
const kNeverEmpty = ['range', 'color'];

/** The fields of the consumer's page, to be filled from here. The page's own validation decides what it takes. */
@customElement('parley-form-panel')
export class FormPanel extends SessionElement {
  private set(field: FormField, change: { value?: string; checked?: boolean; selected?: string[] }): void {
    void this.cobrowse.form.set(field.id, change);
  }

  private changed(field: FormField, event: Event): void {
    const element = event.target as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
    if (element instanceof HTMLSelectElement) {
      this.set(field, { selected: [...element.selectedOptions].map((option) => option.value) });
    } else if (element instanceof HTMLInputElement && (element.type === 'checkbox' || element.type === 'radio')) {
      this.set(field, { checked: element.checked });
    } else {
      this.set(field, { value: element.value });
    }
  }

  private editor(field: FormField, id: string, locked: boolean) {
    const changed = (event: Event) => this.changed(field, event);
    const common = { invalid: field.valid === false ? 'true' : nothing };
    if (field.barred) return html`<p class="masked" data-test="field-barred">${assistIcons.lock} The site lets only the customer fill this.</p>`;
    if (field.masked) return this.unseen(field, id, locked);
    if (field.type === 'radio' && field.options) {
      return html`<div class="choice" role="radiogroup" aria-label=${field.label} aria-invalid=${common.invalid} aria-describedby="${id}-state">
        ${field.options.map((option) => html`<label class="check"><input type="radio" name="radio-${id}" data-test="field-input" .value=${option.value} .checked=${option.selected ?? false} ?disabled=${locked || option.disabled === true}
          @change=${() => this.set(field, { value: option.value })} />${option.label || option.value}</label>`)}
      </div>`;
    }
    if (field.type === 'checkbox' || field.type === 'radio') {
      return html`<label class="check"><input id=${id} type=${field.type} name=${field.type === 'radio' ? `radio-${id}` : nothing} data-test="field-input" .checked=${field.checked ?? false} ?disabled=${locked}
        aria-invalid=${common.invalid} aria-describedby="${id}-state" @change=${changed} />${field.type === 'radio' && field.value ? `${field.label}: ${field.value}` : field.label || field.id}</label>`;
    }
    if (field.options) {
      return html`<select id=${id} data-test="field-input" ?multiple=${field.multiple} ?disabled=${locked} aria-invalid=${common.invalid} aria-describedby="${id}-state" @change=${changed}>
        ${field.options.map((option) => html`<option value=${option.value} .selected=${option.selected ?? option.value === field.value} ?disabled=${option.disabled}>${option.label || option.value}</option>`)}
      </select>`;
    }
    if (field.type === 'textarea' || field.type === 'contenteditable') {
      return html`<textarea id=${id} data-test="field-input" rows="3" maxlength=${field.maxLength ?? nothing} .value=${field.value ?? ''} ?disabled=${locked} aria-invalid=${common.invalid} aria-describedby="${id}-state" @change=${changed}></textarea>`;
    }
    const type = kNative.includes(field.type) ? field.type : 'text';
    const limit = (value: string | number | undefined) => value ?? nothing;
    return html`<input id=${id} type=${type} data-test="field-input" autocomplete="off" placeholder=${limit(field.hint)} maxlength=${limit(field.maxLength)} min=${limit(field.min)} max=${limit(field.max)} step=${limit(field.step)} .value=${field.value ?? ''} ?disabled=${locked} aria-invalid=${common.invalid} aria-describedby="${id}-state" @change=${changed} />`;
  }

  /** What a masked field holds and offers never comes here. What is typed leaves at once, by the button, and is not kept. */
  private unseen(field: FormField, id: string, locked: boolean) {
    const said = html`<p class="unseen" id="${id}-masked" data-test="field-masked">${assistIcons.lock} Masked: what is in it is not shown here. ${field.type === 'select' && field.multiple ? 'Several can be chosen: you add or remove one, the others stay as they are.' : 'You can fill it in, but you will not see what it holds.'}</p>`;
    if (field.type === 'checkbox') {
      const button = (checked: boolean, words: string) => html`<button class="button quiet" data-test=${checked ? 'field-tick' : 'field-untick'} ?disabled=${locked} @click=${() => this.set(field, { checked })}>${words}</button>`;
      return html`<div class="fill" role="group" aria-label=${field.label} aria-describedby="${id}-masked ${id}-state">${button(true, 'Tick')}${button(false, 'Untick')}</div>${said}`;
    }
    const list = field.type === 'select' || field.type === 'radio';
    const several = field.type === 'select' && field.multiple === true;
    const limit = field.maxLength ?? nothing;
    const fill = (event: SubmitEvent) => {
      event.preventDefault();
      const entry = (event.target as HTMLFormElement).elements[0] as HTMLInputElement | HTMLTextAreaElement;
      if (entry.value === '') return entry.focus();
      // Of several, one: what else the customer has chosen is not known here, and stays.
      const checked = several ? (event.submitter as HTMLButtonElement | null)?.value !== 'remove' : undefined;
      this.set(field, field.type === 'select' ? { selected: [entry.value], checked } : { value: entry.value });
      entry.value = '';
    };
    const clear = (event: Event) => {
      (event.target as HTMLButtonElement).form?.reset();
      this.set(field, { value: '' });
    };
    // A slider that cannot stand where the field's own does would say something else than it shows.
    const type = field.type === 'range' ? 'number' : kNative.includes(field.type) ? field.type : 'text';
    const long = field.type === 'textarea' || field.type === 'contenteditable';
    return html`<form class="fill" novalidate autocomplete="off" @submit=${fill}>
        ${long
          ? html`<textarea id=${id} data-test="field-input" rows="3" maxlength=${limit} ?disabled=${locked} aria-describedby="${id}-masked ${id}-state"></textarea>`
          : html`<input id=${id} type=${type} step="any" autocomplete=${type === 'password' ? 'new-password' : 'off'} data-test="field-input" placeholder=${list ? 'The choice, as the customer reads it out' : nothing} maxlength=${limit} ?disabled=${locked} aria-describedby="${id}-masked ${id}-state" />`}
        ${several
          ? html`<button class="button quiet" data-test="field-add" aria-label="Add to ${field.label}" ?disabled=${locked}>Add</button>
            <button class="button quiet" data-test="field-remove" value="remove" aria-label="Remove from ${field.label}" ?disabled=${locked}>Remove</button>`
          : html`<button class="button quiet" data-test="field-fill" aria-label="Fill in ${field.label}" ?disabled=${locked}>Fill in</button>`}
        ${list || kNeverEmpty.includes(field.type)
          ? nothing
          : html`<button class="button quiet" type="button" data-test="field-clear" aria-label="Clear ${field.label}" title="Empty this field on the customer’s page" ?disabled=${locked} @click=${clear}>Clear</button>`}
      </form>${said}`;
  }

  private field(field: FormField, index: number, may: boolean) {
    const id = `field-${index}`;
    const result = this.cobrowse.form.results.get(field.id);
    const choice = field.type === 'radio' && field.options !== undefined;
    const unlabelled = field.barred || choice || (field.masked && field.type === 'checkbox');
    const inline = (field.type === 'checkbox' || field.type === 'radio') && !unlabelled && !field.masked;
    const bad = result?.state === 'refused' ? result.text : field.valid === false ? field.message || 'Not valid yet.' : '';
    return html`<li data-test="form-field" data-id=${field.id} data-type=${field.type} data-valid=${String(field.valid !== false)} data-masked=${String(field.masked)} data-result=${result?.state ?? ''}>
      ${inline
        ? nothing
        : html`<label for=${unlabelled ? nothing : id}>${field.label || 'Field without a name'}${field.required ? html` <span class="soft">· required</span>` : nothing}${field.readonly ? html` <span class="soft">· read only</span>` : nothing}${field.disabled ? html` <span class="soft">· switched off by the page</span>` : nothing}</label>`}
      ${this.editor(field, id, !may || field.readonly === true || field.disabled === true)}
      <p id="${id}-state" class="result ${bad ? 'bad' : ''}" role=${bad ? 'alert' : nothing}>
        ${bad ? html`${assistIcons.warn}${bad}` : result?.state === 'sending' ? 'Filling in…' : result?.state === 'done' ? field.masked ? 'Sent. Ask the customer whether it is right.' : html`${assistIcons.check}Filled in` : nothing}
      </p>
    </li>`;
  }

  override render() {
    const { form, controlling } = this.cobrowse;
    const may = controlling;
    return html`<div class="panelhead"><h2>Form</h2>
        <button class="tool" data-test="form-reload" aria-label="Read the form again" title="Read the form again" @click=${() => void form.reload()}>${assistIcons.reload}</button></div>
      ${form.error ? html`<p class="error" role="alert" data-test="form-error" data-code=${form.error.code}>${form.error.message}</p>` : nothing}
      ${form.fields && !may
        ? html`<div class="ask"><p>${icons.info} To fill in fields you need control of the page.</p>
            <button class="button" data-test="form-ask-control" ?disabled=${this.cobrowse.askingControl || !this.cobrowse.has('control')} @click=${() => void this.cobrowse.askControl()}>${this.cobrowse.askingControl ? 'Waiting for the customer…' : 'Ask for control'}</button></div>`
        : nothing}
      ${form.fields === null
        ? form.error ? nothing : html`<p class="soft" role="status">Reading the form…</p>`
        : form.fields.length === 0
          ? html`<div class="empty" data-test="form-empty">${assistIcons.form}<p>There is nothing to fill in on this page.</p></div>`
          : html`<ul class="fields">${repeat(form.fields, (field) => field.id, (field, index) => this.field(field, index, may))}</ul>`}`;
  }
}
