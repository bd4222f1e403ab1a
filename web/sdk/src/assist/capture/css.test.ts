import { describe, expect, it } from 'vitest';
import { cssString, isClear, length, radii, shadows, splitTop, urlOf } from './css';
import { gradientStops } from './gradient';
import { markerText } from './generated';
import { dateText, wrapped } from './controls';

describe('computed values', () => {
  it('are split outside of parentheses and quotes', () => {
    expect(splitTop('rgb(1, 2, 3) 0px 1px, url("a,b") 2px')).toEqual(['rgb(1, 2, 3) 0px 1px', 'url("a,b") 2px']);
    expect(splitTop('"a \\" b" c', ' ')).toEqual(['"a \\" b"', 'c']);
  });

  it('give lengths', () => {
    expect(length('25%', 80)).toBe(20);
    expect(length('calc(100% - 12px)', 80)).toBe(68);
    expect(length('3.5px', 0)).toBe(3.5);
  });

  it('give shadows', () => {
    expect(shadows('rgba(0, 0, 0, 0.3) 0px 2px 8px 1px inset, rgb(1, 2, 3) -1px 0px')).toEqual([
      { color: 'rgba(0, 0, 0, 0.3)', x: 0, y: 2, blur: 8, spread: 1, inset: true },
      { color: 'rgb(1, 2, 3)', x: -1, y: 0, blur: 0, spread: 0, inset: false },
    ]);
    expect(shadows('none')).toEqual([]);
  });

  it('know what is clear', () => {
    expect(['rgba(0, 0, 0, 0)', 'transparent', 'color(srgb 1 1 1 / 0)'].every(isClear)).toBe(true);
    expect(['rgb(0, 0, 0)', 'rgba(0, 0, 0, 0.5)'].some(isClear)).toBe(false);
  });

  it('shrink radii that do not fit', () => {
    const cs = { borderTopLeftRadius: '100px', borderTopRightRadius: '100px', borderBottomRightRadius: '0px', borderBottomLeftRadius: '50% 10px' } as CSSStyleDeclaration;
    const r = radii(cs, 100, 400)!;
    expect(r[0] + r[2]).toBeCloseTo(100);
    expect(r[6]).toBeCloseTo(25);
    expect(radii({ borderTopLeftRadius: '0px', borderTopRightRadius: '0px', borderBottomRightRadius: '0px', borderBottomLeftRadius: '0px' } as CSSStyleDeclaration, 1, 1)).toBeNull();
  });

  it('give texts and addresses', () => {
    expect(cssString('"a\\201c b\\"" / "alt"')).toBe('a“b"');
    expect(cssString('counter(x)')).toBeNull();
    expect(urlOf('url("https://x/a%20b.png")')).toBe('https://x/a%20b.png');
  });

  it('give gradient stops, places filled in', () => {
    expect(gradientStops(['red', 'rgb(0, 0, 0)', 'blue 50%', 'lime'], 100)).toEqual([{ at: 0, color: 'red' }, { at: 0.25, color: 'rgb(0, 0, 0)' }, { at: 0.5, color: 'blue' }, { at: 1, color: 'lime' }]);
    expect(gradientStops(['red 0px 10px', 'blue 10px 20px'], 100).map((s) => s.at)).toEqual([0, 0.1, 0.1, 0.2]);
  });
});

describe('what browsers add to a page', () => {
  it('numbers lists', () => {
    expect(markerText('lower-alpha', 28)).toBe('ab.');
    expect(markerText('upper-roman', 1994)).toBe('MCMXCIV.');
    expect(markerText('decimal', 7)).toBe('7.');
    expect(markerText('none', 7)).toBeNull();
  });

  it('breaks lines of a text area', () => {
    expect(wrapped((s) => s.length, 'one two three\nfour', 8)).toEqual(['one two ', 'three', 'four']);
    expect(wrapped((s) => s.length, 'abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
    expect(wrapped((s) => s.length, '', 4)).toEqual(['']);
  });

  it('writes dates as the page would', () => {
    expect(dateText('date', '2026-11-26', 'en-US')).toBe('11/26/2026');
    expect(dateText('time', '13:05', 'de')).toBe('13:05');
    expect(dateText('week', '2026-W48', 'en')).toBe('Week 48, 2026');
  });
});
