import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stroke } from '../protocol';
import { bundle, haveChromium, TestPages } from '../../testing/page';
import { arrowPath, cleanShape, extend, kShapeLimits, linePath, touches, type Shape } from './shapes';
import { Sketch } from './sketch';

const stroke = (rest: Partial<Stroke>): Stroke => ({ id: 'a', tool: 'pen', color: '#112233', width: 4, points: [[0, 0], [10, 0]], done: true, ...rest });

describe('shapes', () => {
  it('takes nothing from a message that cannot be drawn', () => {
    expect(cleanShape(stroke({ id: '' }))).toBe(null);
    expect(cleanShape(stroke({ tool: 'bomb' as never }))).toBe(null);
    expect(cleanShape(stroke({ color: 'url(x)', width: 1e9, points: [[NaN, 1], [1e12, -1e12], ['3' as never, 4]] }))).toMatchObject({ color: '#d6336c', width: 64, points: [[1e6, -1e6]] });
    expect(cleanShape(stroke({ points: Array.from({ length: 9000 }, () => [1, 1]) }))!.points).toHaveLength(kShapeLimits.points);
    expect(cleanShape(stroke({ tool: 'text', text: 'x'.repeat(1000) }))!.text).toHaveLength(kShapeLimits.text);
  });

  it('lets lines grow and boxes move their corner', () => {
    const line = cleanShape(stroke({})) as Shape;
    extend(line, cleanShape(stroke({ points: [[20, 5]] }))!);
    expect(line.points).toEqual([[0, 0], [10, 0], [20, 5]]);
    const box = cleanShape(stroke({ tool: 'rect' })) as Shape;
    extend(box, cleanShape(stroke({ tool: 'rect', points: [[5, 5], [30, 40]] }))!);
    expect(box.points).toEqual([[0, 0], [30, 40]]);
  });

  it('writes paths', () => {
    expect(linePath([[1, 2]])).toBe('M1 2l0.01 0');
    expect(linePath([[0, 0], [10, 0], [20, 10]])).toBe('M0 0Q10 0 15 5L20 10');
    expect(arrowPath([0, 0], [0.1, 0], 4)).toBe('');
    expect(arrowPath([0, 0], [100, 0], 4)).toMatch(/^M0 0L100 0M82 -?9\.9L100 0L82 -?9\.9$/);
  });

  it('knows what a rubber touches', () => {
    const at = (tool: Stroke['tool'], x: number, y: number) => touches(cleanShape(stroke({ tool, points: [[0, 0], [100, 100]], text: 'abc' }))!, [x, y], 4);
    expect([at('pen', 50, 53), at('pen', 50, 70), at('rect', 50, 50), at('rect', 0, 50), at('spot', 50, 50), at('text', 10, 5), at('text', 200, 0)]).toEqual([true, false, false, true, true, true, false]);
  });
});

describe('Sketch', () => {
  it('sends batches, and of a box only its corners', () => {
    let now = 0;
    const sent: Stroke[] = [];
    const make = (tool: Stroke['tool']) => new Sketch({ tool, color: '#112233', width: 4, id: 's', now: () => now, send: (s) => sent.push(s) });
    const line = make('pen');
    line.start([0, 0]);
    for (let i = 1; i <= 10; i++) line.move([(now += 10), 0.5]);
    line.move([100.2, 0.5]);
    line.end([101, 0]);
    expect(sent.flatMap((s) => s.points).map((p) => p[0])).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 101]);
    expect(sent.length).toBeLessThan(7);
    expect(sent.map((s) => s.done)).toEqual([...sent.slice(1).map(() => false), true]);
    sent.length = 0;
    const box = make('rect');
    box.start([5, 5]);
    for (let i = 0; i < 100; i++) box.move([10 + i, (now += 1)]);
    box.end([109, now]);
    expect(sent[0]!.points).toEqual([[5, 5]]);
    for (const s of sent.slice(1)) expect(s.points.length).toBeLessThanOrEqual(1);
    expect(sent[sent.length - 1]).toMatchObject({ done: true });
    const shape = cleanShape(sent[0]!)!;
    for (const s of sent.slice(1)) extend(shape, cleanShape(s)!);
    expect(shape.points).toEqual([[5, 5], [109, now]]);
  });
});

