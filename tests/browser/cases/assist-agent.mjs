// The agent's side of a shared page, driven as a person would, with the customer's page in a browser of its own; and the
// supervisors' console, whose things the agent sends.
import zlib from 'node:zlib';
import { until } from '../lib/browsers.mjs';
import { assert, establish, signIn as signInForCalls } from '../lib/call.mjs';

const hidden = (page, id) => until(`${page.name}: ${id} goes`, async () => (await page.attribute(id, 'data-test')) === null);
const attribute = (page, id, name, value) => until(`${page.name}: ${id} ${name}=${value}`, async () => { const is = await page.attribute(id, name); return is === value || Promise.reject(new Error(String(is))); });
const value = (page, selector) => page.evaluate((s) => document.querySelector(s).value, selector);

/** Everything that the customer's page is told, by type and tool. */
function listen() {
  const Real = window.WebSocket;
  window.__told = [];
  window.WebSocket = class extends Real {
    constructor(...args) {
      super(...args);
      this.addEventListener('message', ({ data }) => {
        if (typeof data !== 'string') return;
        const { type, tool, all, kind, points, text } = JSON.parse(data);
        window.__told.push({ type, tool, all, kind, points: points?.length, text });
      });
    }
  };
}
const told = (page, what, match) => until(`${page.name} is told: ${what}`, async () => (await page.evaluate(() => window.__told)).find(match));
const onLoad = (page, script) => (page.raw.addInitScript ? page.raw.addInitScript(`(${script})()`) : page.raw.evaluateOnNewDocument(`(${script})()`));

async function signIn(page, stack, user, path) {
  await page.goto(`${stack.url}${path}`);
  await page.appears('login');
  await page.fill('user', user);
  await page.fill('password', user);
  await page.click('sign-in');
  await page.appears('console');
}

/** Both meet in a session, and the customer agrees. */
async function meet(stack, consumer, agent, cid) {
  await onLoad(consumer, listen);
  await agent.goto(`${stack.url}/expertassist/agent/?cid=${cid}`);
  await attribute(agent, 'workspace', 'data-phase', 'waiting');
  await consumer.goto(`${stack.url}/assistsample/claim.html?cid=${cid}&cobrowseOnly=true&name=Ada`);
  await consumer.appears('consent');
  await attribute(agent, 'workspace', 'data-phase', 'asking');
  assert((await agent.attribute('assist-picture', 'data-frame')) === null, 'nothing is seen before the customer agrees');
  await consumer.click('consent-yes');
  await attribute(agent, 'workspace', 'data-phase', 'joined');
  await hidden(agent, 'assist-cover');
}

/** What both see, as 64 × 40 grey cells; the greatest and the mean difference. */
async function difference(consumer, agent) {
  await consumer.evaluate(() => { for (const e of document.querySelectorAll('[data-parley-overlay]')) e.style.setProperty('visibility', 'hidden'); });
  const shot = Buffer.from(await consumer.raw.screenshot()).toString('base64');
  await consumer.evaluate(() => { for (const e of document.querySelectorAll('[data-parley-overlay]')) e.style.removeProperty('visibility'); });
  return agent.evaluate(async (png) => {
    const grey = (source) => {
      const canvas = new OffscreenCanvas(64, 40);
      const g = canvas.getContext('2d', { willReadFrequently: true });
      g.imageSmoothingQuality = 'high';
      g.drawImage(source, 0, 0, 64, 40);
      const { data } = g.getImageData(0, 0, 64, 40);
      return Array.from({ length: 64 * 40 }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);
    };
    const wanted = grey(await createImageBitmap(new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))], { type: 'image/png' })));
    const seen = grey(await createImageBitmap(window.__deep('[data-test=assist-picture]')));
    return wanted.reduce((sum, v, i) => sum + Math.abs(v - seen[i]), 0) / wanted.length;
  }, shot);
}

/** Where a place of the customer's page lies on the agent's screen. */
async function place(consumer, agent, selector) {
  const [x, y] = await consumer.evaluate((s) => { const b = document.querySelector(s).getBoundingClientRect(); return [(b.left + b.width / 2) / innerWidth, (b.top + b.height / 2) / innerHeight]; }, selector);
  return hand(agent, x, y);
}
async function hand(agent, x, y) {
  const box = await agent.evaluate(() => { const b = window.__deep('[data-test=assist-hand]').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; });
  return [box[0] + x * box[2], box[1] + y * box[3]];
}
async function drag(agent, from, to) {
  const { mouse } = agent.raw;
  await mouse.move(...(await hand(agent, ...from)));
  await mouse.down();
  await mouse.move(...(await hand(agent, (from[0] + to[0]) / 2, from[1])));
  await mouse.move(...(await hand(agent, ...to)));
  await mouse.up();
}
const type = (page, text) => page.raw.keyboard.type(text);

