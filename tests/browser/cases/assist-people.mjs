// People at both ends of a shared page: other browsers than Chromium, slow lines, lost networks, sites that are strict or broken.
import fs from 'node:fs';
import http from 'node:http';
import { alike, attribute, blackness, controls, drag, escalate, hidden, meet, meetByCode, onLoad, png, signIn, siteWith } from '../lib/assist_people.mjs';
import { four } from '../lib/assist_four.mjs';
import { until } from '../lib/browsers.mjs';
import { assert, establish, never, signIn as signInForCalls } from '../lib/call.mjs';
import { installViewer } from '../lib/pictures.mjs';
import { pdf } from '../lib/pdfs.mjs';
import { Topic, agentTopicToken } from '../lib/topic.mjs';

const look = (page, wanted) => until(`${page.name}: the bar says ${wanted}`, async () => (await page.attribute('assist-bar', 'data-look')) === wanted);
const claim = (stack, cid) => `${stack.url}/assistsample/claim.html?cid=${cid}&cobrowseOnly=true&name=Ada`;
const frame = (agent) => agent.attribute('assist-picture', 'data-frame').then(Number);

async function join(stack, cid, consumer) {
  const agent = await Topic.open(stack, await agentTopicToken(stack), { cid });
  assert(!agent.refused, `agent refused: ${agent.refused}`);
  await consumer.appears('consent');
  await consumer.click('consent-yes');
  await look(consumer, 'on');
  await agent.wait('picture');
  return agent;
}

const firefoxCustomer = {
  name: 'assist people: a customer in firefox, an agent in chromium: alike, masked, control, drawings that go with a box, a document, end',
  async run({ stack, browser, shots }) {
    const [agent, consumer] = await Promise.all([browser('chromium', 'agent'), browser('firefox', 'consumer')]);
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await meet(stack, consumer, agent, 'fox-1');
    await agent.evaluate(installViewer);
    await until('the agent sees what the customer sees', async () => { const s = await alike(consumer, agent); return s >= 0.96 || Promise.reject(new Error(`SSIM ${s}`)); });
    await consumer.evaluate(() => document.getElementById('claim-iban').scrollIntoView());
    await agent.appears('masked');
    await consumer.evaluate(() => scrollTo(0, 0));
    await controls(consumer, agent);

    // A box of the page is scrolled with what is drawn on it: for both.
    await consumer.evaluate(() => {
      const box = document.createElement('div');
      box.id = 'list';
      box.style.cssText = 'position:fixed;left:30%;top:25%;width:45%;height:40%;overflow:auto;background:#fff;z-index:9';
      box.innerHTML = Array.from({ length: 60 }, (_, i) => `<p>Line ${i}</p>`).join('');
      document.body.append(box);
    });
    await agent.click('tool-rect');
    await drag(agent, [0.4, 0.4], [0.6, 0.55]);
    const drawn = () => agent.evaluate(() => window.__deep('[data-test=assist-shape]')?.getBoundingClientRect().top ?? null);
    const before = await until('the shape is there', drawn);
    await until('the customer has it, too', () => consumer.evaluate(() => window.__told.some((m) => m.type === 'draw')));
    await consumer.evaluate(() => document.getElementById('list').scrollBy(0, 90));
    await until('it went along for the agent', async () => { const top = await drawn(); return before - top > 20 || Promise.reject(new Error(`${before} ${top}`)); });
    await shots(agent, 'assist-people-firefox');

    await agent.click('panel-push');
    await agent.click('source-file');
    await agent.raw.setInputFiles('[data-test=upload-file]', { name: 'offer.pdf', mimeType: 'application/pdf', buffer: Buffer.from(pdf(3), 'latin1') });
    await until('firefox draws the first page', () => consumer.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null));
    await agent.appears('document');
    await agent.click('document-next');
    await consumer.says('document-page', /^2 \/ 3$/);
    await agent.click('document-close');
    await hidden(consumer, 'document');
    await consumer.click('assist-end');
    await attribute(agent, 'workspace', 'data-phase', 'ended');
    await agent.says('assist-cover', /ended/i);
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
};

