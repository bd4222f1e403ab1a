// The agent's hand and keyboard over the picture, in Debian's Chromium.
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, TestPages } from '../../testing/page';
import { partyOf } from '../../testing/fake_link';
import type * as Rig from '../../testing/stage';

declare const rig: typeof Rig;

describe.skipIf(!haveChromium())('the stage', () => {
  let pages: TestPages;
  let page: Page;

  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('../../testing/stage.ts', import.meta.url)), 'rig'));
    // Half as large as the customer's page.
    page = await pages.open('<!doctype html><body style="margin:0"><div id="room" style="width:400px;height:300px"></div>');
    await page.evaluate(async () => {
      rig.openStage(document.getElementById('room')!);
      await rig.showPicture(1, '#3366cc');
    });
  });
  afterAll(() => pages.close());

  const mode = (name: string) => page.evaluate((m) => void (rig.stage.mode = m as 'look'), name);
  const sent = () => page.evaluate(() => rig.sent());
  const control = (party: string) => page.evaluate((p) => rig.link.says({ type: 'session', ...rig.sessionOf('joined', { control: p }) }), party);

  it('shows pictures without a worker, too, acknowledges them, and fits them', async () => {
    expect(await page.evaluate(() => ({ colour: rig.pixel(400, 300), plain: rig.link.plain, box: rig.stage.canvas.getBoundingClientRect().toJSON() }))).toMatchObject({
      colour: [0x33, 0x66, 0xcc], plain: [{ type: 'seen', frame: 1 }], box: { x: 0, y: 0, width: 400, height: 300 },
    });
    await page.evaluate(() => void (rig.stage.zoom = 1));
    expect(await page.evaluate(() => rig.stage.canvas.getBoundingClientRect().width)).toBe(800);
    await page.evaluate(() => void (rig.stage.zoom = 'fit'));
  });

  it('only looks until a tool is chosen, and points where the mouse is', async () => {
    await page.mouse.move(100, 100);
    await page.mouse.click(100, 100);
    expect(await sent()).toEqual([]);
    await mode('point');
    await page.mouse.move(200, 150);
    expect(await sent()).toMatchObject([{ type: 'pointer', x: 400, y: 300 }]);
    await mode('look');
    await page.waitForFunction(() => rig.link.sent.some((m) => 'gone' in m && m.gone));
    await sent();
  });

  it('draws in the document, and writes', async () => {
    // Nobody chose a colour: the party's own.
    await mode('rect');
    await page.mouse.move(50, 50);
    await page.mouse.down();
    await page.mouse.move(150, 100);
    await page.mouse.up();
    expect(await sent()).toMatchObject([{ type: 'draw', tool: 'rect', color: '#123456', points: [[100, 150], [300, 250]], done: true }]);
    await mode('pen');
    await page.mouse.move(50, 50);
    await page.mouse.down();
    await page.mouse.move(60, 60, { steps: 3 });
    await page.mouse.up();
    const strokes = (await sent()) as { points: number[][]; done: boolean }[];
    expect([strokes.flatMap(({ points }) => points).at(0), strokes.flatMap(({ points }) => points).at(-1), strokes.at(-1)!.done]).toEqual([[100, 150], [120, 170], true]);
    await mode('text');
    await page.evaluate(() => void (rig.stage.color = '#8a3ffc'));
    await page.mouse.click(20, 20);
    await page.keyboard.type('Look here');
    await page.keyboard.press('Enter');
    await page.mouse.click(20, 20);
    await page.keyboard.type('never');
    await page.keyboard.press('Escape');
    expect(await sent()).toMatchObject([{ type: 'draw', tool: 'text', text: 'Look here', color: '#8a3ffc', points: [[40, 90]] }]);
    await mode('look');
  });

  it('acts with control alone: mouse, wheel and keyboard, until Escape', async () => {
    await mode('control');
    await page.mouse.click(100, 100);
    await page.keyboard.type('x');
    expect((await sent()).filter(({ type }) => type !== 'pointer')).toEqual([]);
    await control('p2');
    await page.mouse.click(100, 100);
    await page.keyboard.type('Ada');
    await page.keyboard.press('Enter');
    await page.mouse.wheel(0, 100);
    await page.waitForFunction(() => rig.link.sent.some(({ type }) => type === 'scroll'));
    expect((await sent()).filter(({ type }) => type !== 'pointer')).toMatchObject([
      { type: 'click', x: 200, y: 200 }, { type: 'text', text: 'A' }, { type: 'text', text: 'd' }, { type: 'text', text: 'a' }, { type: 'key', key: 'Enter' }, { type: 'scroll', x: 200, y: 200, dy: 100 },
    ]);
    await page.keyboard.press('Escape');
    await page.keyboard.type('y');
    expect([await page.evaluate(() => rig.heard), (await sent()).filter(({ type }) => type === 'text')]).toEqual([['released'], []]);
    await control('none');
    expect(await page.evaluate(() => rig.stage.canvas.parentElement!.querySelector('.keys'))).toBe(null);
  });

  it('shows where other agents point, by name and in their colour, while they are there and the page is shared', async () => {
    const noa = { party: 'p3', role: 'agent', name: 'Noa', color: '#8a3ffc', state: 'joined' };
    const points = (more = {}) => page.evaluate((m) => rig.link.says({ type: 'pointer', party: 'p3', x: 400, y: 300, ...m }), more);
    const state = (more = {}) => page.evaluate((m) => rig.link.says({ type: 'session', ...rig.sessionOf('joined', m) }), { parties: [partyOf('joined'), noa], ...more });
    const pointers = () => page.evaluate(() => [...rig.stage.canvas.parentElement!.querySelectorAll('[data-test=assist-cursor]')].map((cursor) => {
      const { x, y } = cursor.querySelector('path')!.getBoundingClientRect();
      return [cursor.textContent, cursor.querySelector('path')!.getAttribute('fill'), Math.round(x), Math.round(y), cursor.firstElementChild!.getAttribute('visibility')];
    }));
    await points();
    expect(await pointers(), 'of nobody who is known').toEqual([]);
    await state();
    await points();
    await points({ x: 200, y: 100, down: true });
    expect(await pointers()).toEqual([['Noa', '#8a3ffc', 100, 50, 'visible']]);
    await points({ on: 'd1', page: 1 });
    expect(await pointers(), 'over a document').toEqual([]);
    await points();
    await points({ gone: true });
    expect(await pointers()).toEqual([]);
    await points();
    expect(await pointers()).toMatchObject([['Noa', '#8a3ffc', 200, 150, 'hidden']]);
    await state({ parties: [partyOf('joined')] });
    expect(await pointers(), 'who left').toEqual([]);
    await state();
    await points();
    await state({ sharing: 'paused' });
    await points();
    expect(await pointers(), 'at a page that rests').toEqual([]);
    await state();
    await points();
    await page.waitForFunction(() => !rig.stage.canvas.parentElement!.querySelector('[data-test=assist-cursor]'));
    await page.evaluate(() => rig.showPicture(2, '#3366cc'));
    await sent();
  });

  it('shows nothing of a page that is not shared any more', async () => {
    await page.evaluate(() => rig.link.says({ type: 'session', ...rig.sessionOf('joined', { sharing: 'paused' }) }));
    expect(await page.evaluate(() => [rig.stage.canvas.getBoundingClientRect().width, ...rig.pixel(400, 300)])).toEqual([0, 0, 0, 0]);
    await page.evaluate(() => rig.stage.close());
    expect(await page.evaluate(() => document.getElementById('room')!.shadowRoot!.childElementCount)).toBe(0);
  });
});

