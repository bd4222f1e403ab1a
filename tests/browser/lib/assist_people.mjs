// An agent's console and a customer's page that meet in a shared session: what cases about both have in common.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { until } from './browsers.mjs';
import { assert } from './call.mjs';

export const hidden = (page, id) => until(`${page.name}: ${id} goes`, async () => (await page.attribute(id, 'data-test')) === null);
export const attribute = (page, id, name, value) => until(`${page.name}: ${id} ${name}=${value}`, async () => { const is = await page.attribute(id, name); return is === value || Promise.reject(new Error(String(is))); });
export const value = (page, selector) => page.evaluate((s) => document.querySelector(s).value, selector);

/** Everything that the customer's page is told, by type and tool. */
export function listen() {
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
export const told = (page, what, match) => until(`${page.name} is told: ${what}`, async () => (await page.evaluate(() => window.__told)).find(match));
export const onLoad = (page, script) => (page.raw.addInitScript ? page.raw.addInitScript(`(${script})()`) : page.raw.evaluateOnNewDocument(`(${script})()`));

export async function signIn(page, stack, user, path) {
  await page.goto(`${stack.url}${path}`);
  await page.appears('login');
  await page.fill('user', user);
  await page.fill('password', user);
  await page.click('sign-in');
  await page.appears('console');
}

/** In a call: the customer offers the page, the agent asks to see it, and the customer agrees. */
export async function escalate(consumer, agent) {
  await consumer.click('share-page');
  await agent.appears('assist-ask');
  await agent.click('assist-ask');
  await consumer.appears('consent');
  await consumer.click('consent-yes');
  await attribute(agent, 'workspace', 'data-phase', 'joined');
  await hidden(agent, 'assist-cover');
}

/** Both meet in a session, and the customer agrees. */
export async function meet(stack, consumer, agent, cid) {
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

/** A screenshot of the page without what Parley shows on it, which is in no picture; base64 of a PNG. */
async function bare(page) {
  const own = (visibility) => page.evaluate((v) => { for (const e of window.__deep('[data-test=assist-bar]')?.getRootNode().children ?? []) e.style.setProperty('visibility', v, 'important'); }, visibility);
  await own('hidden');
  const shot = Buffer.from(await page.raw.screenshot()).toString('base64');
  await own('');
  return shot;
}

/** What both see, as 64 × 40 grey cells; the greatest and the mean difference. */
export async function difference(consumer, agent) {
  const shot = await bare(consumer);
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

/**
 * How alike what the agent sees and the customer's page are (SSIM; the agent's page has the test viewer). Not compared:
 * Parley's own bar, and the boxes of `except`, a selector of what is known to be different.
 */
export async function alike(consumer, agent, except = null) {
  const shot = await bare(consumer);
  const boxes = except === null ? [] : await consumer.evaluate((s) => [...document.querySelectorAll(s)].map((e) => { const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; }), except);
  return agent.evaluate(async (base64, left) => {
    const wanted = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], { type: 'image/png' }));
    const seen = await createImageBitmap(window.__deep('[data-test=assist-picture]'));
    const w = Math.min(wanted.width, seen.width), h = Math.min(wanted.height, seen.height);
    const data = (image) => {
      const g = new OffscreenCanvas(w, h).getContext('2d', { willReadFrequently: true });
      g.drawImage(image, 0, 0);
      for (const box of left) g.fillRect(...box);
      return g.getImageData(0, 0, w, h).data;
    };
    return window.__similar(data(wanted), data(seen), w, h);
  }, shot, boxes);
}

/** Where a place of the customer's page lies on the agent's screen. */
export async function place(consumer, agent, selector) {
  const [x, y] = await consumer.evaluate((s) => { const b = document.querySelector(s).getBoundingClientRect(); return [(b.left + b.width / 2) / innerWidth, (b.top + b.height / 2) / innerHeight]; }, selector);
  return hand(agent, x, y);
}
export async function hand(agent, x, y) {
  const box = await agent.evaluate(() => { const b = window.__deep('[data-test=assist-hand]').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; });
  return [box[0] + x * box[2], box[1] + y * box[3]];
}
export async function drag(agent, from, to) {
  const { mouse } = agent.raw;
  await mouse.move(...(await hand(agent, ...from)));
  await mouse.down();
  await mouse.move(...(await hand(agent, (from[0] + to[0]) / 2, from[1])));
  await mouse.move(...(await hand(agent, ...to)));
  await mouse.up();
}
export const type = (page, text) => page.raw.keyboard.type(text);

/** Asks for control, writes into a field of the page, and loses control when the customer takes it back. */
export async function controls(consumer, agent) {
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

/** A small picture of our own: RGB, all one colour. */
export function png(w, h, [r, g, b]) {
  const crc = (bytes) => { let c = ~0; for (const x of bytes) { c ^= x; for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0); } return ~c >>> 0; };
  const chunk = (name, data) => { const out = Buffer.alloc(12 + data.length); out.writeUInt32BE(data.length, 0); out.write(name, 4, 'latin1'); data.copy(out, 8); out.writeUInt32BE(crc(out.subarray(4, 8 + data.length)), 8 + data.length); return out; };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  head.writeUInt32BE(w, 0);
  head.writeUInt32BE(h, 4);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(w * 3).map((_, i) => [r, g, b][i % 3])]);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(Buffer.concat(Array(h).fill(line)))), chunk('IEND', Buffer.alloc(0))]);
}

/** A PDF of so many pages with a black bar each, what describes them first; `heavy`: bytes of each page that nobody sees. */
export function pdf(pages, heavy = 0) {
  const each = (make) => Array.from({ length: pages }, (_, i) => make(i));
  const drawing = `60 700 400 30 re f ${heavy ? `\n%${'x'.repeat(heavy)}` : ''}\n`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Count ${pages} /Kids [${each((i) => `${3 + i} 0 R`).join(' ')}] >>`,
    ...each((i) => `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${3 + pages + i} 0 R >>`),
    ...each(() => `<< /Length ${drawing.length} >>\nstream\n${drawing}endstream`),
  ];
  let out = '%PDF-1.4\n';
  const places = objects.map((body, i) => { const at = out.length; out += `${i + 1} 0 obj\n${body}\nendobj\n`; return at; });
  const start = out.length;
  return `${out}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')}` +
    `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
}

/** The served files with pages of our own among the samples. */
export function siteWith(files) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-site-'));
  fs.cpSync(path.join(path.dirname(new URL(import.meta.url).pathname), '../../../web/dist'), folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, 'assistsample', name), text);
  return folder;
}
