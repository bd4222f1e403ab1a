// What the agent sees, compared with the customer's page: two browsers, the server between them, and a site of another origin.
import { servePages } from '../lib/assist_pages.mjs';
import { alike, alikeEach, attribute, colourAt, hidden, signIn } from '../lib/assist_people.mjs';
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';
import { installViewer } from '../lib/pictures.mjs';
import { buildSamples } from '../lib/sample_pages.mjs';

/** How alike each must become (mean SSIM). */
const kAlike = 0.96;
const frame = (agent) => agent.attribute('assist-picture', 'data-frame').then(Number);

/** A form of a framework, as a person left it: what is shown is what the site's state made of it. */
async function fillIn(consumer) {
  await until('the sample has its form', () => consumer.evaluate(() => document.querySelector('#note') !== null));
  await consumer.raw.type('#name', 'Ada Lovelace');
  await consumer.raw.type('#phone', '123456789');
  await consumer.raw.type('#note', 'Two lines,\nand a second one');
  await consumer.raw.click('#full');
  await consumer.raw.click('#terms');
  await until('the site took it over', () => consumer.evaluate(() => window.model().phone === '123 456 789' && window.model().terms === true));
}

/** Each control by itself, and a box that an animation moves: seen at both of its places. */
async function eachControl(consumer, agent) {
  await until('each control is alike', async () => {
    const found = await alikeEach(consumer, agent, '.cell');
    // A date with a time is written a part of a pixel beside where the browser writes it.
    const low = Object.entries(found).filter(([id, value]) => value < (id === 'datetime' ? 0.94 : kAlike));
    return low.length === 0 || Promise.reject(new Error(low.map(([id, value]) => `${id} ${value.toFixed(3)}`).join()));
  });
  const [x, y] = await consumer.evaluate(() => { const b = document.getElementById('lane').getBoundingClientRect(); return [Math.round(b.x) + 20, Math.round(b.y) + 20]; });
  for (const at of [x, x + 300, x]) await until(`the box is seen at ${at}`, async () => { const [r, g] = await colourAt(agent, at, y); return r > 150 && g < 110; });
}

/** The pages of one kind of site; `act`: what a person did there before the comparison. */
const kPages = {
  form: { path: '/assist/bank.html', act: (consumer) => consumer.raw.type('#iban', 'GB29 NWBK 6016 1331') },
  article: { path: '/assist/article.html', act: (consumer) => consumer.evaluate(() => scrollTo(0, 420)) },
  // A frame of another site is not shown, which the agent is told; what is masked in the page's own frame is black.
  dashboard: { path: '/assist/dashboard.html?still', except: '#other, [data-parley-mask]', act: (consumer, agent) => agent.says('unsupported', /Partner widget/) },
  table: { path: '/assist/table.html', act: (consumer) => consumer.evaluate(() => scrollTo(0, 8097)) },
  controls: { path: '/assist/inputs.html', except: '#lane', act: eachControl },
  react: { path: '/react', act: fillIn }, vue: { path: '/vue', act: fillIn }, angular: { path: '/angular', act: fillIn },
};

/** The page brings in Parley as a site of another origin does; on the first page it asks for help, on the others it goes on by itself. */
async function open(consumer, stack, url, cid) {
  await consumer.goto(url);
  await consumer.raw.addScriptTag({ url: `${stack.url}/assistserver/sdk/web/consumer/assist.js` });
  if (cid) await consumer.evaluate((id) => { window.Parley.assist.start({ cid: id, name: 'Ada' }); }, cid);
}

/** Opens page after page in one session and compares; {page: [SSIM, ms from the address to the first picture]}. */
async function compare(consumer, agent, stack, site, names) {
  const found = {};
  for (const [i, name] of names.entries()) {
    const { path, act, except } = kPages[name];
    const before = await frame(agent);
    const began = Date.now();
    await open(consumer, stack, `${site.url}${path}`, i === 0 ? 'seen-1' : null);
    if (i === 0) {
      await consumer.appears('consent');
      await consumer.click('consent-yes');
      await attribute(agent, 'workspace', 'data-phase', 'joined');
    }
    await agent.says('assist-title', new RegExp(await consumer.evaluate(() => document.title)));
    await until(`${name}: a picture`, async () => { const n = await frame(agent); return n > 0 && n !== before; });
    await hidden(agent, 'assist-cover');
    const ms = Date.now() - began;
    await act?.(consumer, agent);
    let last = 0;
    await until(`${name}: the agent sees what the customer sees`, async () => {
      last = await alike(consumer, agent, except);
      return last >= kAlike || Promise.reject(new Error(`SSIM ${last.toFixed(4)}, wanted ${kAlike}`));
    }, 15000);
    found[name] = [last.toFixed(3), ms];
  }
  return found;
}

const seen = (customer, watcher, names) => ({
  name: `assist seen: ${names.join(', ')}: a customer in ${customer}, an agent in ${watcher}`, settings: { 'gateway.allowed_origins': '*' },
  async run({ stack, browser, owns, shots }) {
    const site = await servePages({ more: await buildSamples() });
    owns({ remove: () => site.close() });
    const [agent, consumer] = await Promise.all([browser(watcher, 'agent'), browser(customer, 'consumer')]);
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await agent.goto(`${stack.url}/expertassist/agent/?cid=seen-1`);
    await attribute(agent, 'workspace', 'data-phase', 'waiting');
    await agent.evaluate(installViewer);
    const found = await compare(consumer, agent, stack, site, names);
    console.log(`       ${customer} → ${watcher}: ${Object.entries(found).map(([name, [value]]) => `${name} ${value}`).join(', ')}; next page to its first picture at most ${Math.max(...Object.values(found).slice(1).map(([, ms]) => ms))} ms`);
    await shots(agent, `assist-seen-${customer}-${watcher}`);
    assert(agent.errors.length === 0, agent.errors.join('; '));
  },
});

export const cases = [
  seen('chromium', 'chromium', Object.keys(kPages)),
  seen('firefox', 'firefox', ['form', 'react']),
];
