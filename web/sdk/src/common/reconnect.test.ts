import { describe, expect, it } from 'vitest';
import { defaultReconnectPolicy, patientReconnectPolicy } from './reconnect';

describe('reconnection policy', () => {
  it('is a table of attempt, elapsed and random', () => {
    const rows: [attempt: number, elapsed: number, random: number, delay: number | null][] = [
      [1, 0, 0, 0],
      [1, 0, 0.999, 200],
      [2, 300, 0, 125],
      [2, 300, 1, 250],
      [3, 900, 0, 250],
      [7, 20_000, 0, 2500],
      [7, 20_000, 1, 5000],
      [1000, 89_999, 1, 5000],
      [2, 90_001, 0.5, null],
    ];
    for (const [attempt, elapsed, random, delay] of rows) {
      expect(defaultReconnectPolicy({ attempt, elapsed, random }), `attempt ${attempt}`).toBe(delay);
    }
  });

  it('never gives an agent up', () => {
    expect(patientReconnectPolicy({ attempt: 5000, elapsed: 1e9, random: 1 })).toBe(10_000);
  });
});