const firefoxCall = {
  name: 'assist people: from a call to the page, the customer in firefox', async run({ stack, browser }) {
    const [agent, consumer] = await Promise.all([browser('chromium', 'agent'), browser('firefox', 'consumer')]);
    await signInForCalls(agent, stack);
    await establish(consumer, agent, stack);
    await escalate(consumer, agent);
    await until('a picture', async () => (await frame(agent)) > 0);
    await agent.is('call', 'connected');
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
};

/** A page that changes all over, several times a second, until it is told to stand still and show one colour. */
function restless() {
  const make = (w, h) => Object.assign(document.createElement('canvas'), { width: w, height: h });
  const grain = make(400, 300), canvas = make(800, 600);
  const dots = grain.getContext('2d'), g = canvas.getContext('2d');
  const image = dots.createImageData(400, 300);
  for (let i = 0; i < image.data.length; i++) image.data[i] = i % 4 === 3 ? 255 : Math.random() * 255;
  dots.putImageData(image, 0, 0);
  canvas.style.cssText = 'position:fixed;left:0;top:0;z-index:9';
  document.body.append(canvas);
  window.__still = '';
  const step = () => {
    const at = () => Math.floor(Math.random() * 100);
    if (window.__still) Object.assign(g, { fillStyle: window.__still }).fillRect(0, 0, 800, 600);
    else g.drawImage(grain, at(), at(), 160, 120, 0, 0, 800, 600);
    // Told as any change is: a canvas alone is looked at twice a second.
    canvas.title = String(performance.now());
    if (!window.__still) setTimeout(step, 60);
  };
  step();
}

const slowViewer = {
  name: 'assist people: four take part; a slow viewer gets fewer pictures and the newest ones, another beside it all; the page slows down for slow ones alone',
  async run({ stack, browser, shots }) {
    const [agent, consumer] = await Promise.all([browser('chromium', 'agent'), browser('chromium', 'consumer')]);
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await meet(stack, consumer, agent, 'slow-1');
    const fast = await Topic.open(stack, await agentTopicToken(stack, 'agent2'), { cid: 'slow-1' });
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await fast.wait('picture');
    await agent.evaluate(() => {
      window.__drawn = 0;
      new MutationObserver(() => window.__drawn++).observe(window.__deep('[data-test=assist-picture]'), { attributes: true, attributeFilter: ['data-frame'] });
    });
    const cdp = await agent.raw.context().newCDPSession(agent.raw);
    await cdp.send('Network.enable');
    const line = (kbit) => cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 40, downloadThroughput: kbit < 0 ? -1 : (kbit * 1000) / 8, uploadThroughput: -1 });
    const drawn = () => agent.evaluate(() => window.__drawn);
    const pace = () => consumer.evaluate(() => window.Parley.assist.session().sharer_.capture_.slow_);

    await line(150);
    await consumer.evaluate(restless);
    const [a0, f0] = [await drawn(), fast.pictures.length];
    await until('the other one gets its pictures', () => fast.pictures.length - f0 >= 14, 30000);
    const got = (await drawn()) - a0;
    assert(got * 2 < fast.pictures.length - f0, `slow: ${got}, fast: ${fast.pictures.length - f0}`);
    assert((await pace()) === 1, 'the page is as fast as before for the fast one');

    // Alone, the slow one is who the page goes by.
    fast.send('leave');
    await until('the page slows down', async () => (await pace()) > 1.4, 30000);
    await line(-1);
    const then = await drawn();
    await consumer.evaluate(() => { window.__still = '#00c853'; });
    await until('what the page shows now is there', () => agent.evaluate(async () => {
      const g = new OffscreenCanvas(1, 1).getContext('2d');
      g.drawImage(await createImageBitmap(window.__deep('[data-test=assist-picture]'), 200, 200, 1, 1), 0, 0);
      const [r, green, b] = g.getImageData(0, 0, 1, 1).data;
      return r < 60 && green > 150 && b < 140;
    }), 15000);
    const queued = (await drawn()) - then;
    assert(queued <= 16, `${queued} old pictures came first`);
    await until('the page is as fast as before', async () => (await pace()) === 1);
    await four(stack, consumer, agent, 'slow-1');
    await shots(agent, 'assist-people-four');
  },
};