describe.skipIf(!haveChromium())('AnnotationLayer', () => {
  let pages: TestPages;
  let page: Page;
  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('./index.ts', import.meta.url)), 'Annotations'));
  });
  afterAll(() => pages.close());

  const kPage = `<!doctype html><style>body{margin:0;font:16px sans-serif} .box{height:200px;width:300px;overflow:auto;position:absolute;left:400px;top:50px;border:1px solid}</style>
    <div class="box"><div style="height:800px">inside</div></div><p style="margin:60px">A page with <b>content</b></p><div style="height:2000px"></div>`;

  async function open(): Promise<void> {
    page = await pages.open(kPage);
    await page.evaluate(`(() => { const host = document.createElement('div'); host.setAttribute('data-parley-overlay', ''); document.documentElement.append(host);
      Object.assign(host.style, { position: 'fixed', inset: '0', pointerEvents: 'none', zIndex: '1000' });
      window.moved = []; window.over = Annotations.layerOverPage(window, host, (...a) => moved.push(a)); window.layer = over.layer;
      window.place = (i) => { const b = document.querySelectorAll('svg[data-parley-layer] > g')[0].children[i].getBoundingClientRect(); return [b.x, b.y].map(Math.round); }; })()`);
  }
  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
  const draw = (rest: Partial<Stroke>) => run(`layer.draw(${JSON.stringify(stroke(rest))})`);
  /** After the browser has told of a scroll. */
  const frames = () => run('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');

  it('keeps shapes on the content while the page and its boxes scroll', async () => {
    await open();
    await draw({ id: 'p', points: [[100, 100], [200, 100]] });
    await draw({ id: 'b', points: [[450, 100], [500, 120]] });
    const before = [await run<number[]>('place(0)'), await run<number[]>('place(1)')];
    await run(`scrollTo(0, 40)`);
    await frames();
    expect([await run('place(0)'), await run('place(1)')]).toEqual(before.map(([x, y]) => [x, y! - 40]));
    await run(`document.querySelector('.box').scrollTop = 30`);
    await frames();
    expect(await run('place(0)')).toEqual([before[0]![0], before[0]![1]! - 40]);
    expect(await run('place(1)')).toEqual([before[1]![0], before[1]![1]! - 70]);
    expect(await run('moved')).toEqual([['b', 0, -30]]);
    expect(await run('layer.hit(150, 60)')).toBe('p');
    expect(await run('layer.hit(470, 40)')).toBe('b');
  });

  it('draws every tool, erases, and lets events through', async () => {
    await open();
    for (const [i, tool] of (['pen', 'highlighter', 'arrow', 'rect', 'text', 'spot'] as const).entries()) await draw({ id: tool, tool, text: '<b>Here</b>', points: [[50, 60 + i * 50], [150, 90 + i * 50]] });
    await run(`layer.cursor('p3', { name: 'Anna', color: '#0b5f6b', x: 200, y: 200, down: true })`);
    expect(await run('layer.size')).toBe(6);
    expect(await run(`document.querySelector('svg[data-parley-layer] text').textContent`)).toBe('<b>Here</b>');
    expect(await run(`document.querySelector('svg[data-parley-layer] > path').getAttribute('d')`)).toMatch(/^M0 0h800v600/);
    expect(await run(`document.elementFromPoint(100, 70).closest('[data-parley-overlay]')`)).toBe(null);
    await run(`layer.erase({ ids: ['spot', 'unknown'] })`);
    expect(await run(`[layer.size, document.querySelector('svg[data-parley-layer] > path').getAttribute('d')]`)).toEqual([5, '']);
    await run(`layer.erase({ all: true }); layer.cursor('p3', null)`);
    expect(await run(`[layer.size, document.querySelectorAll('svg[data-parley-layer] > g > *').length]`)).toEqual([0, 0]);
    for (let i = 0; i < 2; i++) await run(`for (let i = 0; i < 400; i++) layer.draw(${JSON.stringify(stroke({}))}.id ? { ...${JSON.stringify(stroke({}))}, id: 'n${i}-' + i } : null)`);
    expect(await run('layer.size')).toBe(500);
  });

  it('needs no styles that a strict policy refuses', async () => {
    page = await pages.open('<!doctype html><html><head></head><body></body></html>');
    await page.setContent(`<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'">`);
    const refused: string[] = [];
    page.on('console', (m) => m.type() === 'error' && refused.push(m.text()));
    await page.evaluate(await bundle(fileURLToPath(new URL('./index.ts', import.meta.url)), 'Annotations'));
    await run(`(() => { const host = document.createElement('div'); document.documentElement.append(host); window.layer = Annotations.layerOverPage(window, host).layer; })()`);
    await draw({ tool: 'text', text: 'x' });
    await run(`layer.cursor('a', { name: 'A', color: '#0b5f6b', x: 1, y: 1 })`);
    expect(refused).toEqual([]);
    expect(await run(`getComputedStyle(document.querySelector('svg')).pointerEvents`)).toBe('none');
  });
});
