import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, TestPages } from '../../../sdk/src/testing/page';

describe.skipIf(!haveChromium())('what is kept within reach', () => {
  let pages: TestPages;
  let page: Page;

  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('on_top.ts', import.meta.url)), 'OnTop'));
  });
  afterAll(() => pages.close());

  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;

  /** `look` is what an interval does in a page. Answers of `where`: what the element is in, how often it moved, whether it takes the pointer. */
  async function open(html: string, first: string): Promise<void> {
    page = await pages.open(`<!doctype html>${html}`);
    await run(`${first}; window.moves = 0; window.setInterval = (f) => (window.look = f, 1);
      window.host = document.createElement('aside'); host.style.cssText = 'position:fixed;right:9px;bottom:9px;width:90px;height:30px;z-index:2147483647'; document.documentElement.append(host);
      window.stop_ = OnTop.keepOnTop(host, () => host.getBoundingClientRect(), () => moves++);
      window.where = async () => { await new Promise((done) => setTimeout(done)); const r = host.getBoundingClientRect(), at = host.getRootNode().elementFromPoint(r.x + 9, r.y + 9);
        return [host.parentElement?.id || host.parentNode.host?.id || host.parentNode.localName, moves, at === host]; }`);
  }

  it('stays where it is reached, whichever modal dialog comes first in the document', async () => {
    await open('<dialog id="sure">Sure?</dialog><dialog id="form">Form</dialog>', 'form.showModal()');
    expect(await run('where()')).toEqual(['form', 1, true]);
    await run('sure.showModal()');
    expect(await run('where()')).toEqual(['sure', 2, true]);
    for (let i = 0; i < 3; i++) {
      await run(`look(), document.body.append(document.createElement('dialog'))`);
      expect(await run('where()')).toEqual(['sure', 2, true]);
    }
    await run('sure.close()');
    expect(await run('where()')).toEqual(['form', 3, true]);
    await run('form.close()');
    expect(await run('where()')).toEqual(['html', 4, true]);
    await run('stop_()');
  });

  it.each(['video', 'iframe'])('is seen above what fills the screen and shows no children: %s', async (what) => {
    await open(`<${what} id="film" style="background:#00f"></${what}><button id="go" onclick="film.requestFullscreen()">full screen</button><style>::backdrop{background:#0f0}</style>`, '');
    await run(`host.style.background = '#f80'`);
    const colour = async () => {
      const png = (await page.screenshot()).toString('base64');
      return run(`fetch('data:image/png;base64,${png}').then((r) => r.blob()).then(createImageBitmap).then((shot) => { const g = new OffscreenCanvas(shot.width, shot.height).getContext('2d'); g.drawImage(shot, 0, 0);
        const r = host.getBoundingClientRect(); return [...g.getImageData(r.x + r.width / 2, r.y + r.height / 2, 1, 1).data].slice(0, 3); })`);
    };
    await page.click('#go');
    await page.waitForFunction(`document.fullscreenElement === film && host.matches(':popover-open')`);
    expect(await colour()).toEqual([255, 136, 0]);
    // A site that closes all that is open above the page.
    await run('host.hidePopover(), look()');
    expect(await colour()).toEqual([255, 136, 0]);
    await run('document.exitFullscreen()');
    await page.waitForFunction(`!document.fullscreenElement && !host.hasAttribute('popover')`);
    expect(await run('where()')).toEqual(['html', 0, true]);
    await run('stop_()');
  });

  it('is shown in a component that is full screen and has no slot, and in nothing that shows no children', async () => {
    await open('<div id="player"></div><svg id="map" width="100" height="50"></svg>', `player.attachShadow({ mode: 'open' }).innerHTML = '<p>film</p>'`);
    const full = (what: string) => run(`Object.defineProperty(document, 'fullscreenElement', { value: ${what}, configurable: true }), document.dispatchEvent(new Event('fullscreenchange'))`);
    await full('player');
    expect(await run('where()')).toEqual(['player', 1, true]);
    // The component draws itself anew.
    await run('player.shadowRoot.replaceChildren(), look()');
    expect(await run('where()')).toEqual(['player', 2, true]);
    await full('map');
    expect(await run('where()')).toEqual(['html', 3, true]);
    await run('stop_()');
  });
});