/** Somebody else's site, with a document, a page and a film. */
async function anotherSite(owns) {
  const files = { '/terms.pdf': ['application/pdf', Buffer.from(pdf(2), 'latin1')], '/tour.webm': ['video/webm', Buffer.alloc(10)] };
  const server = http.createServer((ask, answer) => {
    const [type, body] = files[ask.url] ?? ['text/html', 'nothing'];
    answer.writeHead(200, { 'content-type': type }).end(body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  owns({ remove: () => { server.closeAllConnections(); server.close(); } });
  return `http://localhost:${server.address().port}`;
}

/** What is drawn on the first page of a document: left, top and width in parts of its width, and how thick or high it is in pixels; of a spotlight its hole. */
const drawnOn = (page) => page.evaluate(() => {
  const sheet = window.__deep('.page[data-page="1"]');
  const shape = sheet?.querySelector('svg :is(path, polyline, rect, text)');
  if (!shape) return null;
  const [of, at] = [sheet, shape].map((e) => e.getBoundingClientRect());
  const unit = of.width / shape.ownerSVGElement.viewBox.baseVal.width;
  const thick = Math.round(unit * (shape.getAttribute('font-size') ?? shape.getAttribute('stroke-width') ?? 0));
  if (shape.localName !== 'path') return [(at.left - of.left) / of.width, (at.top - of.top) / of.width, at.width / of.width, thick];
  const steps = Array.from({ length: 100 }, (_, i) => i / 100);
  const lit = (x, y) => !shape.isPointInFill(new DOMPoint(x * of.width / unit, y * of.width / unit));
  const across = steps.filter((x) => lit(x, 0.14)), down = steps.filter((y) => y * of.width < of.height && lit(0.45, y));
  return [across[0], down[0], across.length / 100, thick];
});

/** What either side draws on a document lies on the same place of its page for the other, as thick as on a page that is shared. */
async function drawsOnDocument(consumer, agent, hands) {
  const atBoth = (what, wanted) => until(`${what}: at both`, async () => {
    const [here, there] = await Promise.all([agent, consumer].map(drawnOn));
    const good = here && there && here.slice(0, 3).every((v, i) => Math.abs(v - there[i]) < 0.02) && wanted(here, there);
    return good || Promise.reject(new Error(JSON.stringify([here, there])));
  });
  const cleared = async (what) => {
    await agent.click('tool-clear');
    await until(`${what}: gone at both`, async () => (await drawnOn(agent)) === null && (await drawnOn(consumer)) === null);
  };
  for (const [page, tool, wide] of hands) {
    await page.click(tool);
    const box = await page.evaluate(() => { const b = window.__deep('.page[data-page="1"]').getBoundingClientRect(); return [b.left, b.top, b.width]; });
    const at = (x, y) => [box[0] + x * box[2], box[1] + y * box[2]];
    if (tool === 'tool-text') {
      await agent.raw.mouse.click(...at(0.3, 0.1));
      await agent.appears('assist-writing');
      await agent.raw.keyboard.type('Look here');
      await agent.press('Enter');
    } else {
      await page.raw.mouse.move(...at(0.3, 0.1));
      await page.raw.mouse.down();
      for (const x of [0.4, 0.5, 0.6]) await page.raw.mouse.move(...at(x, x / 4 + 0.03));
      await page.raw.mouse.up();
    }
    // A line's box ends at the middle of the line or at its edge, as browsers have it; letters begin a little below their upper edge.
    await atBoth(`${page.name}, ${tool}`, (here, there) => {
      const near = Math.abs(here[0] - 0.3) < 0.03 && Math.abs(here[1] - 0.1) < 0.03 && (tool === 'tool-text' || Math.abs(here[2] - 0.3) < 0.05);
      return near && Math.abs((page === agent ? here : there)[3] - wide) <= 1;
    });
    await cleared(tool);
  }
  await agent.click('tool-look');
}

/** Either side makes the document larger and smaller, for both: how wide its page is in parts of the room for it. */
async function zoomsDocument(consumer, agent) {
  const width = (page) => page.evaluate(() => { const sheet = window.__deep('.page[data-page="1"]'); return sheet.offsetWidth / (sheet.parentElement.clientWidth - 24); });
  const both = (zoom) => until(`the page is ${zoom} times as wide for both`, async () => {
    const wide = await Promise.all([consumer, agent].map(width));
    return wide.every((w) => Math.abs(w - zoom) < 0.03) || Promise.reject(new Error(String(wide)));
  });
  await both(1);
  await agent.raw.locator('.document [aria-label=Larger]').click();
  await both(1.25);
  await consumer.click('document-larger');
  await both(1.5625);
  await consumer.click('document-smaller');
  await consumer.click('document-smaller');
  await both(1);
}

/** An upload that takes long is called off: nothing is sent, and the next file is taken. */
async function callsUploadOff(consumer, agent) {
  const cdp = await agent.raw.context().newCDPSession(agent.raw);
  await cdp.send('Network.enable');
  const line = (kbit) => cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: kbit < 0 ? -1 : (kbit * 1000) / 8 });
  await line(400);
  await agent.raw.setInputFiles('[data-test=upload-file]', { name: 'long.pdf', mimeType: 'application/pdf', buffer: Buffer.from(pdf(2, 1_000_000), 'latin1') });
  await agent.appears('upload-progress');
  await agent.click('upload-cancel');
  await attribute(agent, 'push-error', 'data-code', 'upload.cancelled');
  await line(-1);
  await agent.appears('source-file');
  assert((await agent.attribute('pushed', 'data-kind')) === null && (await consumer.attribute('document', 'data-id')) === null, 'something was sent');
}

/** By address: a document that the server fetches, and a film that the customer opens. */
async function sendsByAddress(consumer, agent, site) {
  await agent.click('source-address');
  await agent.fill('push-url', `${site}/terms.pdf`);
  await agent.click('push-as-document');
  await agent.click('push-address');
  await consumer.says('document-page', /^1 \/ 2$/);
  await attribute(agent, 'pushed', 'data-state', 'opened');
  await agent.appears('document');
  await zoomsDocument(consumer, agent);
  const tools = Object.entries({ pen: 4, highlighter: 18, arrow: 4, rect: 4, spot: 0, text: 20 }).map(([tool, wide]) => [agent, `tool-${tool}`, wide]);
  await drawsOnDocument(consumer, agent, [...tools, [consumer, 'document-pen', 3]]);
  await consumer.click('document-close');
  await hidden(agent, 'document');
  await agent.fill('push-url', `${site}/tour.webm`);
  await agent.click('push-as-link');
  await agent.click('push-address');
  await attribute(consumer, 'push-card', 'data-kind', 'video');
  const [tab] = await Promise.all([consumer.raw.context().waitForEvent('page'), consumer.click('push-open')]);
  await until('it is in a tab of its own', () => tab.url() === `${site}/tour.webm`);
  assert(await tab.evaluate(() => window.opener === null), 'the tab reaches the page');
  await tab.close();
  await attribute(agent, 'pushed', 'data-kind', 'video');
  await attribute(agent, 'pushed', 'data-state', 'opened');
  await hidden(consumer, 'push-card');
}

const documents = {
  name: 'assist people: joined by a code; things from the agent’s machine and by address; cards and document are there after a reload (chromium)', settings: { 'assist.fetch_allow': 'localhost' },
  async run({ stack, browser, owns, shots }) {
    const [agent, consumer] = await Promise.all([browser('chromium', 'agent'), browser('chromium', 'consumer')]);
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await meetByCode(stack, consumer, agent);
    // The code is used up; a console that is loaded anew goes on without one, and without another question.
    await agent.reload();
    await attribute(agent, 'workspace', 'data-phase', 'joined');
    await hidden(agent, 'assist-cover');
    never((await consumer.attribute('consent', 'data-test')) !== null, 'the customer is asked again');
    await agent.click('panel-push');
    await agent.click('source-file');
    await callsUploadOff(consumer, agent);
    // As large as a photograph: a line of its own units is a thin one.
    await agent.raw.setInputFiles('[data-test=upload-file]', { name: 'plan.png', mimeType: 'image/png', buffer: png(4000, 1600, [20, 120, 200]) });
    await consumer.appears('document');
    await attribute(agent, 'pushed', 'data-state', 'opened');
    await agent.appears('document');
    for (const page of [agent, consumer]) await until(`${page.name} shows the picture`, () => page.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null));
    await drawsOnDocument(consumer, agent, [[agent, 'tool-highlighter', 18]]);
    await agent.click('document-close');
    await hidden(consumer, 'document');
    await sendsByAddress(consumer, agent, await anotherSite(owns));
    await agent.click('source-file');

    const whole = Buffer.from(pdf(100, 60_000), 'latin1');
    await agent.raw.setInputFiles('[data-test=upload-file]', { name: 'offer.pdf', mimeType: 'application/pdf', buffer: whole });
    const first = () => consumer.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null && {
      loaded: performance.getEntriesByType('resource').filter((r) => r.name.includes('/assistserver/img/content/')).reduce((sum, r) => sum + r.encodedBodySize, 0),
    });
    const { loaded } = await until('the first page is drawn', first);
    assert(loaded < whole.length / 3, `${loaded} of ${whole.length} bytes for the first page`);
    await attribute(consumer, 'document', 'data-pages', '100');
    await agent.click('document-next');
    await consumer.says('document-page', /^2 \/ 100$/);

    await agent.click('source-address');
    await agent.fill('push-url', 'https://www.example.org/cover');
    await agent.click('push-address');
    await consumer.appears('push-card');
    await consumer.reload();
    await look(consumer, 'on');
    await consumer.appears('push-card');
    await consumer.says('push-card', /www\.example\.org/);
    await consumer.appears('document');
    await consumer.says('document-page', /^2 \/ 100$/);
    await shots(consumer, 'assist-people-reloaded');
    await consumer.click('push-decline');
    await until('the agent is told', () => agent.evaluate(() => window.__deep('[data-test=pushed][data-state=declined]') !== null));
    await consumer.reload();
    await look(consumer, 'on');
    await consumer.appears('document');
    assert((await consumer.attribute('push-card', 'data-id')) === null, 'an answered card came back');
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
};

