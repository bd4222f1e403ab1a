// What was masked and what could not be shown, for the receipt and for the agent: names and counts, never content.
import { labelOf, type Masked } from './masks';
import type { Unsupported } from '../protocol';

const kDelayMs = 500;
const kMaxLabels = 200;

export class CaptureLedger {
  private readonly masked_ = new Map<string, { entry: Masked; elements: WeakSet<Element> }>();
  private unsupported_ = new Map<Element, Unsupported>();
  private sentUnsupported_ = '';
  private timer_ = 0;
  private maskedNew_ = false;

  constructor(private readonly onMasked: (list: Masked[]) => void, private readonly onUnsupported: (list: Unsupported[]) => void) {}

  masked = (element: Element, rule: string): void => {
    const label = labelOf(element), key = `${rule} ${label}`;
    let known = this.masked_.get(key);
    if (!known) {
      if (this.masked_.size >= kMaxLabels) return;
      this.masked_.set(key, (known = { entry: { label, rule, count: 0 }, elements: new WeakSet() }));
    }
    if (known.elements.has(element)) return;
    known.elements.add(element);
    known.entry.count++;
    this.maskedNew_ = true;
    this.later();
  };

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

  stop(): void {
    clearTimeout(this.timer_);
  }

  private later(): void {
    if (this.timer_) return;
    this.timer_ = window.setTimeout(() => {
      this.timer_ = 0;
      this.tell();
    }, kDelayMs);
  }

  private tell(): void {
    if (this.maskedNew_) this.onMasked([...this.masked_.values()].map(({ entry }) => ({ ...entry })));
    this.maskedNew_ = false;
    for (const element of this.unsupported_.keys()) if (!element.isConnected) this.unsupported_.delete(element);
    const list = [...this.unsupported_.values()];
    const text = JSON.stringify(list);
    if (text === this.sentUnsupported_) return;
    this.sentUnsupported_ = text;
    this.onUnsupported(list);
  }
}
