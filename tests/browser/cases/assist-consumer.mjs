// The consumer's side of a shared page in real browsers: what is asked, shown and kept. The agent is a Node client.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { servePages } from '../lib/assist_pages.mjs';
import { png } from '../lib/assist_people.mjs';
import { until } from '../lib/browsers.mjs';
import { assert, never } from '../lib/call.mjs';
import { fontlessPdf, fontPdf, pdf } from '../lib/pdfs.mjs';
import { request } from '../lib/stack.mjs';
import { throughLine } from '../lib/line.mjs';
import { Topic, agentTopicToken } from '../lib/topic.mjs';

const claim = (stack, query = '') => `${stack.url}/assistsample/claim.html${query}`;
const look = (page, wanted) => until(`${page.name}: the bar says ${wanted}`, async () => (await page.attribute('assist-bar', 'data-look')) === wanted);

async function join(stack, cid, user = 'agent1') {
  const agent = await Topic.open(stack, await agentTopicToken(stack, user), { cid });
  assert(!agent.refused, `agent refused: ${agent.refused}`);
  return agent;
}

/** From the button to the first picture. */
async function share(stack, page, cid) {
  await look(page, 'waiting');
  const agent = await join(stack, cid);
  await page.appears('consent');
  assert(agent.pictures.length === 0, 'nothing is seen before the answer');
  await page.click('consent-yes');
  await look(page, 'on');
  await agent.wait('picture');
  return agent;
}

/** Pictures that come after now. */
async function fresh(agent) {
  agent.seen = agent.seen.filter((m) => m.type !== 'picture');
  return agent.wait('picture');
}

/** The receipts that the server keeps with a session. */
const kept = async (stack, cid) => (await request(`${stack.url}/web_plugin_framework/webcontroller/api/assist/sessions/${cid}`, { headers: await stack.admin() })).json?.receipts ?? [];

/** What is masked comes into sight: the server is told, and the customer sees on demand what the agent does not. */
async function showsMasked(stack, page, cid) {
  await page.evaluate(() => document.getElementById('claim-password').scrollIntoView({ block: 'center' }));
  await until('a receipt', async () => (await kept(stack, cid)).some(({ masked }) => masked.some(({ rule }) => rule === 'password')));
  await page.click('assist-hints');
  await until('a pattern lies over what is masked', () => page.evaluate(() => {
    const hints = [...(window.__deep('[data-test=assist-hidden]')?.children ?? [])].map((e) => e.getBoundingClientRect());
    const covered = ['claim-iban', 'claim-password'].map((id) => document.getElementById(id).getBoundingClientRect());
    return covered.every((field) => hints.some((hint) => Math.abs(hint.x - field.x) < 3 && Math.abs(hint.y - field.y) < 3 && Math.abs(hint.width - field.width) < 6));
  }));
  await page.click('assist-hints');
  await page.gone('assist-hidden');
  await page.evaluate(() => scrollTo(0, 0));
}

/** What was masked is kept with the session after its end, and administrators read it: which fields by which rule, never what is in them. */
async function receipts(stack, page, cid) {
  const all = await kept(stack, cid);
  await page.goto(`${stack.url}/web_plugin_framework/webcontroller/#/assist`);
  await page.fill('user', 'admin');
  await page.fill('password', stack.adminPassword);
  await page.click('sign-in');
  await page.says('assist-recent', /Ada/);
  await page.click('assist-link');
  await page.appears('assist-session');
  await page.appears('receipt');
  const rows = await page.evaluate(() => [...document.querySelectorAll('[data-test=receipt]')].map((row) => row.innerText));
  assert(rows.length > 0 && rows.length === all.length, `${rows.length} rows for ${all.length} receipts`);
  assert(rows.some((row) => /input iban\s+marked/.test(row) && /input password\s+password/.test(row)), rows.join('\n'));
  const everything = JSON.stringify(all) + (await page.evaluate(() => document.body.innerText));
  for (const secret of ['LI21', 'umbrella1924']) never(everything.includes(secret), `${secret} is in a receipt`);
}

async function upload(stack, name, type, body) {
  const login = await request(`${stack.url}/expertassist/agent/login`, { method: 'POST', body: { user: 'agent1', password: 'agent1' } });
  const cookie = login.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
  const answer = await request(`${stack.url}/assistserver/content?name=${encodeURIComponent(name)}`, { method: 'POST', body, headers: { cookie, 'content-type': type } });
  assert(answer.status === 201 || answer.status === 200, `upload: ${answer.status} ${answer.text}`);
  return answer.json.id;
}

