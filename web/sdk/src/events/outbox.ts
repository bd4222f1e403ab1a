// Requests on their way: each has a name of its own, is answered once, and is sent again under the same name when the session that
// carried it was lost. The server does a request of one name once only.
import { guarded, ParleyError, type Environment } from '../common/index';
import type { AedClientMessage, AedRequest, AedServerMessage, Item } from './protocol';

/** Somebody else changed the item first. */
export class AedConflict extends ParleyError {
  /** What is there now; null: nothing. */
  readonly item: Item | null;

  constructor(text: string, item: Item | null) {
    super('aed.conflict', { text: text || 'Somebody else changed this first.' });
    this.name = 'AedConflict';
    this.item = item;
  }
}

export const kOutbox = {
  /** Unanswered at the same time; far below what a link keeps. */
  window: 48,
  /** Requests that wait for their turn. */
  waiting: 2_000,
  /** The server takes 50 a second, 100 at once; acknowledgements count, too. */
  perSecond: 35,
  burst: 60,
  /** Milliseconds, network breaks included: a session is resumed within 60 s or not at all. */
  patience: 90_000,
} as const;

interface Entry {
  message: AedClientMessage & AedRequest;
  sent: boolean;
  /** Sent to a session that was lost: it may be done already. */
  repeated: boolean;
  timer: number;
  resolve: (answer: AedServerMessage) => void;
  reject: (error: ParleyError) => void;
}

/** A new process of the server does not know that it did this before; that the item is not there does. */
const wasDeleted = ({ message, repeated }: Entry, answer: AedServerMessage & { type: 'error' }): boolean =>
  repeated && message.type === 'data-delete' && answer.reason === 'aed.conflict' && !answer.item;

export class Outbox {
  private readonly entries_ = new Map<string, Entry>();
  private readonly prefix_: string;
  private next_ = 1;
  private tokens_: number = kOutbox.burst;
  private filledAt_: number;
  private timer_ = 0;
  private open_ = false;

  /** `prefix`: told apart from all other pages' requests by the same client. */
  constructor(
    private readonly env_: Environment,
    prefix: string,
    private readonly send_: (message: AedClientMessage) => void,
  ) {
    this.prefix_ = prefix;
    this.filledAt_ = env_.now();
  }

  get size(): number {
    return this.entries_.size;
  }

  /** Resolves with the answer (`topic`, `data`, `done`); rejects with the server's reason. */
  request(request: AedRequest): Promise<AedServerMessage> {
    return new Promise((resolve, reject) => {
      if (this.entries_.size >= kOutbox.waiting) {
        reject(new ParleyError('rate.exceeded', { text: 'Too many requests are waiting.' }));
        return;
      }
      const name = `${this.prefix_}.${this.next_++}`;
      const late = guarded('request timeout', () => this.settle(name, (e) => e.reject(new ParleyError('request.timeout'))));
      const timer = this.env_.setTimer(late, kOutbox.patience);
      this.entries_.set(name, { message: { ...request, request: name }, sent: false, repeated: false, timer, resolve, reject });
      this.pump();
    });
  }

  answered(message: AedServerMessage): void {
    if (!('request' in message) || message.request === undefined) return;
    // Of a topic in parts only the last is the answer: the data is there then.
    if (message.type === 'topic' && message.more) return;
    this.settle(message.request, (entry) => {
      if (message.type !== 'error') entry.resolve(message);
      else if (wasDeleted(entry, message)) entry.resolve({ type: 'done', request: message.request });
      else if (message.reason === 'aed.conflict') entry.reject(new AedConflict(message.text, message.item ?? null));
      else entry.reject(new ParleyError(message.reason, { text: message.text }));
    });
  }

  /** The session stands (again): what waits may go. `lost`: it is another one, and knows nothing of what was sent. */
  opened(lost: boolean): void {
    if (lost) {
      // Topics first: the rest needs them.
      const sorted = [...this.entries_].sort(([, a], [, b]) => Number(b.message.type === 'topic-connect') - Number(a.message.type === 'topic-connect'));
      this.entries_.clear();
      for (const [name, entry] of sorted) this.entries_.set(name, Object.assign(entry, { sent: false, repeated: entry.repeated || entry.sent }));
    }
    this.open_ = true;
    this.pump();
  }

  /** The link is away: nothing goes out until `opened`. */
  closed(): void {
    this.open_ = false;
  }

  fail(error: ParleyError): void {
    this.open_ = false;
    this.env_.clearTimer(this.timer_);
    for (const name of [...this.entries_.keys()]) this.settle(name, (entry) => entry.reject(error));
  }

  private settle(name: string, how: (entry: Entry) => void): void {
    const entry = this.entries_.get(name);
    if (!entry) return;
    this.entries_.delete(name);
    this.env_.clearTimer(entry.timer);
    how(entry);
    this.pump();
  }

  private pump(): void {
    if (!this.open_) return;
    const now = this.env_.now();
    this.tokens_ = Math.min(kOutbox.burst, this.tokens_ + ((now - this.filledAt_) / 1000) * kOutbox.perSecond);
    this.filledAt_ = now;
    let flying = 0;
    for (const entry of this.entries_.values()) {
      if (!entry.sent && this.tokens_ >= 1 && flying < kOutbox.window) {
        this.tokens_--;
        entry.sent = true;
        this.send_(entry.message);
      }
      if (entry.sent) flying++;
    }
    if (flying < this.entries_.size && flying < kOutbox.window) this.pumpSoon();
  }

  private pumpSoon(): void {
    if (this.timer_) return;
    this.timer_ = this.env_.setTimer(
      guarded('requests', () => {
        this.timer_ = 0;
        this.pump();
      }),
      Math.ceil(1000 / kOutbox.perSecond),
    );
  }
}
