// An agent's console and a customer's page that meet in a shared session: what cases about both have in common.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { until } from './browsers.mjs';
import { never } from './call.mjs';

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
        const { type, tool, all, kind, points, text, color } = JSON.parse(data);
        window.__told.push({ type, tool, all, kind, points: points?.length, text, color });
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

/** Where the window with the call lies over the page, at both: the upper left corner in thousandths of the page. */
async function windows(consumer, agent) {
  const part = (x, y, box) => [x - box.left, y - box.top].map((v, i) => Math.round((1000 * v) / [box.width, box.height][i]));
  const boxes = (page, of, over) => page.evaluate((a, b) => [window.__deep(a), b && window.__deep(b)].map((e) => {
    const { left, top, width, height } = e?.getBoundingClientRect() ?? { left: 0, top: 0, width: innerWidth, height: innerHeight };
    return { left, top, width, height };
  }), of, over);
  const [[own], [far, picture]] = await Promise.all([boxes(consumer, 'parley-call-panel', null), boxes(agent, 'parley-video-window', '[data-test=assist-picture]')]);
  return { consumer: part(own.left, own.top, { left: 0, top: 0, ...(await consumer.evaluate(() => ({ width: innerWidth, height: innerHeight }))) }), agent: part(far.left, far.top, picture) };
}

/** The window with the call is moved by either side, with the mouse and with keys, and lies at the same place of the page for both. */
export async function movesWindow(consumer, agent) {
  const together = (what, moved) => until(`the window lies at one place: ${what}`, async () => {
    const at = await windows(consumer, agent);
    const near = at.consumer.every((v, i) => Math.abs(v - at.agent[i]) <= 6);
    return (near && moved(at.consumer) && at.consumer) || Promise.reject(new Error(JSON.stringify(at)));
  });
  const grab = async (page, id, dx, dy) => {
    const { x, y, w, h } = await page.evaluate((s) => { const b = window.__deep(s).getBoundingClientRect(); return { x: b.x, y: b.y, w: b.width, h: b.height }; }, page.test(id));
    const { mouse } = page.raw;
    await mouse.move(x + w / 2, y + h / 2);
    await mouse.down();
    await mouse.move(x + w / 2 + dx / 2, y + h / 2 + dy / 2);
    await mouse.move(x + w / 2 + dx, y + h / 2 + dy);
    await mouse.up();
  };
  // To where there is room for it on the agent's screen, too.
  const { consumer: first } = await windows(consumer, agent);
  await grab(consumer, 'move-panel', -500, -330);
  const second = await together('the customer dragged it', ([x]) => x < first[0] - 300);
  await consumer.press('ArrowRight');
  const third = await together('the customer moved it with a key', ([x]) => x > second[0] + 10);
  await grab(agent, 'video-window-handle', -100, 0);
  const fourth = await together('the agent dragged it', ([x]) => x < third[0] - 60);
  await agent.raw.locator('[data-test=video-window-handle]').focus();
  for (let i = 0; i < 3; i++) await agent.press('ArrowRight');
  await together('the agent moved it with keys', ([x]) => x > fourth[0] + 30);
}

/** Both meet in a session, and the customer agrees. */
export async function meet(stack, consumer, agent, cid) {
  await onLoad(consumer, listen);
  await agent.goto(`${stack.url}/expertassist/agent/?cid=${cid}`);
  await attribute(agent, 'workspace', 'data-phase', 'waiting');
  await consumer.goto(`${stack.url}/assistsample/claim.html?cid=${cid}&cobrowseOnly=true&name=Ada`);
  await consumer.appears('consent');
  await attribute(agent, 'workspace', 'data-phase', 'asking');
  never((await agent.attribute('assist-picture', 'data-frame')) !== null, 'nothing is seen before the customer agrees');
  await consumer.click('consent-yes');
  await attribute(agent, 'workspace', 'data-phase', 'joined');
  await hidden(agent, 'assist-cover');
}

