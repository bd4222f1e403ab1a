// What people at the ends of a shared page wait for, through a real server: node bench/assist/seen.mjs [CHANGES]
// From a change of the customer's page to the agent's pixel, from Send of a PDF of 100 pages to its first page at the customer, from a
// reload to the agent's first picture. Needs web/dist and the programs (./dev build), tests/browser/node_modules and qpdf.
// Two Chromiums of one machine read one clock (Date.now, whole ms). A pixel is seen by the animation frame that finds it on the
// canvas, so up to 17 ms late. This is wall time: it counts only on a machine that is otherwise idle.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { servePages } from '../../tests/browser/lib/assist_pages.mjs';
import { attribute, hidden, signIn } from '../../tests/browser/lib/assist_people.mjs';
import { brochure } from '../../tests/browser/lib/brochure.mjs';
import { open, until } from '../../tests/browser/lib/browsers.mjs';
import { pdf } from '../../tests/browser/lib/pdfs.mjs';
import { request, Stack } from '../../tests/browser/lib/stack.mjs';

const changes = Number(process.argv[2] ?? 30);
const kColours = [[230, 40, 40], [40, 160, 60], [40, 70, 220], [240, 200, 30], [170, 50, 190], [30, 190, 210]];
const kPages = { form: 'bank.html', dashboard: 'dashboard.html' };
/** Ten pushes a minute are let through. */
const kFromLibrary = 5, kFromFile = 4, kMinute = 60_000, kReloads = 5;

/** Goes into each page of the customer: a box in one colour after the other, the next one with each page. */
function mark(colours) {
  if (window !== top) return;
  const box = document.createElement('div');
  let n = Number(sessionStorage.getItem('mark') ?? -1);
  window.__flip = () => {
    n = (n + 1) % colours.length;
    sessionStorage.setItem('mark', String(n));
    box.style.background = `rgb(${colours[n]})`;
    return n;
  };
  box.style.cssText = 'position:fixed;left:8px;top:8px;width:32px;height:32px;z-index:2147483646';
  document.addEventListener('DOMContentLoaded', () => { document.body.append(box); window.__flip(); });
}

/** Goes into the agent's page: which colour the box has in the picture, and since when. */
function watchPixel(colours) {
  const g = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  let canvas = null, last = -1;
  window.__seen = [];
  const look = () => {
    if (!canvas?.isConnected) canvas = window.__deep('[data-test=assist-picture]');
    if (canvas) {
      g.clearRect(0, 0, 1, 1);
      g.drawImage(canvas, 24, 24, 1, 1, 0, 0, 1, 1);
      const pixel = g.getImageData(0, 0, 1, 1).data;
      const now = colours.findIndex((colour) => colour.every((v, i) => Math.abs(v - pixel[i]) < 40));
      if (now >= 0 && now !== last) window.__seen.push([now, Date.now()]);
      if (now >= 0) last = now;
    }
    requestAnimationFrame(look);
  };
  look();
}

/** So many changes of the colour, 300 to 700 ms apart; [colour, when]. */
async function flips(count) {
  const made = [];
  for (let i = 0; i < count; i++) {
    await new Promise((done) => setTimeout(done, 300 + ((i * 173) % 401)));
    const at = Date.now();
    made.push([window.__flip(), at]);
  }
  return made;
}

const sorted = (list) => [...list].sort((a, b) => a - b);
const at = (list, part) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0;
const seen = (agent) => agent.evaluate(() => window.__seen);

/** The customer's page is shared with the agent, who looks at the box. */
async function begin(stack, agent, consumer, cid, opens) {
  await agent.goto(`${stack.url}/expertassist/agent/?cid=${cid}`);
  await attribute(agent, 'workspace', 'data-phase', 'waiting');
  await agent.evaluate(watchPixel, kColours);
  await opens();
  await consumer.appears('consent');
  await consumer.click('consent-yes');
  await attribute(agent, 'workspace', 'data-phase', 'joined');
  await hidden(agent, 'assist-cover');
}

/** Until the agent's pixel has the colour of a change, or of one after it (`overtaken`). */
function latencies(made, found) {
  const all = made.map(([colour, when]) => {
    const after = ([c]) => (c - colour + kColours.length) % kColours.length;
    const entry = found.find((e) => e[1] >= when && after(e) < 4);
    return { ms: entry[1] - when, overtaken: after(entry) > 0 };
  });
  return { ms: all.map(({ ms }) => ms), overtaken: all.filter(({ overtaken }) => overtaken).length };
}

async function measureChanges(stack, agent, consumer, site) {
  console.log("change → agent's pixel, ms   p50    p95   most   overtaken by the next");
  for (const [i, [name, file]] of Object.entries(kPages).entries()) {
    const opens = async () => {
      await consumer.goto(`${site.url}/assist/${file}`);
      await consumer.raw.addScriptTag({ url: `${stack.url}/assistserver/sdk/web/consumer/assist.js` });
      if (i === 0) await consumer.evaluate(() => { window.Parley.assist.start({ cid: 'bench-1', name: 'Ada' }); });
    };
    await (i === 0 ? begin(stack, agent, consumer, 'bench-1', opens) : opens());
    await agent.says('assist-title', new RegExp(await consumer.evaluate(() => document.title)));
    await hidden(agent, 'assist-cover');
    const settles = async (made) => until('the last colour is seen', async () => { const found = await seen(agent); return found.at(-1)?.[0] === made.at(-1)[0] && found; });
    await settles(await consumer.evaluate(flips, 3));
    const made = await consumer.evaluate(flips, changes);
    const { ms, overtaken } = latencies(made, await settles(made));
    console.log(`${`${name}, ${changes} changes`.padEnd(25)} ${[at(ms, 0.5), at(ms, 0.95), Math.max(...ms)].map((v) => String(v).padStart(6)).join(' ')} ${String(overtaken).padStart(11)}`);
  }
}

