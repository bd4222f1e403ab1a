import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, TestPages } from '../../testing/page';
import type { DocumentStroke } from './types';

const stroke = (rest: Partial<DocumentStroke>): DocumentStroke => ({ id: 'a', tool: 'pen', color: '#d92d20', width: 4, points: [[20, 30], [120, 80]], ...rest });

describe.skipIf(!haveChromium())('StrokeLayer', () => {
  let pages: TestPages;
  let page: Page;
  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('./strokes.ts', import.meta.url)), 'Strokes'));
    page = await pages.open('<!doctype html><style>body { margin: 0 } svg { position: absolute; width: 400px; height: 400px }</style>');
    await page.evaluate(`window.layer = new Strokes.StrokeLayer(); layer.resize({ width: 200, height: 200 }); document.body.append(layer.element);`);
  });
  afterAll(() => pages.close());
  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
  const put = (rest: Partial<DocumentStroke>) => run(`layer.put(${JSON.stringify(stroke(rest))})`);
  const attribute = (selector: string, name: string) => run<string | null>(`document.querySelector('svg ${selector}')?.getAttribute('${name}') ?? null`);

  it('draws lines, a highlighter four times as wide, and an arrow with its head', async () => {
    await put({ id: 'pen' });
    expect(await attribute('polyline', 'stroke-width')).toBe('4');
    await run(`layer.remove('pen')`);
    await put({ id: 'light', tool: 'highlighter' });
    expect(await attribute('polyline', 'stroke-width')).toBe('16');
    await run(`layer.remove('light')`);
    await put({ id: 'arrow', tool: 'arrow', points: [[20, 30], [60, 30], [120, 30]] });
    expect(await attribute('polyline', 'points')).toBe('20.0,30.0 120.0,30.0');
    expect(await run(`document.querySelectorAll('svg polyline').length`)).toBe(2);
    await run(`layer.remove('arrow')`);
    expect(await run(`layer.element.childElementCount`)).toBe(0);
  });

  it('writes with the upper left corner where it was asked for', async () => {
    await put({ id: 'text', tool: 'text', text: '<b>Here</b>', points: [[20, 30]] });
    const [x, y, h, text] = await run<[number, number, number, string]>(`(() => { const t = document.querySelector('svg text'); const b = t.getBBox(); return [b.x, b.y, b.height, t.textContent]; })()`);
    expect(text).toBe('<b>Here</b>');
    expect(x).toBeCloseTo(20, 0);
    expect(Math.abs(y - 30)).toBeLessThan(3);
    expect(Math.abs(h - 20)).toBeLessThan(5);
    await run(`layer.remove('text')`);
  });

  it('darkens all but the spots, whatever else is drawn', async () => {
    const dark = (...points: [number, number][]) => run<boolean[]>(`${JSON.stringify(points)}.map(([x, y]) => document.querySelector('svg > path')?.isPointInFill(new DOMPoint(x, y)) ?? false)`);
    await put({ id: 'one', tool: 'spot' });
    await put({ id: 'two', tool: 'spot', points: [[160, 190], [130, 150], [140, 160]] });
    expect(await dark([10, 10], [70, 50], [150, 175], [125, 100], [199, 199])).toEqual([true, false, false, true, true]);
    await run('layer.resize({ width: 300, height: 300 })');
    expect(await dark([290, 290], [70, 50])).toEqual([true, false]);
    await run(`layer.remove('one')`);
    expect(await dark([70, 50], [150, 175])).toEqual([true, false]);
    await run(`layer.remove('two')`);
    expect(await dark([10, 10])).toEqual([false]);
    expect(await run(`layer.element.childElementCount`)).toBe(0);
  });
});
