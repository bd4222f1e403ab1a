// What was masked and what could not be shown, for the receipt and for the agent: names and counts, never content.
import { labelOf, type Masked } from './masks';
import type { Unsupported } from '../protocol';

const kDelayMs = 500;
const kMaxLabels = 200;
/** A page that moves withholds many pictures: they are told together. */
const kWithheldDelayMs = 5_000;

export class CaptureLedger {
  private readonly masked_ = new Map<string, { entry: Masked; elements: WeakSet<Element> }>();
  /** What has no room of its own is counted. */
  private readonly rest_ = { entry: { label: 'without a name here', rule: 'more', count: 0 }, elements: new WeakSet<Element>() };
  private unsupported_ = new Map<Element, Unsupported>();
  private sentUnsupported_ = '';
  private timer_ = 0;
  private delay_ = 0;
  private maskedNew_ = false;
  private withheld_ = 0;

  constructor(private readonly onMasked: (list: Masked[], withheld: number) => void, private readonly onUnsupported: (list: Unsupported[]) => void) {}

  masked = (element: Element, rule: string): void => {
    const label = labelOf(element), key = `${rule} ${label}`;
    let known = this.masked_.get(key);
    if (!known && this.masked_.size >= kMaxLabels) known = this.rest_;
    if (!known) this.masked_.set(key, (known = { entry: { label, rule, count: 0 }, elements: new WeakSet() }));
    if (known.elements.has(element)) return;
    known.elements.add(element);
    known.entry.count++;
    this.maskedNew_ = true;
    this.later();
  };

  /** A picture was not sent, as something in it was not black yet. */
  withheld(): void {
    this.withheld_++;
    this.maskedNew_ = true;
    this.later(kWithheldDelayMs);
  }

  unsupported = (element: Element, what: string, why: string): void => {
    if (this.unsupported_.get(element)?.why === why || this.unsupported_.size >= kMaxLabels) return;
    this.unsupported_.set(element, { what, why });
    this.later();
  };

  /** Looks again at what is gone. */
  forget(element: Element): void {
    if (this.unsupported_.delete(element)) this.later();
  }

  /** Says what cannot be shown to somebody who has not heard. */
  again(): void {
    this.sentUnsupported_ = '';
    this.tell();
  }

  /** What was masked or withheld and not told yet is told, also before a pause or on another page: the receipt is the customer's. */
  stop(): void {
    clearTimeout(this.timer_);
    if (this.maskedNew_) this.tellMasked();
  }

  private later(delay = kDelayMs): void {
    // A count of withheld pictures may wait; what is masked or cannot be shown does not wait for it.
    if (this.timer_ && delay >= this.delay_) return;
    window.clearTimeout(this.timer_);
    this.delay_ = delay;
    this.timer_ = window.setTimeout(() => {
      this.timer_ = 0;
      this.tell();
    }, delay);
  }

  private tellMasked(): void {
    const all = [...this.masked_.values(), ...(this.rest_.entry.count ? [this.rest_] : [])];
    if (this.maskedNew_) this.onMasked(all.map(({ entry }) => ({ ...entry })), this.withheld_);
    this.maskedNew_ = false;
  }

  private tell(): void {
    this.tellMasked();
    for (const element of this.unsupported_.keys()) if (!element.isConnected) this.unsupported_.delete(element);
    const list = [...this.unsupported_.values()];
    const text = JSON.stringify(list);
    if (text === this.sentUnsupported_) return;
    this.sentUnsupported_ = text;
    this.onUnsupported(list);
  }
}