/** Each tool's message arrives; what was drawn is seen here, too, and goes when it is cleared. */
async function drawings(consumer, agent) {
  await agent.click('tool-point');
  await agent.raw.mouse.move(...(await hand(agent, 0.5, 0.5)));
  await told(consumer, 'the pointer', (m) => m.type === 'pointer');
  for (const tool of ['pen', 'highlighter', 'arrow', 'rect', 'spot']) {
    await agent.click(`tool-${tool}`);
    await drag(agent, [0.3, 0.3], [0.5, 0.45]);
    await told(consumer, tool, (m) => m.type === 'draw' && m.tool === tool && m.points > 0);
  }
  await agent.click('tool-text');
  await agent.raw.mouse.click(...(await hand(agent, 0.2, 0.2)));
  await agent.appears('assist-writing');
  await type(agent, 'Look here');
  await agent.press('Enter');
  await told(consumer, 'text', (m) => m.tool === 'text' && m.text === 'Look here');
  await agent.appears('assist-shape');
  await agent.click('tool-clear');
  await told(consumer, 'cleared', (m) => m.type === 'erase' && m.all);
  await hidden(agent, 'assist-shape');
}

/** Asks for control, writes into a field of the page, and loses control when the customer takes it back. */
async function controls(consumer, agent) {
  await agent.click('tool-control');
  await agent.appears('asking-control');
  await consumer.appears('consent');
  await consumer.click('consent-yes');
  await attribute(agent, 'assist-state', 'data-control', 'true');
  await agent.raw.mouse.click(...(await place(consumer, agent, '#claim-street')));
  await until('the field has the focus', () => consumer.evaluate(() => document.activeElement?.id === 'claim-street'));
  await type(agent, 'Mill Lane 4');
  await until('what was typed is in the field', async () => (await value(consumer, '#claim-street')) === 'Mill Lane 4');
}

async function form(consumer, agent) {
  await agent.click('panel-form');
  await agent.appears('form-field');
  const fields = await agent.evaluate(() => [...document.querySelectorAll('[data-test=form-field]')].map((e) => [e.querySelector('label')?.textContent.trim() ?? '', e.dataset.masked]));
  for (const name of ['IBAN', 'Password']) assert(fields.some(([label, masked]) => label.startsWith(name) && masked === 'true'), `${name} is not masked: ${JSON.stringify(fields)}`);
  assert(!(await agent.evaluate(() => document.body.innerHTML)).includes('umbrella1924'), 'the password is in the agent’s page');
  const set = (label, text) => agent.evaluate((l, t) => {
    const field = [...document.querySelectorAll('[data-test=form-field]')].find((e) => e.textContent.includes(l)).querySelector('[data-test=field-input]');
    field.value = t;
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }, label, text);
  await set('Telephone', '+49 30 12345');
  await until('the field of the page is filled in', async () => (await value(consumer, '#claim-phone')) === '+49 30 12345');
  await set('Policy number', 'nonsense');
  await until('the page’s own validation is told', () => agent.evaluate(() => [...document.querySelectorAll('[data-test=form-field]')].find((e) => e.textContent.includes('Policy number')).dataset.valid === 'false'));
  await agent.click('panel-form');
}

/** A small picture of our own: RGB, all one colour. */
function png(w, h, [r, g, b]) {
  const crc = (bytes) => { let c = ~0; for (const x of bytes) { c ^= x; for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0); } return ~c >>> 0; };
  const chunk = (name, data) => { const out = Buffer.alloc(12 + data.length); out.writeUInt32BE(data.length, 0); out.write(name, 4, 'latin1'); data.copy(out, 8); out.writeUInt32BE(crc(out.subarray(4, 8 + data.length)), 8 + data.length); return out; };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  head.writeUInt32BE(w, 0);
  head.writeUInt32BE(h, 4);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(w * 3).map((_, i) => [r, g, b][i % 3])]);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(Buffer.concat(Array(h).fill(line)))), chunk('IEND', Buffer.alloc(0))]);
}

