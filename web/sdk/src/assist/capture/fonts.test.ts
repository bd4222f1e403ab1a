import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, shotOf, TestPages } from '../../testing/page';

const kFile = '/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf';
const face = (name: string) => `<style>@font-face { font-family: ${name}; src: url(data:font/ttf;base64,${readFileSync(kFile, 'base64')}) }</style>`;
const quoted = (html: string) => html.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
/** Everything that writes: text, a list, a field, a button, a drawing, what a sheet adds, and a layer. */
const words = (family: string) => `<style>body{margin:8px;font:26px ${family},serif} input,button{font:inherit;width:300px} p{margin:4px 0} p::before{content:"§ will "} ol{margin:0} iframe{border:0}</style>
  <p>Hillingdon will <b style="opacity:.6">ill</b></p><ol><li>Illicit</li></ol><input value="till"><button>million</button><svg width="400" height="50" style="display:block"><text y="34" fill="#063">village</text></svg>
  <p style="width:150px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis">illimitable millions</p>`;
const frame = (html: string, height = 330) => `<iframe id="f" width="600" height="${height}" srcdoc="${quoted(html)}"></iframe>`;

describe.skipIf(!haveChromium() || !existsSync(kFile))('fonts of a frame', () => {
  let pages: TestPages, page: Page;
  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('../../testing/paint.ts', import.meta.url)), 'Capture'));
  });
  afterAll(() => pages.close());

  /** How far the painting is from what the browser shows, of 255. */
  async function off(html: string): Promise<number> {
    page = await pages.open(`<!doctype html><style>body{margin:0}iframe{border:0}</style>${html}`);
    await page.evaluate(`(async () => { const all = (d) => [d, ...[...d.querySelectorAll('iframe')].flatMap((f) => all(f.contentDocument))];
      for (const d of all(document)) await d.fonts.ready; })()`);
    const shot = await shotOf(page);
    return (await page.evaluate(`Capture.beside('${shot}')`) as { mean: number }).mean;
  }

  it('are painted as the frame shows them, where it has its own and where only the page around has', async () => {
    const plain = await off(frame(words('Unknown')));
    expect(plain).toBeLessThan(0.02);
    expect(await off(frame(face('Own') + words('Own'))), 'its own').toBeLessThan(0.02);
    expect(await off(face('Own') + frame(words('Own'))), 'those of the page').toBeLessThan(0.02);
    expect(await off(frame(face('Own') + words('Own') + frame(words('Own')), 700)), 'a frame in it').toBeLessThan(0.02);
    expect(await off(`<div style="opacity:.5;transform:rotate(3deg);transform-origin:0 0">${frame(face('Own') + words('Own'))}</div>`), 'turned').toBeLessThan(0.4);
  });

  it('make the page be painted anew when they have come', async () => {
    await off(frame('<p>will</p>'));
    await page.evaluate(`window.anew = 0; window.w = new Capture.ChangeWatcher(document, { changed() {}, scrolled() {}, everything: () => void anew++, added() {} }, '[data-parley-overlay]'); w.start();
      (async () => { const { contentWindow: W, contentDocument: d } = f; const own = new W.FontFace('Own', 'url(data:font/ttf;base64,${readFileSync(kFile, 'base64')})'); d.fonts.add(own); await own.load(); await d.fonts.ready; })()`);
    await page.waitForFunction('anew > 0');
    await page.evaluate('w.stop()');
  });
});
