// An agent's page of one's own, made with the agents' SDK: what the documentation shows, and the sample as it is served.
import fs from 'node:fs';
import path from 'node:path';
import { servePages } from '../lib/assist_pages.mjs';
import { attribute, difference, drag, hand, listen, onLoad, place, png, siteWith, told, type, value } from '../lib/assist_people.mjs';
import { until } from '../lib/browsers.mjs';
import { assert, never } from '../lib/call.mjs';

const top = path.join(path.dirname(new URL(import.meta.url).pathname), '../../..');
const kDocument = path.join(top, 'docs/agent-sdk.md');
const kPage = `<!doctype html><title>desk</title><script src="desk.mjs" type="module"></script>
  <form id="join"><input id="user"><input id="password" type="password"><input id="where"><button>Join</button></form>
  <p id="state"></p><button id="control">Control</button><div id="room"></div><link rel="stylesheet" href="/csdk-sample/agent.css">`;
/** The viewer of the documentation, as it stands there, with the SDK as a module; the sample after it has the script. */
const documented = () => `import * as Parley from '/assistserver/sdk/web/agent/parley-agent.mjs';
${/```js\n([\s\S]*?)\n```/.exec(fs.readFileSync(kDocument, 'utf8'))[1]}
Object.defineProperty(window, 'session', { get: () => session });`;
let folder = null;

/** The page of the sample on a site of another origin that imports the customer's side from Parley as a module. */
async function anotherSite(stack) {
  const read = (file) => fs.readFileSync(path.join(top, 'web/dist', file), 'utf8');
  const own = read('assistsample/site.js').replace('Parley.assist.configure({', `$& server: '${stack.url}',`);
  const page = read('assistsample/claim.html').replace(/<script[^]*<\/script>/, '<script src="site.mjs" type="module"></script>');
  const site = await servePages({ more: {
    '/claim.html': page, '/site.mjs': `import * as Parley from '${stack.url}/assistserver/sdk/web/consumer/parley-assist.mjs';\n${own}`,
    '/assistsample/site.css': read('assistsample/site.css'),
  } });
  return { ...site, url: site.other };
}

const says = (page, pattern) => until(`${page.name}: the page says ${pattern}`, async () => { const text = await page.evaluate(() => document.getElementById('state').textContent + (document.getElementById('told')?.textContent ?? '')); return pattern.test(text) || Promise.reject(new Error(text)); });
const sees = (consumer, agent) => until('the agent sees what the customer sees', async () => { const d = await difference(consumer, agent); return d < 6 || Promise.reject(new Error(`${d} grey values`)); });
const holds = (page, selector, text) => until(`${selector} holds ${text}`, async () => { const is = await value(page, selector); return is === text || Promise.reject(new Error(is)); });

async function joins(agent, where, password = 'agent1') {
  for (const [id, text] of [['user', 'agent1'], ['password', password], ['where', where]]) await agent.raw.fill(`#${id}`, text);
  await agent.raw.click('#join button');
}

async function control(consumer, agent, button) {
  await agent.raw.click(button);
  await consumer.appears('consent');
  await consumer.click('consent-yes');
  await consumer.appears('assist-control');
  await until('the keyboard is the page’s', () => agent.evaluate(() => window.__deep('[data-test=assist-keys]') !== null));
}

/** The thirty lines of the documentation: signing in, a code, consent, the picture, a click and typing. */
async function usesDocumented(consumer, agent, stack, site) {
  await consumer.goto(`${site.url}/claim.html?name=Ada`);
  await consumer.click('cobrowse');
  await consumer.click('make-code');
  await consumer.appears('short-code');
  const code = await consumer.attribute('short-code', 'data-code');
  await agent.goto(`${stack.url}/assistsample/desk.html`);
  await joins(agent, code, 'wrong');
  await says(agent, /^The user name or the password is wrong\.$/);
  await joins(agent, '000000');
  await says(agent, /code/);
  await joins(agent, code);
  await consumer.appears('consent');
  never((await agent.attribute('assist-picture', 'data-frame')) !== null, 'nothing is seen before the customer agrees');
  await consumer.click('consent-yes');
  await says(agent, /^You see the page of Ada\.$/);
  await sees(consumer, agent);
  assert(agent.raw.workers().length === 1, 'the picture is drawn by the page’s own thread');
  await control(consumer, agent, '#control');
  await agent.raw.mouse.click(...(await place(consumer, agent, '#claim-street')));
  await until('the field has the focus', () => consumer.evaluate(() => document.activeElement?.id === 'claim-street'));
  await type(agent, 'Mill Lane 4');
  await holds(consumer, '#claim-street', 'Mill Lane 4');
  return agent.evaluate(() => session.cid);
}