/** Both meet in a session that the customer began: the agent types the six digits that the customer reads out. */
export async function meetByCode(stack, consumer, agent) {
  await onLoad(consumer, listen);
  await consumer.goto(`${stack.url}/assistsample/claim.html?name=Ada`);
  await consumer.click('cobrowse');
  await consumer.click('make-code');
  await consumer.appears('short-code');
  await agent.fill('join-code', '000 000');
  await agent.click('join');
  await attribute(agent, 'join-error', 'data-code', 'shortcode.unknown');
  await agent.fill('join-code', (await consumer.attribute('short-code', 'data-code')).replace(/^.../, '$& '));
  await agent.click('join');
  await consumer.appears('consent');
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
 * Parley's own bar, and the boxes of `except`, a selector of what is known to be different, also in frames of the page's own.
 */
export async function alike(consumer, agent, except = null) {
  const shot = await bare(consumer);
  const boxes = except === null ? [] : await consumer.evaluate((s) => {
    const within = (root, dx, dy) => [...root.querySelectorAll(s)].map((e) => { const b = e.getBoundingClientRect(); return [b.x + dx, b.y + dy, b.width, b.height]; });
    const inner = (frame) => { const b = frame.getBoundingClientRect(); return within(frame.contentDocument, b.x + frame.clientLeft, b.y + frame.clientTop); };
    return [...within(document, 0, 0), ...[...document.querySelectorAll('iframe')].filter((frame) => frame.contentDocument).flatMap(inner)];
  }, except);
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

/** How alike each element that a selector matches, also in frames of the page's own, is in the agent's picture: {id: SSIM}. */
export async function alikeEach(consumer, agent, selector) {
  const shot = await bare(consumer);
  const boxes = await consumer.evaluate((s) => {
    const within = (root, dx, dy) => [...root.querySelectorAll(s)].map((e) => { const b = e.getBoundingClientRect(); return [e.id, ...[b.x + dx, b.y + dy, b.width, b.height].map(Math.round)]; });
    const inner = (frame) => { const b = frame.getBoundingClientRect(); return within(frame.contentDocument, b.x + frame.clientLeft, b.y + frame.clientTop); };
    return [...within(document, 0, 0), ...[...document.querySelectorAll('iframe')].filter((frame) => frame.contentDocument).flatMap(inner)];
  }, selector);
  return agent.evaluate(async (base64, all) => {
    const wanted = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], { type: 'image/png' }));
    const seen = await createImageBitmap(window.__deep('[data-test=assist-picture]'));
    return Object.fromEntries(all.map(([id, x, y, w, h]) => {
      const data = (image) => { const g = new OffscreenCanvas(w, h).getContext('2d'); g.drawImage(image, -x, -y); return g.getImageData(0, 0, w, h).data; };
      return [id, window.__similar(data(wanted), data(seen), w, h)];
    }));
  }, shot, boxes);
}

/** The colour of a point of the customer's page in the agent's picture. */
export const colourAt = (agent, x, y) => agent.evaluate(async (px, py) => {
  const g = new OffscreenCanvas(1, 1).getContext('2d');
  g.drawImage(await createImageBitmap(window.__deep('[data-test=assist-picture]'), px, py, 1, 1), 0, 0);
  return [...g.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}, x, y);

/** Which part of an element's box is black in the agent's picture, 0 … 1; the edge is left out. */
export async function blackness(consumer, agent, selector) {
  const box = await consumer.evaluate((s) => { const b = document.querySelector(s).getBoundingClientRect(); return [b.x, b.y, b.width, b.height].map((v, i) => Math.round(v) + (i < 2 ? 3 : -6)); }, selector);
  return agent.evaluate(async (x, y, w, h) => {
    const g = new OffscreenCanvas(w, h).getContext('2d');
    g.drawImage(await createImageBitmap(window.__deep('[data-test=assist-picture]'), x, y, w, h), 0, 0);
    const { data } = g.getImageData(0, 0, w, h);
    let black = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i] + data[i + 1] + data[i + 2] < 60) black++;
    return black / (w * h);
  }, ...box);
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

