// What lists and calendars offer: cells with values as the input types want them (HTML, 2.3.5). Pure.

export type PickType = 'date' | 'datetime-local' | 'month' | 'week' | 'time' | 'color';

export interface Cell {
  label: string;
  value: string;
  selected: boolean;
  disabled: boolean;
  /** A day of the month before or after. */
  muted?: boolean;
  /** Said instead of the label. */
  name?: string;
}

export interface Bounds {
  min: string;
  max: string;
}

/** Year and month shown; month from 0. */
export interface Shown {
  year: number;
  month: number;
}

export const kColours = [
  '#000000', '#434343', '#666666', '#999999', '#b7b7b7', '#d9d9d9', '#efefef', '#ffffff',
  '#980000', '#ff0000', '#ff9900', '#ffff00', '#00ff00', '#00ffff', '#4a86e8', '#0000ff',
  '#9900ff', '#ff00ff', '#e6b8af', '#fce5cd', '#d9ead3', '#c9daf8', '#38761d', '#1c4587',
];

const pad = (n: number, digits = 2): string => String(n).padStart(digits, '0');
/** UTC throughout: a calendar knows no time zone. */
const utc = (year: number, month: number, day: number): Date => {
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return date;
};

export const dayText = (date: Date): string => `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`;

/** ISO 8601: the week that holds the Thursday. */
export function weekText(date: Date): string {
  const thursday = new Date(date);
  thursday.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const first = utc(thursday.getUTCFullYear(), 0, 1);
  return `${pad(thursday.getUTCFullYear(), 4)}-W${pad(Math.ceil(((thursday.getTime() - first.getTime()) / 86_400_000 + 1) / 7))}`;
}

/** The month that a value lies in; else today's. */
export function shownFor(value: string, today: Date): Shown {
  const month = /^(\d{4})-(\d{2})/.exec(value);
  const week = /^(\d{4})-W(\d{2})/.exec(value);
  if (month) return { year: Number(month[1]), month: Number(month[2]) - 1 };
  if (week) {
    // January 4th lies in week 1; the week's Thursday says which month it belongs to.
    const fourth = utc(Number(week[1]), 0, 4);
    const day = utc(Number(week[1]), 0, 4 + (Number(week[2]) - 1) * 7 + 3 - ((fourth.getUTCDay() + 6) % 7));
    return { year: day.getUTCFullYear(), month: day.getUTCMonth() };
  }
  return { year: today.getFullYear(), month: today.getMonth() };
}

export function turn({ year, month }: Shown, months: number): Shown {
  const at = Math.max(12, Math.min(9999 * 12 + 11, year * 12 + month + months));
  return { year: Math.floor(at / 12), month: at % 12 };
}

const outOf = (value: string, { min, max }: Bounds): boolean => (min !== '' && value < min) || (max !== '' && value > max);

/** Six weeks from Monday. `value`: that of the field, for the mark. */
export function dayCells(type: PickType, shown: Shown, value: string, bounds: Bounds, name: (date: Date) => string): Cell[] {
  const first = utc(shown.year, shown.month, 1);
  const lead = (first.getUTCDay() + 6) % 7;
  return Array.from({ length: 42 }, (_, i) => {
    const date = utc(shown.year, shown.month, 1 - lead + i);
    const text = type === 'week' ? weekText(date) : dayText(date);
    const limits = type === 'datetime-local' ? { min: bounds.min.slice(0, 10), max: bounds.max.slice(0, 10) } : bounds;
    return {
      label: String(date.getUTCDate()), value: text, name: name(date), selected: type === 'week' ? text === value : text === value.slice(0, 10),
      disabled: outOf(text, limits), muted: date.getUTCMonth() !== shown.month,
    };
  });
}

export function monthCells(shown: Shown, value: string, bounds: Bounds, name: (month: number) => string): Cell[] {
  return Array.from({ length: 12 }, (_, month) => {
    const text = `${pad(shown.year, 4)}-${pad(month + 1)}`;
    return { label: name(month), value: text, selected: text === value, disabled: outOf(text, bounds) };
  });
}

/** `step` in seconds as in the attribute; the list has at most 96 entries. */
export function timeCells(value: string, bounds: Bounds, step: string): Cell[] {
  const seconds = Number(step);
  const minutes = Math.max(15, seconds >= 60 && seconds % 60 === 0 ? seconds / 60 : 15);
  const cells: Cell[] = [];
  for (let at = 0; at < 24 * 60; at += minutes) {
    const text = `${pad(Math.floor(at / 60))}:${pad(at % 60)}`;
    cells.push({ label: text, value: text, selected: text === value.slice(0, 5), disabled: outOf(text, bounds) });
  }
  return cells;
}

export const colourCells = (value: string): Cell[] =>
  kColours.map((c) => ({ label: '', name: c, value: c, selected: c === value.toLowerCase(), disabled: false }));
