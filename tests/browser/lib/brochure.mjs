// A document as offices make them: many pages of text in subset fonts, tables and photographs, printed by Chromium, packed by qpdf.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { servePages } from './assist_pages.mjs';

const run = promisify(execFile);
/** An A4 page on a screen of 96 dots an inch. */
export const kSheet = { width: 794, height: 1123 };

const kWords = ('the policy covers damage by fire water storm and theft in all rooms of a house that is lived in unless it was left open or empty for more than sixty days ' +
  'whoever reports a claim tells when where and how it happened and keeps what is broken until somebody has looked at it').split(' ');
const words = (seed, count) => Array.from({ length: count }, (_, i) => kWords[(seed * 31 + i * 17 + ((i * seed) % 7)) % kWords.length]).join(' ');

const kStyle = `
  @font-face { font-family: Own; src: url(/fonts/DejaVuSerif.ttf) } @font-face { font-family: Own; font-weight: 700; src: url(/fonts/DejaVuSerif-Bold.ttf) }
  @font-face { font-family: Title; src: url(/fonts/DejaVuSansMono-Bold.ttf) }
  @page { size: 794px 1123px; margin: 0 } * { box-sizing: border-box } body { margin: 0; font: 15px/1.5 Own, sans-serif }
  section { width: 794px; height: 1123px; padding: 60px; break-after: page; overflow: hidden }
  h1 { font: 40px/1.2 Title, sans-serif; margin: 0 0 16px } img { width: 100%; height: 340px; display: block } table { width: 100%; border-collapse: collapse } td { border: 1px solid #999; padding: 2px 8px }`;
const sheet = (n) => `<section><h1>Offer, part ${n}</h1><img data-seed="${n}"><p>${words(n, 90)}.</p><p><b>${words(n + 7, 12)}.</b> ${words(n + 3, 90)}.</p>
  <table>${Array.from({ length: 6 }, (_, i) => `<tr><td>${words(n + i, 3)}</td><td>${(n * 37 + i * 411) / 10} €</td></tr>`).join('')}</table></section>`;

/** Photographs: soft colours with grain, no two alike. */
function takePhotographs() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 674, height: 340 }), g = canvas.getContext('2d');
  return Promise.all([...document.images].map((image) => {
    const seed = Number(image.dataset.seed), data = g.createImageData(canvas.width, canvas.height);
    let noise = seed * 7919;
    for (let i = 0; i < data.data.length; i += 4) {
      const x = (i / 4) % canvas.width, y = i / 4 / canvas.width;
      noise = (noise * 1103515245 + 12345) & 0x7fffffff;
      const grain = ((noise >> 16) & 63) - 32;
      data.data.set([120 + 90 * Math.sin(x / 70 + seed) + grain, 120 + 80 * Math.sin(y / 50 + seed) + grain, 130 + 70 * Math.cos((x + y) / 90) + grain, 255], i);
    }
    g.putImageData(data, 0, 0);
    image.src = canvas.toDataURL('image/jpeg', 0.8);
    return image.decode();
  }));
}

/** A document for `servePages` that is given in parts; `sent`: how many of its bytes. */
export function inParts(body) {
  const document_ = {
    sent: 0,
    async answer(request, answer) {
      const [, from, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      const part = from ? body.subarray(Number(from), Number(last) + 1) : body;
      const range = from ? { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${body.length}` } : {};
      answer.writeHead(from ? 206 : 200, { 'content-type': 'application/pdf', 'content-length': part.length, 'accept-ranges': 'bytes', ...range });
      for (let at = 0; at < part.length && !answer.destroyed; at += 16384) {
        const piece = part.subarray(at, at + 16384);
        document_.sent += piece.length;
        if (!answer.write(piece)) await Promise.race([once(answer, 'drain'), once(answer, 'close')]);
      }
      answer.end();
    },
  };
  return document_;
}

/**
 * {flat, linear, first, other}: the same document as one has it from a program (what opens it stands at its end) and prepared
 * for the web, both with object streams and a packed table of objects; and pictures of its first page, in its own fonts and
 * in others. `page`: of a Chromium.
 */
export async function brochure(page, pages) {
  const html = `<!doctype html><meta charset="utf-8"><title>Offer</title><style>${kStyle}</style>${Array.from({ length: pages }, (_, i) => sheet(i + 1)).join('')}`;
  const site = await servePages({ more: { '/brochure.html': html } });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-brochure-'));
  const file = (name) => path.join(folder, `${name}.pdf`);
  try {
    await page.goto(`${site.url}/brochure.html`);
    await page.evaluate(takePhotographs);
    await page.evaluate('() => document.fonts.ready.then(() => undefined)');
    const picture = () => page.raw.screenshot({ clip: { x: 0, y: 0, ...kSheet }, fullPage: true });
    const first = await picture();
    fs.writeFileSync(file('printed'), await page.raw.pdf({ preferCSSPageSize: true, printBackground: true }));
    await page.evaluate(() => { for (let i = 0; i < 3; i++) document.styleSheets[0].deleteRule(0); });
    const other = await picture();
    const pack = (name, ...more) => run('qpdf', ['--object-streams=generate', '--compress-streams=y', ...more, file('printed'), file(name)]);
    await Promise.all([pack('flat'), pack('linear', '--linearize')]);
    return { flat: fs.readFileSync(file('flat')), linear: fs.readFileSync(file('linear')), first, other };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
    site.close();
  }
}