/** The colour of the screen in the middle of an element, as it is seen. */
async function colourOf(page, id) {
  const png = Buffer.from(await page.raw.screenshot()).toString('base64');
  return page.evaluate(async (shot, selector) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(shot), (c) => c.charCodeAt(0))]));
    const g = new OffscreenCanvas(image.width, image.height).getContext('2d');
    g.drawImage(image, 0, 0);
    const r = selector ? window.__deep(selector).getBoundingClientRect() : { x: 0, y: 0, width: innerWidth, height: innerHeight };
    return [...g.getImageData(r.x + r.width / 2, r.y + r.height - (selector ? 5 : r.height / 3), 1, 1).data].slice(0, 3).join();
  }, png, id && page.test(id));
}

/** A film has no room for the bar: it is shown above it, by the means of the browser. */
const fullScreen = (kind) => ({
  name: `assist consumer: the bar is seen above a film that fills the screen (${kind})`, async run({ stack, browser, shots }) {
    const page = await browser(kind, 'consumer', { focused: true });
    await page.goto(claim(stack, '?cid=film-1&cobrowseOnly=true'));
    const agent = await share(stack, page, 'film-1');
    await page.evaluate(() => {
      const film = Object.assign(document.createElement('video'), { id: 'film', onclick: () => film.requestFullscreen() });
      film.style.cssText = 'position:fixed;left:0;top:50%;width:200px;height:100px;background:#00f;z-index:9';
      const sheet = document.createElement('style');
      sheet.textContent = '::backdrop { background: #0f0 }';
      document.body.append(film, sheet);
    });
    await page.raw.bringToFront();
    await page.evaluate(() => window.focus());
    await page.raw.click('#film');
    await until('it fills the screen', () => page.evaluate(() => document.fullscreenElement?.id === 'film'));
    await until('the bar is seen', async () => { const is = await colourOf(page, 'assist-end'); return is === '179,38,30' || Promise.reject(new Error(is)); });
    await shots(page, `assist-consumer-full-screen-${kind}`);
    const film = await colourOf(page, '');
    // Chromium has a grey of its own where there is no film yet.
    assert(['0,0,255', '51,51,51'].includes(film), `nothing else lies over the film: ${film}`);
    await fresh(agent);
    await page.evaluate(() => document.exitFullscreen());
    await until('it is as before', () => page.evaluate(() => !document.fullscreenElement && !document.querySelector('[data-parley-overlay]').hasAttribute('popover')));
    await page.click('assist-end');
    await agent.wait('ended');
  },
});

const kStrict = "default-src 'none'; script-src 'self'; connect-src 'self' wss:; img-src 'self'; font-src 'self'; worker-src 'self'";
const kStrictPage = `<!doctype html><html lang="en"><meta http-equiv="Content-Security-Policy" content="${kStrict}"><title>Strict</title><h1>Strict</h1>
  <label>Name <input value="Ada"></label><script src="/assistserver/sdk/web/consumer/assist.js"></script><script src="/assistsample/strict.js"></script></html>`;

/** The served files, and a page whose own policy is stricter than the server's. */
function strictSite() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-strict-'));
  fs.cpSync(path.join(path.dirname(new URL(import.meta.url).pathname), '../../../web/dist'), folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'assistsample/strict.html'), kStrictPage);
  fs.writeFileSync(path.join(folder, 'assistsample/strict.js'), "Parley.assist.start({ cid: 'strict' });");
  return folder;
}
let strictFolder = '';

/** Of the first page of a document, points of its middle line (0 … 1 from the left) that are black. */
const ink = (page, ...points) => page.evaluate((all) => {
  const canvas = window.__deep('[data-page="1"] canvas');
  return all.map((at) => canvas.getContext('2d').getImageData(Math.floor(at * canvas.width), Math.floor(0.5 * canvas.height), 1, 1).data[0] < 30).join();
}, points);
const refusals = (page) => page.console.filter((line) => /Content Security Policy|Trusted(Script|Type|HTML)|blocked by CORS/i.test(line));

/** What the documentation asks of a site with Parley at another origin, and not a word more. */
const documented = (parley, worker) => `default-src 'none'; script-src 'nonce-n0nce' 'strict-dynamic'; connect-src ${parley} ${parley.replace('https', 'wss')}; img-src ${parley}; font-src ${parley}; ` +
  `worker-src ${worker}; style-src 'none'; require-trusted-types-for 'script'; trusted-types parley lit-html`;
const farPage = (parley, cid) => `<!doctype html><html lang="en"><title>Far</title><h1>Far</h1><label>Name <input value="Ada"></label>
  <script nonce="n0nce" src="${parley}/assistserver/sdk/web/consumer/assist.js"></script><script nonce="n0nce">Parley.assist.start({ cid: '${cid}' });</script></html>`;

