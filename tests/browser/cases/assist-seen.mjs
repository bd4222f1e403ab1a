// What the agent sees, compared with the customer's page: two browsers, the server between them, and a site of another origin.
import fs from 'node:fs';
import { servePages } from '../lib/assist_pages.mjs';
import { alike, alikeEach, attribute, colourAt, hidden, onLoad, signIn } from '../lib/assist_people.mjs';
import { until } from '../lib/browsers.mjs';
import { assert, never } from '../lib/call.mjs';
import { installViewer } from '../lib/pictures.mjs';
import { buildSamples } from '../lib/sample_pages.mjs';

/** How alike each must become (mean SSIM). */
const kAlike = 0.96;
/** How wide a window is made while it is shared; the last one as at first. */
const kWidths = [1000, 720, 1280];
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

/** Texts in fonts of the page's, or its frame's, own: none that would be there instead looks like them. */
const headings = (consumer, agent, selector) => until(`${selector} is in its font`, async () => {
  const found = Object.values(await alikeEach(consumer, agent, selector));
  return (found.length > 0 && found.every((value) => value >= kAlike)) || Promise.reject(new Error(String(found)));
});

/** The pages of one kind of site; `act`: what a person did there before the comparison. */
const kPages = {
  form: { path: '/assist/bank.html', act: (consumer) => consumer.raw.type('#iban', 'GB29 NWBK 6016 1331') },
  article: { path: '/assist/article.html', act: async (consumer, agent) => {
    await headings(consumer, agent, '#title, #lead');
    await consumer.evaluate(() => scrollTo(0, 420));
  } },
  // A frame of another site is not shown, which the agent is told; what is masked in the page's own frame is black.
  dashboard: { path: '/assist/dashboard.html?still', except: '#other, [data-parley-mask]', act: async (consumer, agent) => {
    await agent.says('unsupported', /Partner widget/);
    await headings(consumer, agent, '#news');
  } },
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

/** Keeps every picture that the agent's page is sent, as base64. */
function keepPictures() {
  const Real = window.WebSocket;
  window.__kept = [];
  const keep = (buffer) => {
    const bytes = new Uint8Array(buffer);
    let s = '';
    for (let i = 0; i < bytes.length; i += 8192) s += String.fromCharCode(...bytes.subarray(i, i + 8192));
    window.__kept.push(btoa(s));
  };
  window.WebSocket = class extends Real {
    constructor(...args) {
      super(...args);
      this.addEventListener('message', ({ data }) => { if (data instanceof ArrayBuffer) keep(data); });
    }
  };
}

/** A page that is made to leak, of a site that brings Parley in first and masks what it names by selector, too; and one that forgot to. */
const kLeaking = fs.readFileSync(new URL('../pages/assist/mask.html', import.meta.url), 'utf8');
const leaking = (stack, rules) => kLeaking.replace('<style>',
  `<script src="${stack.url}/assistserver/sdk/web/consumer/assist.js"></script><script>Parley.assist.configure({ rules: ${JSON.stringify(rules)} })</script>$&`)
  // Something that only a film shows: else none is offered.
  .replace('<div id="dyn">', '<iframe sandbox data-parley-allow srcdoc="of another site" style="position:absolute;right:0;top:0;width:120px;height:50px"></iframe>$&');

/** Every picture that came since `__kept` was emptied, through the leak check: {frames, found: most pixels in the secret colour, widths}. */
const looksThrough = (agent) => agent.evaluate(async () => {
  const whole = (frame) => (atob(frame.slice(0, 4)).charCodeAt(2) & 1) !== 0;
  const frames = window.__kept.slice(window.__kept.findIndex(whole));
  const seen = [];
  for (const frame of frames) seen.push(await window.__show(frame, true));
  return { frames: seen.length, found: Math.max(...seen.map(({ found }) => found)), widths: [...new Set(seen.map(({ w }) => w))] };
});
const came = (agent, count) => until(`${count} pictures`, () => agent.evaluate((n) => window.__kept.length >= n, count));

/** A person scrolls and types, and makes the window smaller and larger, while pictures of it come. */
async function usesLeakingPage(consumer, agent, widths) {
  for (const width of widths) {
    await consumer.resize(width, 720);
    await consumer.evaluate(async () => {
      for (let i = 0; i < 40; i++) {
        scrollBy(0, i < 20 ? 23 : -23);
        if (i % 10 === 0) document.querySelector('input.by-selector').value += 'x';
        await new Promise((done) => requestAnimationFrame(done));
      }
      scrollTo(0, 0);
    });
    await until(`a picture ${width} pixels wide`, () => agent.evaluate((w) => window.__deep('[data-test=assist-picture]').width === w, width));
  }
}

/** A person zooms in with two fingers, and out, while pictures come. */
async function pinches(consumer, agent) {
  const cdp = await consumer.raw.context().newCDPSession(consumer.raw);
  for (const factor of [2, 1]) {
    await cdp.send('Emulation.setPageScaleFactor', { pageScaleFactor: factor });
    await until(`the page is seen ${factor} times as large`, () => consumer.evaluate((f) => Math.abs(visualViewport.scale - f) < 0.01, factor));
    const before = await agent.evaluate(() => window.__kept.length);
    await came(agent, before + 4);
  }
  await cdp.detach();
}

/** Each masked field of the page is black to its edges in what the agent was sent last; Parley's bar, which is in a film, lies over none of them. */
async function allBlack(consumer, agent) {
  const boxes = await consumer.evaluate(() => {
    const bar = window.__deep('[data-test=assist-bar]').getBoundingClientRect();
    return [...document.querySelectorAll('input, select, textarea, img, #cv')].map((e) => e.getBoundingClientRect())
      .filter((r) => r.bottom < innerHeight && r.width > 10 && (r.bottom < bar.top || r.top > bar.bottom || r.right < bar.left || r.left > bar.right))
      .map((r) => [Math.ceil(r.x) + 2, Math.ceil(r.y) + 2, Math.floor(r.width) - 4, Math.floor(r.height) - 4]);
  });
  assert(boxes.length >= 3, `${boxes.length} masked fields in sight`);
  await until('what is masked is black', async () => {
    const brightest = await agent.evaluate(async (all) => {
      const g = new OffscreenCanvas(innerWidth, innerHeight).getContext('2d', { willReadFrequently: true });
      g.drawImage(await createImageBitmap(window.__deep('[data-test=assist-picture]')), 0, 0);
      return all.map((box) => Math.max(...g.getImageData(...box).data.filter((_, i) => i % 4 !== 3)));
    }, boxes);
    return brightest.every((value) => value < 40) || Promise.reject(new Error(`${brightest} in ${JSON.stringify(boxes)}`));
  });
}

/** What is masked is in nothing that the agent's console is sent, painted or filmed. That the check finds it: on the page that forgot to mask. */
async function leaksNothing(consumer, agent, site) {
  const opens = async (path, fidelity, act) => {
    await agent.evaluate(() => { window.__kept = []; });
    if (path) await consumer.goto(`${site.url}${path}`);
    else await consumer.click('assist-film-start');
    await agent.says('assist-title', /Made to leak/);
    await until(`it is ${fidelity}`, () => agent.evaluate((f) => document.querySelector('parley-workspace').cobrowse.session?.fidelity === f, fidelity));
    await came(agent, 3);
    await act?.();
    return looksThrough(agent);
  };
  for (const [path, fidelity] of [['/masked.html', 'painter'], [null, 'capture']]) {
    const { frames, found, widths } = await opens(path, fidelity, async () => {
      await usesLeakingPage(consumer, agent, kWidths);
      await pinches(consumer, agent);
      await allBlack(consumer, agent);
      await came(agent, 25);
    });
    never(found > 0, `${fidelity}: ${found} pixels of what is masked in ${frames} pictures`);
    assert(kWidths.every((width) => widths.includes(width)), `${fidelity}: pictures of ${widths} pixels, wanted ${kWidths}`);
  }
  for (const [path, fidelity] of [['/forgotten.html', 'painter'], [null, 'capture']]) {
    const { found } = await opens(path, fidelity, () => came(agent, 6));
    assert(found > 500, `${fidelity}: the page has nothing to hide, or the check is blind: ${found} pixels`);
  }
}

const seen = (customer, watcher, names, then = null) => ({
  name: `assist seen: ${names.join(', ')}${then ? ', and nothing masked is sent' : ''}: a customer in ${customer}, an agent in ${watcher}`, settings: { 'gateway.allowed_origins': '*' },
  async run({ stack, browser, owns, shots }) {
    const leaky = { '/masked.html': leaking(stack, { mask: ['.by-selector'] }), '/forgotten.html': leaking(stack, {}) };
    const site = await servePages({ more: { ...await buildSamples(), ...leaky } });
    owns({ remove: () => site.close() });
    const [agent, consumer] = await Promise.all([browser(watcher, 'agent'), browser(customer, 'consumer', then ? { tab: 'Made to leak' } : {})]);
    await onLoad(agent, keepPictures);
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await agent.goto(`${stack.url}/expertassist/agent/?cid=seen-1`);
    await attribute(agent, 'workspace', 'data-phase', 'waiting');
    await agent.evaluate(installViewer);
    const found = await compare(consumer, agent, stack, site, names);
    console.log(`       ${customer} → ${watcher}: ${Object.entries(found).map(([name, [value]]) => `${name} ${value}`).join(', ')}; next page to its first picture at most ${Math.max(...Object.values(found).slice(1).map(([, ms]) => ms))} ms`);
    await shots(agent, `assist-seen-${customer}-${watcher}`);
    await then?.(consumer, agent, site);
    assert(agent.errors.length === 0, agent.errors.join('; '));
  },
});

export const cases = [
  seen('chromium', 'chromium', Object.keys(kPages), leaksNothing),
  seen('chromium', 'firefox', ['form', 'article']),
  seen('firefox', 'firefox', Object.keys(kPages)),
  seen('firefox', 'chromium', ['form', 'article', 'controls']),
];
