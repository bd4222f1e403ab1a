// Pictures of every state of a shared page, with a server that is played: node dev/shots-assist.mjs [folder] [only]
import { mkdirSync } from 'node:fs';
import { launch, still } from './browser.mjs';
import { FakeTopic } from './fake-topic.mjs';
import { startMock } from './mock-server.mjs';

const folder = process.argv[2] ?? '/tmp/shots';
const only = process.argv[3] ?? '';
mkdirSync(folder, { recursive: true });
const mock = await startMock();
const browser = await launch();
const problems = [];
const t = (name) => `[data-test=${name}]`;

async function run(name, { colorScheme, viewport }) {
  const context = await browser.newContext({ colorScheme, viewport });
  // The overlay is closed to everybody; a test that looks into it opens it first.
  await context.addInitScript(() => {
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function (init) { return attach.call(this, this.hasAttribute('data-parley-overlay') ? { ...init, mode: 'open' } : init); };
  });
  const p = await context.newPage();
  p.on('console', (m) => ['error', 'warning'].includes(m.type()) && problems.push(`${name} ${m.type()}: ${m.text()}`));
  p.on('pageerror', (e) => problems.push(`${name} page error: ${e.stack}`));
  const topic = await FakeTopic.on(p);
  const shot = (what) => p.screenshot({ path: `${folder}/${name}-${what}.png` }).then(() => console.log(`${name}-${what}`));
  const look = (value) => p.locator(`${t('assist-bar')}[data-look=${value}]`).waitFor();

  await p.goto(`${mock.origin}/assistsample/claim.html`);
  await shot('claim');
  await p.click(t('cobrowse'));
  await look('waiting');
  await shot('waiting');
  await p.click(t('make-code'));
  await p.locator(t('short-code')).waitFor();
  await shot('code');
  topic.ask();
  await p.locator(t('consent')).waitFor();
  await still(p);
  await shot('consent');
  await p.click(t('consent-yes'));
  await look('on');
  await shot('on');
  topic.secondAgent();
  topic.send({ type: 'pointer', party: 'p2', x: 300, y: 420 });
  topic.send({ type: 'pointer', party: 'p3', x: 200, y: 560 });
  await p.locator(t('assist-cursor')).first().waitFor();
  await p.click(t('assist-hints'));
  await p.locator(t('assist-hidden')).waitFor();
  await shot('two-agents-hidden-parts');
  await p.click(t('assist-hints'));
  topic.ask('control');
  await p.locator(t('consent')).waitFor();
  await still(p);
  await shot('consent-control');
  await p.click(t('consent-yes'));
  await p.locator(t('assist-control')).waitFor();
  topic.send({ type: 'click', party: 'p2', x: 600, y: 320, button: 0, detail: 1 });
  await p.locator(t('assist-deed')).waitFor();
  await shot('control');
  await p.click(t('assist-take'));
  topic.push('link', 'u1', 'https://www.example.org/cover/storm', 'Storm damage: what is covered');
  topic.push('video', 'u2', 'https://video.example.org/watch', 'How to photograph a roof');
  topic.push('link', 'u3', 'javascript:alert(1)', 'Hostile');
  await p.locator(t('push-card')).nth(1).waitFor();
  await shot('cards');
  for (let i = 0; i < 2; i++) await p.locator(t('push-decline')).first().click();
  topic.push('document', 'd1', '/assistserver/img/content/abc', 'Offer 2026.pdf');
  await p.locator(`${t('document')} [data-drawn=yes]`).first().waitFor();
  topic.send({ type: 'draw', on: 'd1', id: 's1', page: 1, tool: 'arrow', color: '#b3261e', width: 3, points: [[400, 300], [260, 130]], done: true, party: 'p2' });
  topic.send({ type: 'draw', on: 'd1', id: 's2', page: 1, tool: 'highlighter', color: '#e0a800', width: 5, points: [[60, 145], [330, 145]], done: true, party: 'p2' });
  await p.waitForFunction((n) => {
    const shapes = (r) => [...r.querySelectorAll('*')].reduce((sum, e) => sum + (e.shadowRoot ? shapes(e.shadowRoot) : /^(path|polyline|line)$/.test(e.localName) && e.closest('[data-page]') ? 1 : 0), 0);
    return shapes(document) >= n;
  }, 2);
  await shot('document');
  await p.click(t('document-close'));
  await p.click(t('assist-pause'));
  await look('paused');
  await shot('paused');
  await p.click(t('assist-pause'));
  await p.evaluate(() => document.body.setAttribute('data-parley-sensitive', ''));
  await look('private');
  await shot('private');
  await p.evaluate(() => document.body.removeAttribute('data-parley-sensitive'));
  await look('on');
  const before = Date.now();
  await p.reload();
  await look('on');
  console.log(`${name}: back after ${Date.now() - before} ms`);
  topic.refuse = true;
  topic.sockets.at(-1).close({ code: 1011 });
  await look('lost');
  await shot('lost');
  topic.refuse = false;
  await look('on');
  await p.click(t('assist-end'));
  await look('ended');
  await shot('ended');
  if (topic.got.some((m) => m.type === 'push-result' && m.id === 'u3' && m.what !== 'failed')) problems.push('a hostile link was taken');
  await context.close();
}

const desk = { width: 1280, height: 800 };
const looks = { light: { colorScheme: 'light', viewport: desk }, dark: { colorScheme: 'dark', viewport: desk }, phone: { colorScheme: 'light', viewport: { width: 390, height: 760 } } };
for (const [name, options] of Object.entries(looks)) if (!only || name === only) await run(name, options);
console.log(problems.length ? `PROBLEMS\n${problems.join('\n')}` : 'no problems');
await browser.close();
mock.close();
