import { ParleyError } from '../../common/index';
import type { FormField, TopicAgentMessage, TopicServerMessage } from '../protocol';

export interface MessageWay {
  send(message: TopicAgentMessage): void;
  request(message: TopicAgentMessage): Promise<TopicServerMessage>;
}

export interface FieldChange {
  value?: string;
  checked?: boolean;
  selected?: string[];
}

/** How the last change of a field went. */
export interface FieldResult {
  state: 'sending' | 'done' | 'refused';
  /** Why it was refused: the page's own words, or the service's; and the reason's code. */
  text: string;
  code: string;
}

const kNotTaken = 'The page did not take this value.';

/**
 * The form editor's state: the fields of the consumer's page as it reported them last. While it is open the page reports each
 * change by itself. Masked fields have no value here: it never left the consumer's browser.
 */
export class FormDesk {
  open = false;
  /** null: not known yet. */
  fields: FormField[] | null = null;
  error: ParleyError | null = null;
  readonly results = new Map<string, FieldResult>();
  private page_: string | null = null;

  constructor(
    private readonly way_: MessageWay,
    private readonly changed_: () => void,
  ) {}

  async show(): Promise<void> {
    if (this.open) return;
    this.open = true;
    this.fields = this.error = null;
    this.results.clear();
    this.changed_();
    await this.reload();
  }

  /** The fields as they are now, for programs: rejects where `show` notes an `error`. The page then reports changes until `close`. */
  async read(): Promise<FormField[]> {
    await (this.open ? this.reload() : this.show());
    if (this.error) throw this.error;
    return this.fields ?? [];
  }

  async reload(): Promise<void> {
    this.error = null;
    try {
      await this.way_.request({ type: 'form-get' });
    } catch (thrown) {
      // The fields may have come unasked meanwhile.
      if (this.fields === null) this.error = ParleyError.from(thrown);
    }
    this.changed_();
  }

  /** Which page there is to read; null: none just now. One that comes, or comes back, reports to nobody who has not asked it. */
  pageIs(page: string | null): void {
    const before = this.page_;
    this.page_ = page;
    if (this.open && page !== null && page !== before) void this.reload();
  }

  /** `tell`: the page shall stop reporting. */
  close(tell = true): void {
    if (!this.open) return;
    this.open = false;
    this.fields = null;
    this.results.clear();
    if (tell) this.way_.send({ type: 'form-close' });
    this.changed_();
  }

  /** Fills in a field; needs control. How it went, which is in `results`, too: the page's own validation decides. */
  async set(id: string, change: FieldChange): Promise<FieldResult> {
    this.result(id, { state: 'sending', text: '', code: '' });
    try {
      const answer = await this.way_.request({ type: 'form-set', id, ...change });
      // Of a page that is gone: what is on this one is read anew.
      if (answer.type === 'form-result' && answer.reason === 'unknown_field' && this.open) void this.reload();
      return answer.type === 'form-result' ? this.took(answer) : this.result(id, { state: 'refused', text: kNotTaken, code: 'server.malformed' });
    } catch (thrown) {
      const { code, message } = ParleyError.from(thrown);
      return this.result(id, { state: 'refused', text: message, code });
    }
  }

  received(message: TopicServerMessage): void {
    if (message.type === 'form' && this.open) {
      this.fields = message.fields;
      this.error = null;
      for (const id of this.results.keys()) if (!message.fields.some((field) => field.id === id)) this.results.delete(id);
      this.changed_();
    } else if (message.type === 'form-result') {
      this.took(message);
    }
  }

  private took({ id, ok, valid, message, reason }: { id: string; ok: boolean; valid?: boolean; message?: string; reason?: string }): FieldResult {
    const field = this.fields?.find((known) => known.id === id);
    if (field && valid !== undefined) Object.assign(field, { valid, message });
    return this.result(id, ok ? { state: 'done', text: '', code: '' } : { state: 'refused', text: message || kNotTaken, code: reason || 'form.invalid' });
  }

  private result(id: string, result: FieldResult): FieldResult {
    this.results.set(id, result);
    this.changed_();
    return result;
  }
}
