// Builds web/dist in the layout that the server serves: every folder is the path in the address.
import { execFileSync } from 'node:child_process';
import { cpSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
import { build } from 'vite';
import { alias } from './alias.mjs';
import { checkSizes } from './size.mjs';

const web = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(web, ...parts);
const dist = (...parts) => at('dist', ...parts);
const kLicence = '/*! Parley client SDK. Copyright the Parley authors. SPDX-License-Identifier: Apache-2.0 */';
const kLicenceWithLit = `${kLicence}\n/*! Contains Lit. Copyright Google LLC. SPDX-License-Identifier: BSD-3-Clause */`;

const kLicenceWithPdf = `${kLicence}\n/*! Contains pdf.js. Copyright Mozilla Foundation. SPDX-License-Identifier: Apache-2.0 */`;

/** Style sheets in scripts (css`…`) lose comments and indentation, which no minifier of scripts takes from them. */
const shortStyles = {
  name: 'short-styles',
  enforce: 'pre',
  transform: (code, id) => (/\.ts$/.test(id) && code.includes('css`')
    ? { code: code.replace(/\bcss`[^`]*`/g, (sheet) => sheet.replace(/\/\*.*?\*\//gs, '').replace(/\s+/g, ' ').replace(/ ?([{};,]) ?/g, '$1')), map: null }
    : null),
};

const common = { configFile: false, logLevel: 'warn', root: web, publicDir: false, resolve: { alias }, plugins: [shortStyles] };

/** One script. `shared`: the part of the SDK that another script brings. */
async function script(entry, file, { format = 'iife', shared = false, banner = kLicence, extend = true } = {}) {
  const isShared = (id) => shared && /common\/index(\.ts)?$/.test(id);
  await build({
    ...common,
    esbuild: { legalComments: 'none' },
    build: {
      outDir: dirname(dist(file)),
      emptyOutDir: false,
      target: 'es2020',
      minify: 'esbuild',
      sourcemap: false,
      lib: { entry: at(entry), name: 'Parley', formats: [format], fileName: () => file.split('/').pop() },
      rollupOptions: {
        external: isShared,
        output: {
          extend, banner, globals: (id) => (isShared(id) ? 'Parley' : id), paths: (id) => (isShared(id) ? './parley-sdk.mjs' : id), inlineDynamicImports: true,
        },
      },
    },
  });
}

async function application(folder, path) {
  await build({
    ...common,
    root: at(folder),
    base: `/${path}/`,
    publicDir: at(folder, 'public'),
    build: {
      outDir: dist(path),
      emptyOutDir: true,
      target: 'es2020',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: { output: { banner: '/*! Parley. SPDX-License-Identifier: GPL-3.0-or-later. Contains Lit, BSD-3-Clause. */' } },
    },
  });
}

rmSync(dist(), { recursive: true, force: true });

// The SDK: whole, in two parts, and as a module with types. Application events come beside either.
await script('sdk/src/index.ts', 'gateway/csdk-sdk.js');
await script('sdk/src/common/index.ts', 'gateway/csdk-common.js');
await script('sdk/src/phone/index.ts', 'gateway/csdk-phone.js', { shared: true });
await script('sdk/src/events/index.ts', 'gateway/csdk-aed.js', { shared: true });
await script('sdk/src/index.ts', 'gateway/parley-sdk.mjs', { format: 'es' });
await script('sdk/src/events/index.ts', 'gateway/parley-aed.mjs', { format: 'es', shared: true });
execFileSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('sdk/tsconfig.types.json')], { stdio: 'inherit' });
writeFileSync(dist('gateway/parley-sdk.d.mts'), "export * from './types/index';\n");
writeFileSync(dist('gateway/parley-aed.d.mts'), "export * from './types/events/index';\n");
writeFileSync(
  dist('gateway/adapter.js'),
  '/*! webrtc-adapter. Copyright the WebRTC project authors. SPDX-License-Identifier: BSD-3-Clause */\n' +
    readFileSync(createRequire(import.meta.url).resolve('webrtc-adapter/out/adapter.js'), 'utf8'),
);

// Expert Assist's scripts: the docked panel and co-browsing for consumers, the agent's part, what both share.
await script('components/src/assist.ts', 'assistserver/sdk/web/consumer/assist.js', { banner: kLicenceWithLit });
// Parts of it that are loaded when they are needed: pictures, acting and annotations when sharing starts; documents.
await script('sdk/src/assist/sharing.ts', 'assistserver/sdk/web/shared/sharing.js');
await script('sdk/src/assist/capture/encoder_worker.ts', 'assistserver/sdk/web/shared/assist-worker.js', { extend: false });
// The capture alone, for pages that bring their own session.
await script('sdk/src/assist/capture/index.ts', 'assistserver/sdk/web/shared/assist-capture.js');
await script('sdk/src/assist/documents/index.ts', 'assistserver/sdk/web/shared/documents.js', { banner: kLicenceWithPdf });
const pdf = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));
mkdirSync(dist('assistserver/sdk/web/shared/pdf'), { recursive: true });
await script('sdk/src/assist/documents/pdf_worker.ts', 'assistserver/sdk/web/shared/pdf/pdf.worker.js', { banner: kLicenceWithPdf });
for (const folder of ['cmaps', 'standard_fonts']) cpSync(join(pdf, folder), dist('assistserver/sdk/web/shared/pdf', folder), { recursive: true });

// The agents' part with the client SDK, and both parts as modules with types.
await script('sdk/src/assist/agent/bundle.ts', 'assistserver/sdk/web/agent/agent.js');
await script('sdk/src/assist/agent/bundle.ts', 'assistserver/sdk/web/agent/parley-agent.mjs', { format: 'es' });
await script('sdk/src/assist/viewer_worker.ts', 'assistserver/sdk/web/shared/viewer-worker.js', { extend: false });
await script('components/src/assist.ts', 'assistserver/sdk/web/consumer/parley-assist.mjs', { format: 'es', banner: kLicenceWithLit });
cpSync(dist('gateway/types'), dist('assistserver/sdk/web/types'), { recursive: true });
for (const [module, script_, types] of [['agent/parley-agent', 'agent/agent', 'agent/bundle'], ['consumer/parley-assist', 'consumer/assist', 'consumer_module']]) {
  writeFileSync(dist(`assistserver/sdk/web/${module}.d.mts`), `export * from '../types/assist/${types}';\n`);
  // For classic scripts: the global `Parley`.
  writeFileSync(dist(`assistserver/sdk/web/${script_}.d.ts`), `export * from '../types/assist/${types}';\nexport as namespace Parley;\n`);
}

mkdirSync(dist('assistserver/sdk/web/shared'), { recursive: true });
copyFileSync(dist('gateway/csdk-common.js'), dist('assistserver/sdk/web/shared/common.js'));
copyFileSync(dist('gateway/adapter.js'), dist('assistserver/sdk/web/shared/adapter.js'));

// Samples are served as they are written: they are to be read.
cpSync(at('sample/assistsample'), dist('assistsample'), { recursive: true });
cpSync(at('sample/csdk-sample'), dist('csdk-sample'), { recursive: true });

await application('agent', 'expertassist/agent');
await application('supervisor', 'expertassist/supervisor');
await application('admin', 'web_plugin_framework/webcontroller');

checkSizes();