/** On a site of another origin with that policy the page is shared, pictures and documents are shown, and the browser refuses nothing. */
async function sharesFromFar(stack, page, owns, worker) {
  const cid = `far-${worker.replace(/\W/g, '')}`;
  const site = await servePages({ policy: documented(stack.url, worker), more: { '/far.html': farPage(stack.url, cid), '/favicon.ico': '' } });
  owns({ remove: () => site.close() });
  page.console.length = 0;
  await page.goto(`${site.url}/far.html`);
  const agent = await share(stack, page, cid);
  const picture = await upload(stack, 'plan.png', 'image/png', png(320, 200, [0, 0, 0]));
  agent.send('push', { kind: 'image', content: picture, name: 'plan.png' });
  await until('the picture is drawn', async () => (await page.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null)));
  await page.click('document-close');
  await page.gone('document');
  for (const [text, points, wanted] of [[fontPdf(), [0.2, 0.27, 0.5, 0.73, 0.8], 'false,true,true,true,false'], [fontlessPdf(), [0.2, 0.32, 0.45], 'false,true,false']]) {
    const content = await upload(stack, 'offer.pdf', 'application/pdf', Buffer.from(text, 'latin1'));
    agent.send('push', { kind: 'document', content, name: 'offer.pdf' });
    await until('the first page is drawn', () => page.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null));
    assert((await ink(page, ...points)) === wanted, `a letter of the document: ${await ink(page, ...points)}`);
    // What encodes pictures and what reads the document; one that could not load its script is ended by now.
    const workers = worker === 'blob:' ? 2 : 0;
    await until(`${workers} workers where the policy says ${worker}`, () => page.raw.workers().length === workers);
    await page.click('document-close');
    await page.gone('document');
  }
  await page.click('assist-end');
  await agent.wait('ended');
  // A refused worker is named by the browser; what it does is done in the page.
  const refused = refusals(page).filter((line) => worker === 'blob:' || !/Creating a worker from 'blob:/.test(line));
  assert(refused.length === 0 && page.errors.length === 0, [...refused, ...page.errors].join('\n'));
}

const session = (kind) => ({
  name: `assist consumer: consent, picture, pause, lost network, private page, reload and next page, end (${kind})`, async run({ stack, browser, owns }) {
    const page = await browser(kind, 'consumer');
    const { outside, cut, mend } = await throughLine(stack, owns);
    await page.goto(claim(outside, '?cid=shared-1&cobrowseOnly=true&name=Ada'));
    const agent = await share(stack, page, 'shared-1');
    await until('name and path', () => agent.state?.consumer.name === 'Ada' && agent.state.view.path === '/assistsample/claim.html');
    await page.says('assist-state', /sees this page/);
    await showsMasked(stack, page, 'shared-1');

    await page.click('assist-pause');
    await agent.sharing('paused');
    await look(page, 'paused');
    await page.click('assist-pause');
    await agent.sharing('on');
    await fresh(agent);

    cut();
    await look(page, 'lost');
    await mend();
    await look(page, 'on');
    await fresh(agent);

    await page.reload();
    await look(page, 'on');
    await fresh(agent);
    await page.goto(`${outside.url}/assistsample/payment.html`);
    await agent.sharing('sensitive');
    await look(page, 'private');
    const before = agent.pictures.length;
    await page.goto(`${outside.url}/assistsample/`);
    await agent.sharing('on');
    await fresh(agent);
    assert(agent.pictures.length > before, 'pictures again');
    assert(agent.state.parties.length === 1 && agent.state.parties[0].state === 'joined', 'nobody was asked twice');

    await page.click('assist-end');
    assert((await agent.wait('ended')).reason === 'consumer_ended', 'over for the agent');
    await look(page, 'ended');
    await page.reload();
    assert(!(await page.state(page.test('assist-bar'))), 'nothing goes on after the end');
    await receipts(stack, page, 'shared-1');
  },
});

