// What an agent's choice of quality does to the bandwidth while the customer scrolls: by odd steps, ten times a second, as a wheel does.
//   node bench/assist/levels.mjs [seconds]     needs web/dist (./dev build) and tests/browser/node_modules
import playwright from '../../tests/browser/node_modules/playwright-core/index.mjs';
import { servePages } from '../../tests/browser/lib/assist_pages.mjs';
import { installCapture } from '../../tests/browser/lib/pictures.mjs';

const seconds = Number(process.argv[2] ?? 10);
const levels = { sharp: 1, balanced: 0.75, light: 0.5 };
const site = await servePages();
const browser = await playwright.chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'] });

/** Down to the end and up again, in the page. */
function scrolls(seconds) {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  return (async () => {
    const end = document.documentElement.scrollHeight - innerHeight;
    let down = true;
    for (let n = 0; n < seconds * 10; n++) {
      if (scrollY >= end) down = false;
      if (scrollY <= 0) down = true;
      scrollBy(0, down ? 37 : -37);
      await wait(100);
    }
  })();
}

async function rate(name, scale, size) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 } })).newPage();
  await page.goto(`${site.url}/assist/${name}`);
  await page.addScriptTag({ url: `${site.url}/scripts/assist-capture.js` });
  await page.evaluate(`(${installCapture})({ workerUrl: '/scripts/assist-worker.js', scale: ${scale} })`);
  await page.waitForFunction(() => window.__shared.sent > 0);
  const before = await page.evaluate((part) => { const { capture, sent } = window.__shared; capture.resize(part); capture.refresh(); return sent; }, size);
  await page.waitForFunction((n) => window.__shared.sent > n, before);
  const began = await page.evaluate(() => { window.__first = window.__shared.sent; return performance.now(); });
  await page.evaluate(`(${scrolls})(${seconds})`);
  const { wall, bytes, pictures } = await page.evaluate((from) => {
    const at = window.__shared.at.slice(window.__first);
    return { wall: performance.now() - from, bytes: at.reduce((sum, [, n]) => sum + n, 0), pictures: at.length };
  }, began);
  await page.context().close();
  return { kbps: (bytes * 8) / wall, each: bytes / pictures / 1000 };
}

console.log(`page           image scale   ${Object.keys(levels).map((level) => level.padStart(24)).join('')}`);
for (const scale of [1, 0.25]) {
  for (const name of ['article.html', 'table.html']) {
    const out = [];
    for (const size of Object.values(levels)) out.push(await rate(name, scale, size));
    console.log(`${name.padEnd(15)}${String(scale * 100).padStart(10)} %   ${out.map(({ kbps, each }) => `${kbps.toFixed(0)} kbit/s ${each.toFixed(1)} kB`.padStart(24)).join('')}`);
  }
}
await browser.close();
site.close();
