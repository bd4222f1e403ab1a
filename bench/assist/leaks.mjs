// Whether anything masked is in any picture of the page that is made to leak (tests/browser/…/mask.html), over many pictures of both paths.
//   node bench/assist/leaks.mjs [painted pictures] [filmed pictures]     needs web/dist (./dev build) and tests/browser/node_modules
// The page scrolls, types, inserts, removes and changes its width; each picture is decoded and looked through for the colours of what is
// masked. First without the site's rule, so that what is looked for is seen to be found. Ends with 1 if anything leaks.
import playwright from '../../tests/browser/node_modules/playwright-core/index.mjs';
import { servePages } from '../../tests/browser/lib/assist_pages.mjs';
import { installCapture, installViewer } from '../../tests/browser/lib/pictures.mjs';

const [painted, filmed] = [process.argv[2] ?? 450, process.argv[3] ?? 150].map(Number);
const kTitle = 'Made to leak', kWidths = [1000, 720, 1280];
const site = await servePages();
const browser = await playwright.chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', `--auto-select-tab-capture-source-by-title=${kTitle}`] });
let leaks = 0;

async function session(path, start, rules, wanted) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 } })).newPage();
  await page.goto(`${site.url}/assist/mask.html`);
  await page.addScriptTag({ url: `${site.url}/scripts/assist-capture.js` });
  await page.evaluate(`(async () => { document.title = '${kTitle}'; await (${installCapture})(${JSON.stringify({ workerUrl: '/scripts/assist-worker.js', minInterval: 20, ...rules })}, '${start}'); })()`);
  await page.waitForFunction(() => window.__shared.sent > 0);
  for (let part = 0, sent = 0; sent < wanted && part < 600; part++) {
    if (wanted > 1) await page.setViewportSize({ width: kWidths[part % kWidths.length], height: part % 2 ? 560 : 720 });
    sent = await page.evaluate(async () => {
      for (let i = 0; i < 25; i++) {
        scrollBy(0, i % 12 < 6 ? 23 : -23);
        if (i % 10 === 0) document.querySelector('input.by-selector').value += 'x';
        if (i % 25 === 0) document.body.style.width = `${100 - (i % 3) * 5}%`;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      }
      return window.__shared.sent;
    });
  }
  const { frames, receipts } = await page.evaluate(() => { window.__shared.capture.stop(); const { frames, receipts } = window.__shared; return { frames, receipts }; });
  await page.goto(`${site.url}/empty.html`);
  await page.evaluate(`(${installViewer})()`);
  let found = 0;
  for (const frame of frames) if ((await page.evaluate(([f]) => window.__show(f, true), [frame])).found > 0) found++;
  await page.context().close();
  const withheld = receipts.reduce((sum, r) => sum + (r.withheld ?? 0), 0);
  console.log(`${path.padEnd(34)} ${String(frames.length).padStart(6)} pictures   ${String(found).padStart(4)} with something masked in them   ${withheld} withheld`);
  return { count: frames.length, found };
}

const rule = { masks: { selectors: ['.by-selector'] } };
for (const [path, start, wanted] of [['painted', 'startCapture', painted], ['filmed', 'startTabCapture', filmed]]) {
  const control = await session(`${path}, without the rule`, start, {}, 1);
  if (control.found === 0) { console.log('nothing was found where something must be'); leaks++; }
  const { count, found } = await session(path, start, rule, wanted);
  leaks += found;
  if (count < wanted) { console.log(`only ${count} pictures`); leaks++; }
}
await browser.close();
site.close();
process.exit(leaks ? 1 : 0);