/** Field, link and drawing, by the sample's buttons. */
async function usesSample(consumer, agent) {
  await agent.raw.click('[data-mode=point]');
  await agent.raw.mouse.move(...(await hand(agent, 0.5, 0.5)));
  await told(consumer, 'the pointer', (m) => m.type === 'pointer');
  await agent.raw.click('[data-mode=pen]');
  await drag(agent, [0.3, 0.3], [0.5, 0.45]);
  await told(consumer, 'the pen', (m) => m.type === 'draw' && m.tool === 'pen' && m.points > 0);
  await Promise.all([consumer, agent].map((page) => page.appears('assist-shape')));
  await agent.raw.click('#clear');
  await consumer.gone('assist-shape');
  await control(consumer, agent, '[data-mode=control]');
  await says(agent, /^You control the page of Ada\.$/);
  await agent.raw.click('#read');
  await agent.raw.getByLabel('Telephone').fill('+49 30 12345');
  await agent.raw.getByLabel('Telephone').blur();
  await holds(consumer, '#claim-phone', '+49 30 12345');
  await agent.raw.getByLabel('Kind of damage').selectOption('water');
  await holds(consumer, '#claim-kind', 'water');
  never(/umbrella1924/.test(await agent.evaluate(() => document.body.innerHTML)), 'the password is in the agent’s page');
  await agent.raw.fill('#address', 'javascript:alert(1)');
  await agent.raw.click('#push button');
  await says(agent, /http or https/);
  await agent.raw.fill('#address', 'example.com/terms');
  await agent.raw.click('#push button');
  await consumer.appears('push-decline');
  await consumer.click('push-decline');
  await until('what became of the link is told', () => agent.evaluate(() => document.getElementById('sent').textContent === 'terms: declined'));
}

/** A picture of the agent's computer is looked at together, drawn on, and closed for both. */
async function looksTogether(consumer, agent, shots) {
  await agent.raw.setInputFiles('#file', { name: 'plan.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') });
  await says(agent, /PDF/);
  await agent.raw.setInputFiles('#file', { name: 'plan.png', mimeType: 'image/png', buffer: png(320, 200, [20, 120, 200]) });
  for (const page of [agent, consumer]) await until(`${page.name} shows the picture`, () => page.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null));
  await agent.raw.click('[data-mode=pen]');
  const box = await agent.raw.locator('#paper [data-test=document-hand]').boundingBox();
  const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
  await agent.raw.mouse.move(...at(0.3, 0.2));
  await agent.raw.mouse.down();
  await agent.raw.mouse.move(...at(0.5, 0.3), { steps: 4 });
  await agent.raw.mouse.up();
  for (const page of [agent, consumer]) await until(`${page.name} shows what is drawn on it`, () => page.evaluate(() => window.__deep('[data-page="1"] svg')?.childElementCount > 0));
  await shots(agent, 'assist-desk-document');
  await agent.raw.click('#shut');
  await consumer.gone('document');
  await until('it is closed here, too', () => agent.evaluate(() => document.getElementById('paper').hidden));
}

export const cases = [{
  name: 'assist desk: the documented viewer of the agents’ SDK, and its sample; the customer’s page of another origin; modules: the page, a code, control, drawing, the form, a link, a picture, the end',
  get settings() { return { 'server.web_root': (folder = siteWith({ 'desk.html': kPage, 'desk.mjs': documented() })), 'gateway.allowed_origins': '*' }; },
  async run({ stack, browser, owns, shots }) {
    owns({ remove: () => fs.rmSync(folder, { recursive: true, force: true }) });
    const site = await anotherSite(stack);
    owns({ remove: () => site.close() });
    const [agent, consumer] = await Promise.all([browser('chromium', 'agent'), browser('chromium', 'consumer')]);
    await onLoad(consumer, listen);
    const cid = await usesDocumented(consumer, agent, stack, site);
    assert((await Promise.all([consumer, agent].map((page) => page.evaluate(() => [...document.scripts].every((each) => each.type === 'module'))))).every(Boolean), 'a script is none of the modules');
    await agent.evaluate(() => session.leave());
    await attribute(consumer, 'assist-bar', 'data-look', 'waiting');
    await agent.goto(`${stack.url}/csdk-sample/agent.html`);
    await joins(agent, cid);
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await says(agent, /^You see the page of Ada\.$/);
    await sees(consumer, agent);
    await shots(agent, 'assist-desk-sample');
    await usesSample(consumer, agent);
    await looksTogether(consumer, agent, shots);
    await consumer.click('assist-end');
    await says(agent, /^The session has ended\. /);
    assert((await agent.state('[data-test=assist-picture]'))?.visible === false, 'the picture is still there');
    // What PDFs without fonts and maps of their own need is fetched from there, too.
    assert(await consumer.evaluate(async (from) => (await fetch(`${from}/assistserver/sdk/web/shared/pdf/cmaps/H.bcmap`)).ok, stack.url), 'maps of characters');
    const refused = consumer.console.filter((line) => /CORS policy/.test(line));
    assert(refused.length === 0, refused.join('; '));
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
}];
