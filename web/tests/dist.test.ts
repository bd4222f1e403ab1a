import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { measure } from '../dev/size.mjs';

const web = fileURLToPath(new URL('..', import.meta.url));
const dist = join(web, 'dist');
const read = (file: string) => readFileSync(join(dist, file), 'utf8');

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/** Runs classic scripts one after the other, as a page would, and returns the global `Parley`. */
function load(...scripts: string[]): Record<string, unknown> {
  const window: Record<string, unknown> = { console };
  window.window = window.self = window.globalThis = window;
  const context = createContext(window);
  for (const script of scripts) runInContext(read(script), context);
  return window.Parley as Record<string, unknown>;
}

const kModules = `
import { AgentAssist, PageStage, ParleyError, type Cobrowse, type FormField } from './assistserver/sdk/web/agent/parley-agent.mjs';
import { assist, type AssistSession } from './assistserver/sdk/web/consumer/parley-assist.mjs';
export async function view(container: HTMLElement): Promise<Cobrowse> {
  const session = await new AgentAssist({ server: 'https://parley.example' }).join({ code: '482913' });
  const stage: PageStage = new PageStage(session, { container, mode: 'point' });
  stage.on('drawn', ({ frame }) => console.log(frame.toFixed()));
  session.on('notice', (error: ParleyError) => console.log(error.code, error.retryAfter));
  await session.joined();
  const fields: FormField[] = await session.form.read();
  const { state } = await session.form.set(fields[0]!.id, { value: 'x' });
  if (state === 'refused') session.leave();
  // @ts-expect-error There is no such tool.
  stage.mode = 'laser';
  return session;
}
const shared: AssistSession = assist.start({ cid: 'x', rules: { mask: ['.account'] } });
shared.on('ended', ({ reason }) => console.log(reason.length));
assist({ destination: 'agent1' }).call?.end();
assist({ cobrowseOnly: true }).end();
`;
const kAgent = "const desk: Parley.AgentAssist = new Parley.AgentAssist();\ndesk.join('482 913').then((session) => session.click(1, 2));\n";
const kConsumer = "Parley.assist.configure({ rules: { sensitive: ['/cards/*'] } });\nParley.assist.onSession((session) => session?.pause());\n";

