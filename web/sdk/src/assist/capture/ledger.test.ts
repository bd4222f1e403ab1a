import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CaptureLedger } from './ledger';
import type { Masked } from './masks';

const field = (name: string, localName = 'input') => ({ localName, getAttribute: (key: string) => (key === 'name' ? name : null), isConnected: true }) as unknown as Element;
let receipts: [Masked[], number][];
let ledger: CaptureLedger;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', globalThis);
  receipts = [];
  ledger = new CaptureLedger((list, withheld) => receipts.push([list, withheld]), () => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the receipt of what was masked', () => {
  it('is told a while later, all of it, and only when something is new', () => {
    ledger.masked(field('card'), 'card');
    ledger.masked(field('pin'), 'password');
    ledger.masked(field('{"account":"DE89"}', 'iframe'), 'marked');
    expect(receipts).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(receipts).toEqual([[[{ label: 'input card', rule: 'card', count: 1 }, { label: 'input pin', rule: 'password', count: 1 }, { label: 'iframe', rule: 'marked', count: 1 }], 0]]);
    vi.advanceTimersByTime(5000);
    ledger.stop();
    expect(receipts.length).toBe(1);
  });

  it('names as many as it keeps and counts the rest', () => {
    const fields = Array.from({ length: 300 }, (_, i) => field(`f${i}`));
    for (const one of [...fields, ...fields]) ledger.masked(one, 'typed');
    ledger.stop();
    const [list] = receipts[0]!;
    expect([list.length, list.at(-1)]).toEqual([201, { label: 'without a name here', rule: 'more', count: 100 }]);
    expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(300);
  });

  it('does not wait for the count of withheld pictures', () => {
    ledger.withheld();
    ledger.masked(field('card'), 'card');
    vi.advanceTimersByTime(1000);
    expect(receipts).toEqual([[[{ label: 'input card', rule: 'card', count: 1 }], 1]]);
  });

  it('is told at once when the pictures end before, by a pause or another page', () => {
    ledger.masked(field('card'), 'card');
    ledger.stop();
    expect(receipts).toEqual([[[{ label: 'input card', rule: 'card', count: 1 }], 0]]);
    vi.advanceTimersByTime(5000);
    expect(receipts.length).toBe(1);
  });
});
