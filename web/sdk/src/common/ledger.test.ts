import { describe, expect, it } from 'vitest';
import { kMaxUnacknowledged, Ledger } from './ledger';

const parse = (text: string | null) => JSON.parse(text!) as Record<string, unknown>;

describe('Ledger', () => {
  it('numbers from 1 and states what it received', () => {
    const ledger = new Ledger();
    expect(parse(ledger.stamp({ type: 'a' }, 0))).toEqual({ type: 'a', seq: 1, ack: 0 });
    expect(ledger.arrive(1)).toBe('new');
    expect(ledger.owesAck).toBe(true);
    expect(parse(ledger.stamp({ type: 'b' }, 0))).toEqual({ type: 'b', seq: 2, ack: 1 });
    expect(ledger.owesAck).toBe(false);
  });

  it('tells duplicates and gaps from the next message', () => {
    const ledger = new Ledger();
    expect(ledger.arrive(1)).toBe('new');
    expect(ledger.arrive(1)).toBe('duplicate');
    expect(ledger.arrive(3)).toBe('gap');
    expect(ledger.received).toBe(1);
    expect(ledger.arrive(2)).toBe('new');
  });

  it('sends again exactly what the other side lacks, with the present acknowledgement', () => {
    const ledger = new Ledger();
    for (const type of ['a', 'b', 'c']) ledger.stamp({ type }, 10);
    ledger.arrive(1);
    const again = ledger.resume(1, 99).map(parse);
    expect(again).toEqual([
      { type: 'b', seq: 2, ack: 1 },
      { type: 'c', seq: 3, ack: 1 },
    ]);
    expect(ledger.oldestSentAt).toBe(99);
    ledger.acknowledged(3);
    expect(ledger.unacknowledged).toBe(0);
    expect(ledger.oldestSentAt).toBeUndefined();
  });

  it('goes on numbering after a reload where the other side stopped', () => {
    const ledger = new Ledger();
    ledger.restore(7);
    expect(ledger.resume(4, 0)).toEqual([]);
    expect(parse(ledger.stamp({ type: 'x' }, 0))).toEqual({ type: 'x', seq: 5, ack: 7 });
    expect(ledger.arrive(7)).toBe('duplicate');
    expect(ledger.arrive(8)).toBe('new');
  });

  it('is bounded in messages', () => {
    const ledger = new Ledger();
    for (let i = 0; i < kMaxUnacknowledged; i++) expect(ledger.stamp({ i }, 0)).not.toBeNull();
    expect(ledger.stamp({}, 0)).toBeNull();
    ledger.acknowledged(1);
    expect(parse(ledger.stamp({}, 0)).seq).toBe(kMaxUnacknowledged + 1);
  });

  it('is bounded in bytes', () => {
    const ledger = new Ledger();
    const large = { sdp: 'x'.repeat(300_000) };
    expect([1, 2, 3].map(() => ledger.stamp(large, 0) !== null)).toEqual([true, true, true]);
    expect(ledger.stamp(large, 0)).toBeNull();
    ledger.acknowledged(2);
    expect(ledger.stamp(large, 0)).not.toBeNull();
  });
});
