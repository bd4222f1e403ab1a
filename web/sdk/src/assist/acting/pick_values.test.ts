import { describe, expect, it } from 'vitest';
import { asksForCard } from './barred';
import { step, wordAround, wordLeft, wordRight } from './caret';
import { dayCells, monthCells, shownFor, timeCells, turn, weekText } from './pick_values';

const none = { min: '', max: '' };
const day = (text: string) => new Date(`${text}T00:00:00Z`);

describe('pick_values', () => {
  it('knows ISO weeks at the turn of the year', () => {
    for (const [date, week] of [['2026-01-01', '2026-W01'], ['2027-01-01', '2026-W53'], ['2024-12-30', '2025-W01'], ['2026-11-26', '2026-W48']]) {
      expect(weekText(day(date!)), date).toBe(week);
    }
  });

  it('fills six weeks from Monday and keeps to the bounds', () => {
    const cells = dayCells('date', { year: 2024, month: 1 }, '2024-02-29', { min: '2024-02-05', max: '2024-03-01' }, String);
    expect(cells).toHaveLength(42);
    expect(cells[0]).toMatchObject({ value: '2024-01-29', muted: true, disabled: true });
    expect(cells.find((c) => c.selected)?.value).toBe('2024-02-29');
    expect(cells.filter((c) => !c.disabled)).toHaveLength(26);
  });

  it('shows the month of a value and turns within four-digit years', () => {
    expect(shownFor('2026-W53', new Date())).toEqual({ year: 2026, month: 11 });
    expect(shownFor('2026-02-10T08:00', new Date())).toEqual({ year: 2026, month: 1 });
    expect(shownFor('rubbish', new Date(2020, 4, 1))).toEqual({ year: 2020, month: 4 });
    expect(turn({ year: 2026, month: 0 }, -1)).toEqual({ year: 2025, month: 11 });
    expect(turn({ year: 9999, month: 11 }, 1)).toEqual({ year: 9999, month: 11 });
    expect(monthCells({ year: 2026, month: 0 }, '2026-03', none, String)[2]).toMatchObject({ value: '2026-03', selected: true });
  });

  it('offers times by the step, and no endless list', () => {
    expect(timeCells('09:00', none, '1800')).toHaveLength(48);
    expect(timeCells('', none, '1')).toHaveLength(96);
    expect(timeCells('', none, 'any')).toHaveLength(96);
    expect(timeCells('', { min: '08:00', max: '10:00' }, '3600').filter((c) => !c.disabled)).toHaveLength(3);
  });
});

describe('caret', () => {
  it('moves by characters, words and lines', () => {
    const text = 'one two\nthree';
    expect([step(text, 3, 'right', true), step(text, 7, 'left', true)]).toEqual([7, 4]);
    expect([step(text, 5, 'down', false), step(text, 11, 'up', false)]).toEqual([13, 3]);
    expect([step(text, 10, 'home', false), step(text, 1, 'end', false)]).toEqual([8, 7]);
    expect([step('a😀b', 1, 'right', false), step('a😀b', 3, 'left', false)]).toEqual([3, 1]);
    expect([step('', 0, 'left', false), step('', 0, 'right', true), step('', 0, 'up', false)]).toEqual([0, 0, 0]);
    expect([wordAround('über uns', 2), wordLeft('a, b  ', 6), wordRight('a, b', 1)]).toEqual([[0, 4], 3, 4]);
  });
});

describe('asksForCard', () => {
  it('knows payment cards and leaves other fields alone', () => {
    for (const [hint, name] of [['cc-csc', ''], ['', 'cardNumber'], ['', 'cc_num'], ['', 'credit-card-number'], ['', 'CVV'], ['', 'card[number]'], ['', 'cardExpiry'], ['', 'securityCode']]) {
      expect(asksForCard(hint!, name!), `${hint} ${name}`).toBe(true);
    }
    for (const name of ['discardNumber', 'number', 'postcode', 'accountNumber', 'cardholder-notes', 'birthday-card', 'description']) expect(asksForCard('', name), name).toBe(false);
  });
});