/** Waits in the customer's page until the first page of a document is there; when that was. */
const firstPage = () => new Promise((done, failed) => {
  const end = Date.now() + 30_000;
  const look = () => {
    if (window.__deep('[data-page="1"][data-drawn=yes]')) done(Date.now());
    else if (Date.now() > end) failed(new Error('no first page'));
    else requestAnimationFrame(look);
  };
  look();
});

const sendFromLibrary = (name) => {
  const item = [...document.querySelectorAll('[data-kind=document]')].find((e) => e.textContent.includes(name)), when = Date.now();
  item.querySelector('[data-test=library-push]').click();
  return when;
};
const sendFile = () => {
  const input = window.__deep('[data-test=upload-file]'), bag = new DataTransfer();
  bag.items.add(window.__file);
  input.files = bag.files;
  const when = Date.now();
  input.dispatchEvent(new Event('change', { bubbles: true }));
  return when;
};

async function documents(agent, consumer, count, send, name) {
  const all = [];
  for (let i = 0; i < count; i++) {
    await until('it can be sent', () => agent.evaluate(() => { const e = window.__deep('[data-test=library-push], [data-test=upload-file]'); return e !== null && !e.disabled; }));
    const [drawn, sent] = await Promise.all([consumer.evaluate(firstPage), agent.evaluate(send, name)]);
    all.push(drawn - sent);
    await agent.appears('document-close');
    await agent.click('document-close');
    await Promise.all([hidden(consumer, 'document'), hidden(agent, 'document')]);
  }
  return all.join(', ');
}

async function measureDocuments(agent, consumer, files) {
  console.log('Send of a PDF of 100 pages → its first page at the customer, ms (goal 1000); the first of all loads the viewer, too');
  for (const [i, [name, bytes]] of Object.entries(files).entries()) {
    if (i > 0) await new Promise((done) => setTimeout(done, kMinute));
    await agent.click('panel-push');
    const fromLibrary = await documents(agent, consumer, kFromLibrary, sendFromLibrary, name);
    await agent.click('source-file');
    await agent.evaluate((text) => { window.__file = new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], 'offer.pdf', { type: 'application/pdf' }); }, bytes.toString('base64'));
    const fromFile = await documents(agent, consumer, kFromFile, sendFile, name);
    await agent.click('source-library');
    await agent.click('panel-push');
    console.log(`  ${`${name}, ${(bytes.length / 1e6).toFixed(1)} MB:`.padEnd(22)} from the library ${fromLibrary}; from the agent's machine, all of the upload included, ${fromFile}`);
  }
}

async function measureReloads(agent, consumer) {
  const all = [];
  for (let i = 0; i < kReloads; i++) {
    await agent.evaluate(() => { window.__seen = []; });
    await consumer.evaluate(() => { setTimeout(() => { sessionStorage.setItem('from', String(Date.now())); location.reload(); }, 20); });
    const [[, when]] = await until('a picture of the new page', async () => { const found = await seen(agent); return found.length > 0 && found; });
    all.push(when - (await consumer.evaluate(() => Number(sessionStorage.getItem('from')))));
    await hidden(agent, 'assist-cover');
  }
  console.log(`reload → the agent's first picture of the new page, ms (goal 2000)\n  ${all.join(', ')}`);
}

async function fillLibrary(stack, files) {
  const base = `${stack.url}/expertassist/supervisor`;
  const login = await request(`${base}/login`, { method: 'POST', body: { user: 'supervisor1', password: 'supervisor1' } });
  const cookie = login.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
  for (const [name, body] of Object.entries(files)) {
    const answer = await request(`${base}/api/library?name=${encodeURIComponent(name)}.pdf`, { method: 'POST', body, headers: { cookie, 'content-type': 'application/pdf' } });
    if (answer.status !== 201) throw new Error(`library: ${answer.status} ${answer.text}`);
  }
}

const load = () => os.loadavg()[0].toFixed(1);
const before = load();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-bench-'));
const stack = await Stack.start({ 'gateway.allowed_origins': '*' }, { media: false });
const site = await servePages();
const viewport = { width: 1280, height: 720 };
const agent = await open('chromium', 'agent', scratch, { viewport }), consumer = await open('chromium', 'consumer', scratch, { viewport });
try {
  // One that is simple; and one with texts in fonts of its own, photographs and object streams, as it was saved and made for the web.
  const { flat, linear } = await brochure(agent, 100);
  const files = { Bars: Buffer.from(pdf(100, 60_000), 'latin1'), Brochure: flat, 'For the web': linear };
  await fillLibrary(stack, files);
  await consumer.raw.addInitScript(`(${mark})(${JSON.stringify(kColours)})`);
  await signIn(agent, stack, 'agent1', '/expertassist/agent/');
  await measureChanges(stack, agent, consumer, site);
  await begin(stack, agent, consumer, 'bench-2', () => consumer.goto(`${stack.url}/assistsample/claim.html?cid=bench-2&cobrowseOnly=true&name=Ada`));
  await measureDocuments(agent, consumer, files);
  await measureReloads(agent, consumer);
  console.log(`load of the machine: ${before} before, ${load()} after`);
} finally {
  await consumer.close();
  await agent.close();
  site.close();
  await stack.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
}
