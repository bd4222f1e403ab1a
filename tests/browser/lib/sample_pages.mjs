// Pages of other people's making for remote control: React, Vue and Angular, built here, and one that is plain and hostile.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { build } from 'esbuild';

const here = path.dirname(new URL(import.meta.url).pathname);
const sdk = path.resolve(here, '../../../web/sdk/src/assist');
const kinds = ['react', 'vue', 'angular'];

/** The part of the SDK that acts and draws, as the global `Acting`. */
const entry = `export * from ${JSON.stringify(`${sdk}/acting/index.ts`)}; export * from ${JSON.stringify(`${sdk}/annotations/index.ts`)};`;

export async function buildSamples() {
  const common = { bundle: true, write: false, format: 'iife', target: 'es2022', logLevel: 'error', define: {
    'process.env.NODE_ENV': '"production"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    ngDevMode: 'false', ngJitMode: 'true' } };
  const acting = build({ ...common, stdin: { contents: entry, resolveDir: sdk }, globalName: 'Acting' });
  const samples = kinds.map((kind) => build({ ...common, entryPoints: [path.join(here, `../samples/${kind}.mjs`)] }));
  const [own, ...rest] = (await Promise.all([acting, ...samples])).map((result) => result.outputFiles[0].text);
  const page = (body, script) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sample</title><style>label { display: block; margin: 4px } body { font: 15px sans-serif }</style>
    <body>${body}<script src="/acting.js"></script>${script ? `<script src="/${script}"></script>` : ''}</body></html>`;
  const files = { '/acting.js': own };
  kinds.forEach((kind, i) => {
    files[`/${kind}.js`] = rest[i];
    files[`/${kind}`] = page(kind === 'angular' ? '<sample-form></sample-form>' : '<div id="app"></div>', `${kind}.js`);
  });
  files['/plain'] = page(fs.readFileSync(path.join(here, '../samples/plain.html'), 'utf8'), '');
  files['/inner'] = page('<label>inner<input id="inner"></label><button id="press" onclick="this.textContent = \'pressed\'">press</button>', '');
  return files;
}

export async function serve(files) {
  const server = http.createServer((request, answer) => {
    const body = files[new URL(request.url, 'http://x').pathname];
    answer.writeHead(body === undefined ? 404 : 200, { 'content-type': request.url.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8' });
    answer.end(body ?? '');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, remove: () => { server.closeAllConnections(); server.close(); } };
}
