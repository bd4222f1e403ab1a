import { Emitter, ParleyError } from '../common/index';
import { AedConflict } from './outbox';
import { kMaxValue, type AedRequest, type AedServerMessage, type Author, type Item, type Value } from './protocol';

export interface Change<T extends Value = Value> {
  readonly id: string;
  /** null: it was deleted. */
  readonly item: Item<T> | null;
  /** What was there before; null: nothing. */
  readonly previous: Item<T> | null;
}

export interface TopicEvents<T extends Value = Value> {
  /** An item was made, changed or deleted: by others, by this page, or while it was away. */
  data: Change<T>;
  message: { readonly value: T; readonly by: Author };
  /** So many clients are connected, this one included. */
  clients: number;
  /** All data is here: after connecting, and after a break that was too long to be resumed. */
  synchronised: void;
  /** The topic is disconnected, by this page or (with an error) by the server. */
  disconnected: ParleyError | null;
}

export interface SubmitOptions {
  /** Absent: the server gives one. 1–64 of A-Z a-z 0-9 _ . - */
  id?: string;
  /** The version that is changed. Absent: the one this page knows; 0: there must be none. */
  version?: number;
}

/** How often `update` starts over because others were faster. */
const kAttempts = 16;

/** A topic this page is connected to: its data as far as it is known here, and what can be done with it. */
export class Topic<T extends Value = Value> extends Emitter<TopicEvents<T>> {
  private readonly items_ = new Map<string, Item<T>>();
  /** Versions of what was deleted: older news about it is none. */
  private readonly deleted_ = new Map<string, number>();
  /** Known from before, and not yet heard of since the topic began anew. */
  private stale_: Set<string> | null = null;
  private fresh_ = true;
  private over_ = false;
  private clients_ = 0;

  /** @internal Made by `Aed.topic`. */
  constructor(
    readonly name: string,
    private readonly ask_: (request: AedRequest) => Promise<AedServerMessage>,
    private readonly left_: () => void,
  ) {
    super();
  }

  /** The data, by id. Changes by itself. */
  get items(): ReadonlyMap<string, Item<T>> {
    return this.items_;
  }

  get clients(): number {
    return this.clients_;
  }

  get connected(): boolean {
    return !this.over_;
  }

  get(id: string): T | undefined {
    return this.items_.get(id)?.value;
  }

  /**
   * Makes or changes an item; resolves when it is stored. Rejects with an AedConflict when another version is there than the
   * one to be changed: its `item` says what.
   */
  async submit(value: T, { id, version }: SubmitOptions = {}): Promise<Item<T>> {
    const known = version ?? (id === undefined ? 0 : (this.items_.get(id)?.version ?? 0));
    const answer = await this.ask({ type: 'data-submit', topic: this.name, ...(id === undefined ? {} : { id }), version: known, value: checked(value) });
    if (answer.type !== 'data') throw new ParleyError('server.malformed');
    // A repeated answer has no value where others have changed the item since.
    return (answer.item as Item<T> | null) ?? { id: answer.id, version: answer.version, value, by: { role: '', name: '', party: '' }, at: 0 };
  }

  /** Changes an item from what it is, and starts over when somebody else changed it meanwhile. `change` gets undefined where there is none. */
  async update(id: string, change: (value: T | undefined) => T): Promise<Item<T>> {
    let now = this.items_.get(id) ?? null;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.submit(change(now?.value), { id, version: now?.version ?? 0 });
      } catch (error) {
        if (!(error instanceof AedConflict) || attempt >= kAttempts) throw error;
        now = error.item as Item<T> | null;
      }
    }
  }

  async delete(id: string, version = this.items_.get(id)?.version ?? 0): Promise<void> {
    await this.ask({ type: 'data-delete', topic: this.name, id, version });
  }

  /** To everybody else who is connected now. Resolves when the server has passed it on. */
  async send(value: T): Promise<void> {
    await this.ask({ type: 'message', topic: this.name, value: checked(value) });
  }

  async disconnect(): Promise<void> {
    if (this.over_) return;
    const asked = this.ask({ type: 'topic-disconnect', topic: this.name });
    this.over(null);
    try {
      await asked;
    } catch (error) {
      // A server that has forgotten this page has done what was asked.
      if (ParleyError.from(error).code !== 'aed.not_connected') throw error;
    }
  }

  /** @internal The topic is asked for (again): what comes next is the whole of it. */
  begin(): void {
    this.fresh_ = true;
  }

  /** @internal */
  received(message: AedServerMessage): void {
    if (this.over_) return;
    if (message.type === 'topic') this.part(message);
    else if (message.type === 'data') this.change(message);
    else if (message.type === 'clients') this.setClients(message.clients);
    else if (message.type === 'message') this.emit('message', { value: message.value as T, by: message.by });
  }

  /** @internal */
  over(error: ParleyError | null): void {
    if (this.over_) return;
    this.over_ = true;
    this.left_();
    this.emit('disconnected', error);
  }

  private ask(request: AedRequest): Promise<AedServerMessage> {
    return this.over_ ? Promise.reject(new ParleyError('aed.not_connected', { text: 'This topic is disconnected.' })) : this.ask_(request);
  }

  private part(message: AedServerMessage & { type: 'topic' }): void {
    if (this.fresh_ || message.reset) {
      this.stale_ = new Set(this.items_.keys());
      this.deleted_.clear();
    }
    this.fresh_ = false;
    for (const item of message.data) this.put(item as Item<T>);
    this.setClients(message.clients);
    if (message.more) return;
    const gone = this.stale_;
    this.stale_ = null;
    for (const id of gone ?? []) this.remove(id);
    if (gone) this.emit('synchronised', undefined);
  }

  private change(message: AedServerMessage & { type: 'data' }): void {
    if (message.item) return this.put(message.item as Item<T>);
    if (!message.deleted || message.version <= (this.deleted_.get(message.id) ?? 0)) return;
    if (message.version <= (this.items_.get(message.id)?.version ?? 0)) return;
    this.stale_?.delete(message.id);
    this.deleted_.set(message.id, message.version);
    this.remove(message.id);
  }

  private put(item: Item<T>): void {
    const previous = this.items_.get(item.id) ?? null;
    this.stale_?.delete(item.id);
    if (previous && previous.version >= item.version) return;
    if (item.version <= (this.deleted_.get(item.id) ?? 0)) return;
    this.deleted_.delete(item.id);
    this.items_.set(item.id, item);
    this.emit('data', { id: item.id, item, previous });
  }

  private remove(id: string): void {
    const previous = this.items_.get(id);
    if (!previous) return;
    this.items_.delete(id);
    this.emit('data', { id, item: null, previous });
  }

  private setClients(clients: number): void {
    if (clients === this.clients_) return;
    this.clients_ = clients;
    this.emit('clients', clients);
  }
}

/** Refuses here what the server would refuse, and what JSON would silently change into something else. */
function checked<T extends Value>(value: T): T {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new ParleyError('argument.invalid', { cause });
  }
  if (json === undefined) throw new ParleyError('argument.invalid');
  if (json.length > kMaxValue || new TextEncoder().encode(json).length > kMaxValue) {
    throw new ParleyError('aed.value_too_large', { text: 'A value may have 64 KiB.' });
  }
  return value;
}
