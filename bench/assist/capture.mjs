// What sharing a page costs the page, over a scripted session of 30 s: typing, scrolling, a menu, clicks.
//   node bench/assist/capture.mjs [seconds] [film] [page …]     needs web/dist (./dev build) and tests/browser/node_modules
// `film`: shared as the browser films the tab, not painted. An update is what the main thread does at once for one picture.
// CPU is thread time of the page's main thread, beside the same session without sharing; times from change to picture are wall
// time and count only on a machine that is otherwise idle.
import playwright from '../../tests/browser/node_modules/playwright-core/index.mjs';
import { servePages } from '../../tests/browser/lib/assist_pages.mjs';
import { installCapture } from '../../tests/browser/lib/pictures.mjs';

const seconds = Number(process.argv[2] ?? 30);
const goals = { 'bank.html': 150, 'article.html': 150, 'dashboard.html': 250, 'table.html': 250 };
const site = await servePages();
const browser = await playwright.chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--auto-select-tab-capture-source-by-title=Filmed'] });
const film = process.argv[3] === 'film';

/** A second of what a person does. Runs in the page: the protocol's own input would cost time of its own. */
function oneSecond(n) {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  return (async () => {
    const field = document.querySelector('input:not([type]), input[type=text], input[type=email]');
    if (n % 3 === 0 && field) {
      for (const c of 'harbour') {
        field.value += c;
        field.dispatchEvent(new Event('input', { bubbles: true }));
        await wait(110);
      }
      field.value = '';
    } else if (n % 3 === 1) {
      for (let i = 0; i < 4; i++) {
        scrollBy(0, n % 2 ? 120 : -90);
        await wait(200);
      }
    } else {
      document.getElementById('menu')?.classList.toggle('open');
      document.querySelector('input[type=checkbox]')?.click();
      await wait(700);
    }
  })();
}

const threadTime = async (cdp) => (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'ThreadTime').value * 1000;

async function session(name, shared) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 } })).newPage();
  await page.goto(`${site.url}/assist/${name}`);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  if (shared) {
    await page.addScriptTag({ url: `${site.url}/scripts/assist-capture.js` });
    if (film) await page.evaluate(() => { document.title = 'Filmed'; });
    await page.evaluate(`(${installCapture})({ workerUrl: '/scripts/assist-worker.js' }, '${film ? 'startTabCapture' : 'startCapture'}')`);
    await page.waitForFunction(() => window.__shared.sent > 0);
  }
  const before = await threadTime(cdp), began = Date.now();
  for (let n = 0; Date.now() - began < seconds * 1000; n++) await page.evaluate(`(${oneSecond})(${n})`);
  const wall = Date.now() - began, cpu = (await threadTime(cdp)) - before;
  const numbers = shared ? await page.evaluate(() => ({ painted: window.__shared.painted, bytes: window.__shared.at.map((a) => a[1]) })) : null;
  await page.context().close();
  return { wall, cpu, numbers };
}

const at = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0;
console.log(`page        main thread %  (goal 5, 10)   CPU ms a picture   change→encoded ms p50/p95 (goal 80/250)   kbit/s (goal)   first kB (goal 75)   update ms p50/p95, scrolling p95 (goal p95 25)`);
const only = process.argv.slice(film ? 4 : 3);
for (const [name, goal] of Object.entries(goals)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const bare = await session(name, false), own = await session(name, true);
  const { painted, bytes } = own.numbers;
  const cpu = own.cpu - bare.cpu * (own.wall / bare.wall);
  const late = painted.filter((p) => p.latency > 0).map((p) => p.latency);
  const updates = painted.map((p) => p.ms), scrolls = painted.filter((p) => p.scrolled).map((p) => p.ms);
  const rate = (bytes.slice(1).reduce((a, b) => a + b, 0) * 8) / own.wall;
  console.log([name.padEnd(15), ((100 * cpu) / own.wall).toFixed(1).padStart(6), (cpu / painted.length).toFixed(1).padStart(24), `${at(late, 0.5).toFixed(0)}/${at(late, 0.95).toFixed(0)}`.padStart(26),
    `${rate.toFixed(0)} (${goal}) = ${(rate / goal).toFixed(2)}`.padStart(34), (bytes[0] / 1000).toFixed(1).padStart(14),
    film ? '' : `${at(updates, 0.5).toFixed(1)}/${at(updates, 0.95).toFixed(1)}, ${at(scrolls, 0.95).toFixed(1)}`.padStart(20), `${painted.length} pictures`].join(' '));
}
await browser.close();
site.close();
