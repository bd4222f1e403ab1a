// Serves the pages that are shared in tests, as a site of its own: pages, fonts, a picture with many colours, the scripts.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import zlib from 'node:zlib';

const here = path.dirname(new URL(import.meta.url).pathname);
const pages = path.join(here, '../pages/assist');
const fonts = '/usr/share/fonts/truetype/dejavu';
const scripts = process.env.PARLEY_ASSIST_SCRIPTS ?? path.join(here, '../../../web/dist/assistserver/sdk/web/shared');
const types = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.ttf': 'font/ttf', '.png': 'image/png', '.mjs': 'text/javascript', '.pdf': 'application/pdf' };

/** A PNG of soft colours: what a photograph is to an encoder. */
export function colourfulPng(width, height) {
  const raw = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      const ring = Math.sin(Math.hypot(x - width / 3, y - height / 2) / 19);
      raw[at] = 120 + 90 * Math.sin(x / 70) + 30 * ring;
      raw[at + 1] = 120 + 80 * Math.sin(y / 50 + 1) + 30 * ring;
      raw[at + 2] = 130 + 70 * Math.cos((x + y) / 90) - 30 * ring;
    }
  }
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]), out = Buffer.alloc(8);
    out.writeUInt32BE(data.length);
    out.writeUInt32BE(zlib.crc32 ? zlib.crc32(body) : crc(body), 4);
    return Buffer.concat([out.subarray(0, 4), body, out.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  head[9] = 2;
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]);
}

function crc(data) {
  let c = ~0;
  for (const byte of data) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}

/** A PDF of one page, all of it in a colour (0 … 1 each). */
function colouredPdf(r, g, b) {
  const paint = `${r} ${g} ${b} rg 0 0 400 400 re f`;
  const objects = ['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Kids[3 0 R]/Count 1>>', '<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R>>', `<</Length ${paint.length}>>stream\n${paint}\nendstream`];
  let text = '%PDF-1.4\n';
  const places = objects.map((object, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj${object}endobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  return `${text}xref\n0 5\n0000000000 65535 f \n${places.join('')}trailer<</Size 5/Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF`;
}

/** {url, close}; the site answers on localhost and on 127.0.0.1, which are two origins. `policy`: Content-Security-Policy; `more`: other pages and scripts by path, or what answers itself. */
export async function servePages({ policy, more = {} } = {}) {
  const picture = colourfulPng(900, 500);
  const server = http.createServer((request, answer) => {
    const { pathname } = new URL(request.url, 'http://x');
    const send = (type, body) => {
      answer.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', ...(policy ? { 'content-security-policy': policy } : {}) });
      answer.end(body);
    };
    if (pathname === '/picture.png') return send('image/png', picture);
    if (pathname === '/green.pdf') return send('application/pdf', colouredPdf(0, 0.8, 0.2));
    if (pathname === '/empty.html') return send('text/html', '<!doctype html><title>viewer</title>');
    if (more[pathname]?.answer) return more[pathname].answer(request, answer);
    if (pathname in more) return send(types[path.extname(pathname)] ?? types['.html'], more[pathname]);
    const folder = { assist: pages, fonts, scripts }[pathname.split('/')[1]];
    const file = folder && path.join(folder, path.basename(pathname));
    if (!file || !fs.existsSync(file)) {
      answer.writeHead(404);
      return answer.end();
    }
    send(types[path.extname(file)] ?? 'application/octet-stream', fs.readFileSync(file));
  });
  await new Promise((done) => server.listen(0, done));
  const { port } = server.address();
  return { url: `http://localhost:${port}`, other: `http://127.0.0.1:${port}`, close: () => server.close() };
}