const filmAgain = {
  name: 'assist people: a film of the tab ends with the page: both are told, the page is painted, and it can be filmed again', async run({ stack, browser, shots }) {
    const consumer = await browser('chromium', 'consumer', { tab: 'Report a claim' });
    await consumer.goto(claim(stack, 'film-1'));
    const agent = await join(stack, 'film-1', consumer);
    await consumer.evaluate(() => { const f = document.createElement('iframe'); f.setAttribute('sandbox', ''); f.setAttribute('data-parley-allow', ''); f.srcdoc = 'of another site'; document.querySelector('main').prepend(f); });
    await consumer.click('assist-film-start');
    await agent.wait((m) => m.type === 'session' && m.fidelity === 'capture');
    await agent.wait('picture');
    await until('nothing is missing any more', () => agent.state.unsupported.length === 0);
    await consumer.reload();
    await until('the customer is asked again', async () => (await consumer.attribute('assist-film', 'data-again')) === 'true');
    await consumer.says('assist-film', /ended with the page before/);
    await shots(consumer, 'assist-people-film');
    await until('the agent is told', () => agent.state.fidelity === 'painter' && agent.state.unsupported.some((u) => /film/.test(u.what)));
    agent.seen = [];
    await agent.wait('picture');
    await consumer.click('assist-film-start');
    await until('filmed again', () => agent.state.fidelity === 'capture' && agent.state.unsupported.every((u) => !/film/.test(u.what)));
    assert(consumer.errors.length === 0, consumer.errors.join('; '));
  },
};