export const cases = [session('chromium'), session('firefox'), {
  name: 'assist consumer: a no, a code, control and its end by a touch (firefox)', async run({ stack, browser }) {
    const page = await browser('firefox', 'consumer');
    await page.goto(claim(stack));
    await page.click('cobrowse');
    await look(page, 'waiting');
    await page.click('make-code');
    await page.appears('short-code');
    const code = await page.attribute('short-code', 'data-code');
    const login = await request(`${stack.url}/expertassist/agent/login`, { method: 'POST', body: { user: 'agent1', password: 'agent1' } });
    const cookie = login.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
    const found = await request(`${stack.url}/assistserver/shortcode/agent?appkey=${code}`, { headers: { cookie } });
    assert(found.status === 200 && found.json.cid, `short code: ${found.status} ${found.text}`);

    const agent = await join(stack, found.json.cid);
    await page.appears('consent');
    await page.click('consent-no');
    await agent.wait((m) => m.type === 'consent' && m.grant === false);
    assert(agent.pictures.length === 0, 'a no is a no');
    agent.send('ask', { what: 'view' });
    await page.appears('consent');
    await page.click('consent-yes');
    await agent.wait('picture');

    agent.send('control', { want: true });
    await until('control is asked for', async () => (await page.attribute('consent', 'data-what')) === 'control');
    await page.click('consent-yes');
    await page.appears('assist-control');
    const place = await page.evaluate(() => { const b = document.getElementById('claim-street').getBoundingClientRect(); return { x: b.x + 20, y: b.y + 10 }; });
    agent.send('click', { ...place, button: 0, detail: 1 });
    agent.send('text', { text: 'Harbour Lane 4' });
    await until('typed', () => page.evaluate(() => document.getElementById('claim-street').value === 'Harbour Lane 4'));
    await page.says('assist-deed', /Street and number/);
    await page.raw.mouse.click(30, 700);
    await agent.wait((m) => m.type === 'session' && m.control === 'none');
    await page.gone('assist-control');
    await page.click('assist-end');
    await agent.wait('ended');
  },
}, {
  name: 'assist consumer: links, a picture and a document are pushed, hostile ones refused (chromium)', async run({ stack, browser }) {
    const page = await browser('chromium', 'consumer');
    await page.goto(claim(stack, '?cid=pushed&cobrowseOnly=true'));
    const agent = await share(stack, page, 'pushed');
    for (const url of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd']) {
      agent.send('push', { kind: 'link', url, name: 'x', request: `hostile-${url}`.slice(0, 60) });
      await agent.wait((m) => m.type === 'error' && m.request?.startsWith('hostile'));
    }
    agent.send('push', { kind: 'link', url: 'https://www.example.org/cover', name: 'What is covered' });
    await page.appears('push-card');
    await page.says('push-card', /www\.example\.org/);
    const attributes = await page.evaluate(() => { const a = window.__deep('[data-test=push-open]'); return [a.href, a.target, a.rel]; });
    assert(attributes.join(' ') === 'https://www.example.org/cover _blank noopener noreferrer', attributes.join(' '));
    await page.click('push-decline');
    assert((await agent.wait('push-result')).what === 'declined', 'told');

    const content = await upload(stack, 'offer.pdf', 'application/pdf', pdf(100));
    agent.send('push', { kind: 'document', content, name: 'offer.pdf' });
    const pushed = await agent.wait((m) => m.type === 'push' && m.kind === 'document');
    await until('the first page is drawn', () => page.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null));
    assert((await agent.wait((m) => m.type === 'document' && m.pages)).pages === 100, 'pages');
    agent.send('document', { id: pushed.id, page: 42, scroll: 0, zoom: 1 });
    await page.says('document-page', /^42 \/ 100$/);
    await until('that page is drawn', () => page.evaluate(() => window.__deep('[data-page="42"][data-drawn=yes]') !== null));
    await page.click('document-next');
    assert((await agent.wait((m) => m.type === 'document' && m.page === 43)).id === pushed.id, 'the agent turns, too');
    await page.click('document-close');
    await agent.wait((m) => m.type === 'document' && m.closed);
    assert(page.errors.length === 0, page.errors.join());
  },
}, {
  name: 'assist consumer: a site with a strict policy, and one of another origin with the documented one (chromium)',
  get settings() { return { 'gateway.allowed_origins': '*', 'server.web_root': (strictFolder = strictSite()) }; },
  async run({ stack, browser, owns }) {
    owns({ remove: () => fs.rmSync(strictFolder, { recursive: true, force: true }) });
    const page = await browser('chromium', 'consumer');
    await page.goto(`${stack.url}/assistsample/strict.html`);
    const agent = await share(stack, page, 'strict');
    const content = await upload(stack, 'offer.pdf', 'application/pdf', Buffer.from(fontPdf(), 'latin1'));
    agent.send('push', { kind: 'document', content, name: 'offer.pdf' });
    await until('the first page is drawn', () => page.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null));
    // Its only letter is a square in a font of the document's own.
    const letter = await ink(page, 0.2, 0.27, 0.5, 0.73, 0.8);
    assert(letter === 'false,true,true,true,false', `the font of the document: ${letter}`);
    const bar = await page.evaluate(() => getComputedStyle(window.__deep('[data-test=assist-bar]')).position);
    assert(bar === 'fixed', `the bar has its styles: ${bar}`);
    assert(refusals(page).length === 0, refusals(page).join('\n'));
    await sharesFromFar(stack, page, owns, 'blob:');
    await sharesFromFar(stack, page, owns, "'none'");
  },
}, fullScreen('chromium'), fullScreen('firefox')];