/** Asks for control, writes into a field of the page, does `more`, and loses control when the customer takes it back. */
export async function controls(consumer, agent, more) {
  await agent.click('tool-control');
  await agent.appears('asking-control');
  await consumer.appears('consent');
  await consumer.click('consent-yes');
  await attribute(agent, 'assist-state', 'data-control', 'true');
  await agent.raw.mouse.click(...(await place(consumer, agent, '#claim-street')));
  await until('the field has the focus', () => consumer.evaluate(() => document.activeElement?.id === 'claim-street'));
  await type(agent, 'Mill Lane 4');
  await until('what was typed is in the field', async () => (await value(consumer, '#claim-street')) === 'Mill Lane 4');
  await more?.();
  // A touch of the page takes it back: a place where there is nothing.
  await consumer.raw.mouse.click(30, 700);
  await attribute(agent, 'assist-state', 'data-control', 'false');
  await attribute(agent, 'workspace', 'data-mode', 'look');
  await hidden(agent, 'assist-keys');
  await hidden(consumer, 'assist-control');
}

/** Fields of the form panel by their labels, as a person finds them. */
export function editorOf(agent) {
  if (agent.raw.getByLabel) {
    const field = (label) => agent.raw.locator('parley-form-panel').getByLabel(label);
    return {
      fill: async (label, text) => { await field(label).fill(text); await field(label).blur(); },
      select: (label, choice) => field(label).selectOption(choice), check: (label) => field(label).check(),
      // Two more controls are about that field; a person tells the one to write in from the buttons.
      fillMasked: async (label, text) => {
        const panel = agent.raw.locator('parley-form-panel');
        await panel.getByRole('textbox', { name: label }).fill(text);
        await panel.getByRole('button', { name: `Fill in ${label}` }).click();
      },
    };
  }
  const field = async (label) => (await until(`a field ${label}`, () => agent.raw.evaluateHandle((text) => [...document.querySelectorAll('parley-form-panel label')].find((e) => e.innerText.trim().startsWith(text))?.control, label))).asElement();
  return {
    fill: async (label, text) => {
      const element = await field(label);
      // A date is typed in parts, as the browser's language has them; and a headless window tells no change when the focus moves on.
      if (await element.evaluate((e) => e.type === 'date')) await element.evaluate((e, t) => { e.value = t; }, text);
      else await element.type(text);
      await element.evaluate((e) => e.dispatchEvent(new Event('change', { bubbles: true })));
    },
    select: async (label, choice) => { await (await field(label)).select(choice); }, check: async (label) => { await (await field(label)).click(); },
    fillMasked: async (label, text) => {
      const element = await field(label);
      await element.type(text);
      await (await element.evaluateHandle((e) => e.closest('[data-test=form-field]').querySelector('[data-test=field-fill]'))).asElement().click();
    },
  };
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

/** The served files with pages of our own among the samples. */
export function siteWith(files) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-site-'));
  fs.cpSync(path.join(path.dirname(new URL(import.meta.url).pathname), '../../../web/dist'), folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, 'assistsample', name), text);
  return folder;
}

/** In a picture of a tab there is a bar of the document: a black line, so many pixels long, with paper at both ends. */
const paperIsSeen = (page, shot) => page.evaluate(async (png) => {
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))], { type: 'image/png' }));
  const g = new OffscreenCanvas(image.width, image.height).getContext('2d');
  g.drawImage(image, 0, 0);
  const { data } = g.getImageData(0, 0, image.width, image.height);
  return Array.from({ length: image.height }, (_, y) => Array.from({ length: image.width }, (_, x) => {
    const at = 4 * (y * image.width + x), sum = data[at] + data[at + 1] + data[at + 2];
    return sum < 24 ? 'b' : sum > 750 ? 'w' : '-';
  }).join('')).some((row) => /w{8}.?b{80,}.?w{8}/.test(row));
}, Buffer.from(shot).toString('base64'));

/** A link opens a document of `pdf()` in a tab of its own, and the browser shows it there. */
export async function opensTab(page, link, address) {
  const tabs = async () => (page.raw.context ? page.raw.context() : page.raw.browser()).pages();
  const before = (await tabs()).length;
  await page.click(link);
  let tab;
  await until('it opens in a tab', async () => {
    const all = await tabs();
    tab = all.find((each) => each.url() === address);
    return (tab && all.length === before + 1) || Promise.reject(new Error(all.map((each) => each.url()).join()));
  });
  await until('the tab shows the document', async () => paperIsSeen(page, await tab.screenshot()));
  await tab.close();
}