/** Keeps every text that the agent's page is sent. */
function keepTexts() {
  const Real = window.WebSocket;
  window.__texts = '';
  window.WebSocket = class extends Real {
    constructor(...args) {
      super(...args);
      this.addEventListener('message', ({ data }) => { if (typeof data === 'string') window.__texts += data; });
    }
  };
}

/** The administration's lists: what is typed and what a selector names is black, and its values are not in the agent's browser. */
async function hiddenBySettings(consumer, agent) {
  await consumer.raw.type('#claim-text', 'A secret of mine');
  await until('pictures are quiet', async () => (await agent.attribute('assist-picture', 'data-lossless')) === 'true');
  for (const selector of ['#claim-name', '#claim-text', '.lead']) {
    await until(`${selector} is black`, async () => { const part = await blackness(consumer, agent, selector); return part === 1 || Promise.reject(new Error(String(part))); });
  }
  assert((await blackness(consumer, agent, '#claim-title')) < 0.5, 'the title is black, too');
  await agent.click('panel-form');
  await until('the form is there', () => agent.evaluate(() => [...document.querySelectorAll('[data-test=form-field]')].some((e) => e.textContent.includes('In your own words') && e.dataset.masked === 'true')));
  const known = await agent.evaluate(() => window.__texts + document.body.innerHTML + [...document.querySelectorAll('input, textarea')].map((e) => e.value).join());
  assert(known.includes('In your own words'), 'nothing was kept');
  for (const secret of ['Ada Marlow', 'A secret of mine', 'LI21', 'umbrella1924']) never(known.includes(secret), `${secret} is in the agent’s browser`);
  await agent.click('panel-form');
}