describe.skipIf(!haveChromium())('the worker that draws', () => {
  it('comes from another origin where the page requires Trusted Types, too', async () => {
    const pages = new TestPages(await bundle(fileURLToPath(new URL('../../testing/stage.ts', import.meta.url)), 'rig'));
    const page = await pages.open(`<!doctype html><meta http-equiv="Content-Security-Policy" content="require-trusted-types-for 'script'; trusted-types parley">
      <body style="margin:0"><div id="room" style="width:400px;height:300px"></div>`);
    const script = await bundle(fileURLToPath(new URL('../viewer_worker.ts', import.meta.url)), 'worker');
    await page.route('https://parley.test/**/viewer-worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: script }));
    const asked = page.waitForRequest(/viewer-worker\.js$/);
    await page.evaluate(() => rig.openStage(document.getElementById('room')!));
    await asked;
    // The canvas is given away to a worker that lives, and to none else.
    await page.waitForFunction(() => {
      try {
        rig.stage.canvas.width = 300;
        return false;
      } catch {
        return true;
      }
    });
    await page.evaluate(() => rig.showPicture(1, '#3366cc'));
    // What a worker drew is there with the browser's next frame.
    await page.waitForFunction(() => rig.pixel(400, 300).join() === '51,102,204');
    expect(page.workers()).toHaveLength(1);
    await pages.close();
  });
});
