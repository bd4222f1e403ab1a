// Documents of other people, as a page shows them: fonts of their own, bombs, pages beyond measure, scripts. No programs.
import fs from 'node:fs';
import path from 'node:path';
import { servePages } from '../lib/assist_pages.mjs';
import { brochure, inParts, kSheet } from '../lib/brochure.mjs';
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';
import { installViewer } from '../lib/pictures.mjs';
import { bombPdf, fontPdf, hugePdf, scriptPdf } from '../lib/pdfs.mjs';

const shared = path.join(path.dirname(new URL(import.meta.url).pathname), '../../../web/dist/assistserver/sdk/web/shared');
const kMostPixels = 16_000_000;

/** Opens a document in a view that fills the page; what its first page shows once it is drawn. */
async function show(page, name) {
  await page.evaluate((src) => {
    const container = document.body.appendChild(document.createElement('div'));
    container.style.cssText = 'position:fixed;inset:0';
    window.view?.close();
    window.view = new window.Parley.DocumentView({ container, kind: 'document', src, name: src, assets: `${location.origin}/pdf/`, moved() {}, opened() {}, failed(error) { window.problem = error.message; } });
    window.root = container.shadowRoot;
    void window.view.open();
  }, `/${name}.pdf`);
  await until(`${name} is drawn`, () => page.evaluate(() => (window.problem ? Promise.reject(new Error(window.problem)) : window.root.querySelector('[data-page="1"][data-drawn=yes]') !== null)));
}

/** Of points of the page (0 … 1), whether they are black. */
const black = (page, points) => page.evaluate((all) => {
  const canvas = window.root.querySelector('canvas');
  const g = canvas.getContext('2d');
  return all.map(([x, y]) => { const [r, green, b] = g.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data; return r + green + b < 90; }).join();
}, points);

/** The middle quarter is black to its corners, and what is around it is not. */
async function square(page, name) {
  const inside = [[0.27, 0.27], [0.73, 0.27], [0.5, 0.5], [0.27, 0.73], [0.73, 0.73]], outside = [[0.2, 0.5], [0.8, 0.5], [0.5, 0.2], [0.5, 0.8]];
  const found = await black(page, [...inside, ...outside]);
  assert(found === [...inside.map(() => true), ...outside.map(() => false)].join(), `${name}: ${found}`);
}

/** How alike the heading and the first paragraph of the first page are to pictures of it; in half their size, where how a program smooths letters is not seen. */
const alikeFirst = (page, ...pictures) => page.evaluate(async ({ width, height }, all) => {
  const data = (image, [top, high]) => {
    const g = new OffscreenCanvas(width / 2, height / 2).getContext('2d', { willReadFrequently: true });
    g.imageSmoothingQuality = 'high';
    g.drawImage(image, 0, 0, width / 2, height / 2);
    return g.getImageData(30, top, width / 2 - 60, high).data;
  };
  const canvas = window.root.querySelector('[data-page="1"] canvas');
  const images = await Promise.all(all.map((png) => createImageBitmap(new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))]))));
  return images.map((image) => [[26, 32], [232, 80]].map((part) => window.__similar(data(image, part), data(canvas, part), width / 2 - 60, part[1])));
}, kSheet, pictures.map((png) => Buffer.from(png).toString('base64')));

const large = (kind) => ({
  name: `assist shelf: the first page of a large document is there, in its fonts, with a tenth of it loaded, ${kind}`, programs: false,
  async run(t) {
    const page = await t.browser(kind, 'consumer', { viewport: { width: 900, height: 720 } });
    const { flat, linear, first, other } = await brochure(kind === 'chromium' ? page : await t.browser('chromium', 'agent'), 100);
    const worker = fs.readFileSync(path.join(shared, 'pdf/pdf.worker.js'));
    for (const [name, whole] of Object.entries({ flat, linear })) {
      const given = inParts(whole);
      const site = await servePages({ more: { '/pdf/pdf.worker.js': worker, [`/${name}.pdf`]: given } });
      t.owns({ remove: () => site.close() });
      await page.goto(`${site.url}/empty.html`);
      await page.evaluate(installViewer);
      await page.raw.addScriptTag({ url: `${site.url}/scripts/documents.js` });
      await show(page, name);
      assert(given.sent < whole.length / 10, `${name}: ${given.sent} of ${whole.length} bytes for the first page`);
      const [right, wrong] = await alikeFirst(page, first, other);
      assert(Math.min(...right) > 0.84 && Math.max(...wrong) < 0.75, `${name}: alike its print ${right}, alike one in other fonts ${wrong}`);
      await t.shots(page, `assist-shelf-${name}-${kind}`);
    }
    assert(page.errors.length === 0, page.errors.join());
  },
});

export const cases = [large('chromium'), large('firefox'), ...['chromium', 'firefox'].map((kind) => ({
  name: `assist shelf: fonts, bombs, huge pages and scripts in documents, ${kind}`, programs: false,
  async run(t) {
    const files = { font: fontPdf(), bomb: bombPdf(), huge: hugePdf(), script: scriptPdf() };
    const worker = fs.readFileSync(path.join(shared, 'pdf/pdf.worker.js'));
    const site = await servePages({ more: { '/pdf/pdf.worker.js': worker, ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`/${name}.pdf`, Buffer.from(text, 'latin1')])) } });
    t.owns({ remove: () => site.close() });
    const page = await t.browser(kind, 'consumer');
    const asked = [];
    page.raw.on('request', (request) => asked.push(request.url()));
    page.raw.on('dialog', (dialog) => { asked.push('a dialog'); dialog.dismiss().catch(() => {}); });
    await page.goto(`${site.url}/empty.html`);
    await page.raw.addScriptTag({ url: `${site.url}/scripts/documents.js` });

    await show(page, 'font');
    await square(page, 'the font of the document');
    await show(page, 'bomb');
    await square(page, 'what is left of a bomb');
    await show(page, 'huge');
    await page.evaluate(() => window.view.zoomBy(4));
    await until('the huge page is drawn larger', () => page.evaluate(() => window.root.querySelector('canvas')?.width > 3000));
    const pixels = await page.evaluate(() => { const { width, height } = window.root.querySelector('canvas'); return width * height; });
    assert(pixels <= kMostPixels, `a canvas of ${pixels} pixels`);
    await square(page, 'a huge page');
    await show(page, 'script');
    await square(page, 'a document with scripts');
    await page.raw.mouse.click(400, 300);
    const left = await page.evaluate(() => [window.attacked, window.root.querySelectorAll('a, iframe, script, input, object, embed').length, location.pathname].join());
    assert(left === ',0,/empty.html', `something of the document lives: ${left}`);
    const odd = asked.filter((url) => !/\/(empty\.html|scripts\/documents\.js|pdf\/[\w./]+|\w+\.pdf|favicon\.ico)$/.test(url) && !/^(blob|data):/.test(url));
    assert(odd.length === 0 && page.errors.length === 0, [...odd, ...page.errors].join());
  },
}))];