/** The supervisor's console, in the browser that becomes the agent's afterwards. */
async function supervise(page, stack) {
  await signIn(page, stack, 'supervisor1', '/expertassist/supervisor/');
  await page.appears('library-empty');
  await page.raw.setInputFiles('[data-test=upload]', { name: 'plan.png', mimeType: 'image/png', buffer: png(320, 200, [20, 120, 200]) });
  await page.appears('library-item');
  await page.click('rename');
  await type(page, 'Floor plan');
  await page.press('Enter');
  await page.raw.setInputFiles('[data-test=upload]', { name: 'bad.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') });
  await page.says('page-error', /PDF/);
  await page.click('add-link');
  await page.fill('add-url', 'javascript:alert(1)');
  await page.click('add-save');
  await page.says('page-error', /http/);
  await page.fill('add-url', 'https://lindhaven.example/terms');
  await page.fill('add-name', 'Terms');
  await page.click('add-save');
  const names = () => page.evaluate(() => [...document.querySelectorAll('[data-test=library-item] strong')].map((e) => e.textContent));
  await until('both are listed', async () => (await names()).join() === 'Floor plan,Terms');
  await page.raw.locator('[data-test=move-up]').last().click();
  await until('the link is first', async () => (await names()).join() === 'Terms,Floor plan');
  await page.reload();
  await until('it is kept', async () => (await names()).join() === 'Terms,Floor plan');
  await page.click('sign-out');
  await page.appears('login');
}

async function sends(consumer, agent) {
  await agent.click('panel-push');
  await agent.raw.locator('[data-kind=image] [data-test=library-push]').click();
  await agent.appears('document');
  await told(consumer, 'a picture', (m) => m.type === 'push' && m.kind === 'image');
  await consumer.appears('document');
  await attribute(agent, 'pushed', 'data-state', 'opened');
  await agent.click('document-close');
  await hidden(consumer, 'document');
  await agent.raw.locator('[data-kind=link] [data-test=library-push]').click();
  await consumer.appears('push-decline');
  await consumer.click('push-decline');
  await attribute(agent, 'pushed', 'data-state', 'declined');
  await agent.click('source-address');
  await agent.fill('push-url', 'http://127.0.0.1:9/secret.pdf');
  await agent.click('push-as-document');
  await agent.click('push-address');
  await agent.appears('push-error');
  await agent.click('panel-push');
}

export const cases = [{
  name: 'assist agent: the page, every tool, control, the form, the library, pause and end (chromium)', limit: 150000, async run({ stack, browser, shots }) {
    const agent = await browser('chromium', 'agent'), consumer = await browser('chromium', 'consumer');
    await supervise(agent, stack);
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await meet(stack, consumer, agent, 'agent-1');
    await until('the agent sees what the customer sees', async () => { const d = await difference(consumer, agent); return d < 6 || Promise.reject(new Error(`${d} grey values`)); });
    await shots(agent, 'assist-agent-shared');
    await drawings(consumer, agent);
    await controls(consumer, agent);
    await form(consumer, agent);
    await sends(consumer, agent);
    await shots(agent, 'assist-agent-done');
    await consumer.click('assist-pause');
    await attribute(agent, 'assist-cover', 'data-sharing', 'paused');
    assert((await agent.state('.sheet'))?.visible === false, 'the picture is still there');
    await consumer.click('assist-pause');
    await hidden(agent, 'assist-cover');
    await consumer.click('assist-end');
    await attribute(agent, 'workspace', 'data-phase', 'ended');
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
}, {
  name: 'assist agent: the page, drawing and control (firefox agent)', async run({ stack, browser, shots }) {
    const agent = await browser('firefox', 'agent'), consumer = await browser('chromium', 'consumer');
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await meet(stack, consumer, agent, 'agent-2');
    await until('the agent sees what the customer sees', async () => { const d = await difference(consumer, agent); return d < 6 || Promise.reject(new Error(`${d} grey values`)); });
    await agent.click('tool-pen');
    await drag(agent, [0.3, 0.3], [0.5, 0.45]);
    await told(consumer, 'the pen', (m) => m.type === 'draw' && m.tool === 'pen');
    await controls(consumer, agent);
    await shots(agent, 'assist-agent-firefox');
    assert(agent.errors.length === 0, agent.errors.join('; '));
  },
}, {
  name: 'assist agent: from a call to the page (chromium)', async run({ stack, browser, shots }) {
    const agent = await browser('chromium', 'agent'), consumer = await browser('chromium', 'consumer');
    await signInForCalls(agent, stack);
    await establish(consumer, agent, stack);
    assert((await agent.attribute('assist-invite', 'data-cid')) === null, 'the customer has not offered the page');
    await consumer.click('share-page');
    await agent.appears('assist-ask');
    await agent.click('assist-ask');
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await attribute(agent, 'workspace', 'data-phase', 'joined');
    await hidden(agent, 'assist-cover');
    await agent.is('call', 'connected');
    await agent.appears('video-window-handle');
    await shots(agent, 'assist-agent-call');
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
}];