const lostNetwork = {
  name: 'assist people: the administration’s masks and label; the customer’s network is gone for 30 s: both read it, and it comes back by itself', waits: true,
  settings: { 'assist.mask_selectors': '.lead', 'assist.mask_default': 'all', 'assist.agent_name': 'Lindhaven service' }, async run({ stack, browser }) {
    const [agent, consumer] = await Promise.all([browser('chromium', 'agent'), browser('chromium', 'consumer')]);
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await onLoad(agent, keepTexts);
    await meet(stack, consumer, agent, 'lost-1');
    await consumer.says('assist-state', /Lindhaven service sees this page/);
    await hiddenBySettings(consumer, agent);
    // The server keeps the place for 60 s (assist.resume_seconds); the waits between the page's tries grow meanwhile.
    await consumer.raw.context().setOffline(true);
    const began = Date.now();
    await look(consumer, 'lost');
    await consumer.says('assist-state', /connection is gone/i);
    await agent.says('assist-cover', /connection|away/i);
    await agent.says('assist-state', /away/i);
    await new Promise((done) => setTimeout(done, 30_000 - (Date.now() - began)));
    assert((await consumer.attribute('assist-bar', 'data-look')) === 'lost', 'the customer reads something else while the network is gone');
    await agent.says('assist-state', /away/i);
    await consumer.raw.context().setOffline(false);
    await look(consumer, 'on');
    await hidden(agent, 'assist-cover');
    const before = await frame(agent);
    await consumer.evaluate(() => { document.querySelector('h1').textContent = 'Back again'; });
    await until('new pictures', async () => (await frame(agent)) > before);
  },
};

const kBroken = `
  const fail = (what) => { throw new Error('the page failed in ' + what); };
  for (const type of ['input', 'change', 'click', 'pointerdown', 'pointermove', 'mousedown', 'keydown', 'keypress', 'focusin', 'focus', 'scroll', 'load', 'selectionchange', 'wheel'])
    for (const target of [window, document]) target.addEventListener(type, () => fail(type), true);
  new MutationObserver(() => fail('an observer')).observe(document, { subtree: true, childList: true, attributes: true });
  setInterval(() => fail('a timer'), 200);
  window.onerror = () => fail('its own error handler');
  document.getElementById('odd').getBoundingClientRect = () => fail('a box');
  Parley.assist.start({ cid: 'broken-1', name: 'Ada' });
`;
const kBrokenPage = `<!doctype html><html lang="en_US"><meta http-equiv="Content-Security-Policy" content="default-src 'self'"><title>Broken</title><h1>Broken</h1>
  <p id="odd"><b>odd</b></p><form><label>Name <input id="name" name="children" value="Ada"></label><input type="date" value="2026-11-26" lang="xx_YY"></form>
  <script src="/assistserver/sdk/web/consumer/assist.js"></script><script src="/assistsample/broken.js"></script></html>`;
let brokenFolder = '';

const brokenSite = {
  name: 'assist people: a page that throws in every handler, under a strict policy',
  get settings() { return { 'server.web_root': (brokenFolder = siteWith({ 'broken.html': kBrokenPage, 'broken.js': kBroken })) }; },
  async run({ stack, browser, owns }) {
    owns({ remove: () => fs.rmSync(brokenFolder, { recursive: true, force: true }) });
    const consumer = await browser('chromium', 'consumer');
    await consumer.goto(`${stack.url}/assistsample/broken.html`);
    const agent = await join(stack, 'broken-1', consumer);
    agent.send('control', { want: true });
    await until('control is asked for', async () => (await consumer.attribute('consent', 'data-what')) === 'control');
    await consumer.click('consent-yes');
    await agent.wait((m) => m.type === 'session' && m.control === agent.party);
    const place = await consumer.evaluate(() => { const b = document.getElementById('name').getBoundingClientRect(); return { x: b.x + 20, y: b.y + 8 }; });
    agent.send('click', { ...place, button: 0, detail: 3 });
    agent.send('text', { text: 'Grace' });
    await until('typed', () => consumer.evaluate(() => document.getElementById('name').value === 'Grace'));
    agent.send('form-get', { request: 'f' });
    const form = await agent.wait((m) => m.type === 'form');
    assert(form.fields.some((f) => f.label === 'Name' && f.value === 'Grace'), JSON.stringify(form.fields));
    agent.seen = [];
    await consumer.evaluate(() => { document.querySelector('h1').textContent = 'Still shared'; });
    await agent.wait('picture');
    await until('the agent is told what is missing', () => agent.state.unsupported.some((u) => u.what === 'a part of the page'));
    assert(consumer.errors.length > 0 && consumer.errors.every((e) => /the page failed/.test(e)), consumer.errors.slice(0, 3).join());
    const refused = consumer.console.filter((l) => /Content Security Policy/i.test(l) && !/blob:/.test(l));
    assert(refused.length === 0, refused.join('\n'));
    await consumer.click('assist-end');
    assert((await agent.wait('ended')).reason === 'consumer_ended', 'ended');
  },
};

export const cases = [firefoxCustomer, firefoxCall, slowViewer, documents, filmAgain, lostNetwork, brokenSite];