// Run `npm run build` first.
describe('dist', () => {
  it('has the layout that the server serves', () => {
    for (const file of [
      'gateway/csdk-sdk.js', 'gateway/csdk-common.js', 'gateway/csdk-phone.js', 'gateway/adapter.js', 'gateway/parley-sdk.mjs',
      'gateway/csdk-aed.js', 'gateway/parley-aed.mjs', 'gateway/parley-aed.d.mts', 'gateway/types/events/index.d.ts', 'csdk-sample/aed.html',
      'gateway/parley-sdk.d.mts', 'gateway/types/index.d.ts', 'assistserver/sdk/web/consumer/assist.js', 'assistserver/sdk/web/agent/agent.js',
      'assistserver/sdk/web/agent/agent.d.ts', 'assistserver/sdk/web/agent/parley-agent.mjs', 'assistserver/sdk/web/agent/parley-agent.d.mts',
      'assistserver/sdk/web/consumer/assist.d.ts', 'assistserver/sdk/web/consumer/parley-assist.mjs', 'assistserver/sdk/web/consumer/parley-assist.d.mts',
      'assistserver/sdk/web/shared/viewer-worker.js', 'csdk-sample/agent.html',
      'assistserver/sdk/web/shared/common.js', 'assistserver/sdk/web/shared/adapter.js', 'assistserver/sdk/web/shared/documents.js',
      'assistserver/sdk/web/shared/pdf/pdf.worker.js', 'assistsample/claim.html', 'assistsample/payment.html', 'assistsample/index.html', 'csdk-sample/index.html',
      'expertassist/agent/index.html', 'expertassist/supervisor/index.html', 'web_plugin_framework/webcontroller/index.html',
    ]) {
      expect(existsSync(join(dist, file)), file).toBe(true);
    }
  });

  it('offers the same API whole and in two parts', () => {
    const whole = load('gateway/csdk-sdk.js');
    expect(Object.keys(whole)).toEqual(expect.arrayContaining(['Client', 'AgentClient', 'ParleyError', 'Devices']));
    const parts = load('gateway/csdk-common.js', 'gateway/csdk-phone.js');
    expect(Object.keys(parts).sort()).toEqual(Object.keys(whole).sort());
    const error = new (parts.ParleyError as new (code: string) => Error)('camera.missing');
    expect(error.message).toBe('No camera was found.');
  });

  it('adds application events to either, with the same errors', () => {
    for (const base of ['gateway/csdk-sdk.js', 'gateway/csdk-common.js']) {
      const parley = load(base, 'gateway/csdk-aed.js') as Record<string, new (...a: unknown[]) => Error>;
      expect(Object.keys(parley)).toEqual(expect.arrayContaining(['Aed', 'AedConflict', 'Topic', 'ParleyError']));
      expect(new parley.AedConflict!('', null)).toBeInstanceOf(parley.ParleyError!);
    }
    expect(read('gateway/parley-aed.mjs')).toMatch(/from ?["']\.\/parley-sdk\.mjs["']/);
  });

  it('gives agents the client SDK and their part of shared sessions in one script, or as a module', () => {
    for (const parley of [load('assistserver/sdk/web/agent/agent.js'), load('assistserver/sdk/web/shared/common.js', 'assistserver/sdk/web/agent/agent.js')]) {
      expect(Object.keys(parley)).toEqual(expect.arrayContaining(['AgentClient', 'ParleyError', 'AgentAssist', 'Cobrowse', 'PageStage']));
      const { AgentAssist, ParleyError } = parley as Record<string, new (...a: unknown[]) => { open(cid: string): unknown }>;
      expect(() => new AgentAssist!({ environment: { origin: 'https://x' } }).open('../x')).toThrow(ParleyError as unknown as new () => Error);
    }
    const names = (file: string) => /export\s*\{([^}]*)\}/.exec(read(file))![1]!.split(',').map((name) => name.trim().split(' as ').pop());
    expect(names('assistserver/sdk/web/agent/parley-agent.mjs')).toEqual(expect.arrayContaining(['AgentAssist', 'PageStage', 'AgentClient']));
    expect(names('assistserver/sdk/web/consumer/parley-assist.mjs')).toEqual(expect.arrayContaining(['assist', 'Client']));
  });

  it('has types with which an application compiles strictly, as modules and as the global', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-types-'));
    try {
      cpSync(join(dist, 'assistserver'), join(folder, 'assistserver'), { recursive: true, filter: (from) => !/\/pdf$/.test(from) });
      writeFileSync(join(folder, 'modules.ts'), kModules);
      writeFileSync(join(folder, 'agent.ts'), `/// <reference path="./assistserver/sdk/web/agent/agent.d.ts" />\n${kAgent}`);
      writeFileSync(join(folder, 'consumer.ts'), `/// <reference path="./assistserver/sdk/web/consumer/assist.d.ts" />\n${kConsumer}`);
      const compile = (file: string) => spawnSync(process.execPath, [join(web, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2021',
        '--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2021,dom,dom.iterable', '--skipDefaultLibCheck', file], { cwd: folder, encoding: 'utf8' }).stdout;
      for (const file of ['modules.ts', 'agent.ts', 'consumer.ts']) expect(compile(file), file).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('works under the content security policy: no inline scripts or handlers, no foreign hosts', () => {
    const pages = files(dist).filter((file) => file.endsWith('.html'));
    expect(pages.length).toBeGreaterThanOrEqual(7);
    for (const page of pages) {
      const html = readFileSync(page, 'utf8');
      expect(html, page).not.toMatch(/<script(?![^>]*\bsrc=)/);
      expect(html, page).not.toMatch(/\son[a-z]+=/i);
      for (const [, address] of html.matchAll(/(?:src|href)="([^"]+)"/g)) expect(address, page).toMatch(/^(\/(?!\/)|#|data:,)/);
    }
    for (const sheet of files(dist).filter((file) => file.endsWith('.css'))) {
      expect(readFileSync(sheet, 'utf8'), sheet).not.toMatch(/url\(|@import/);
    }
  });

  it('stays within its size budgets', () => {
    for (const { file, kilobytes, budget } of measure()) expect(kilobytes, file).toBeLessThanOrEqual(budget);
  });

  it('is locked without addresses of download hosts', () => {
    const lock = JSON.parse(readFileSync(join(web, 'package-lock.json'), 'utf8')) as { packages: Record<string, { resolved?: string; integrity?: string; link?: boolean }> };
    for (const [name, entry] of Object.entries(lock.packages)) expect(entry.resolved ?? '', name).not.toMatch(/^https?:/);
  });
});
