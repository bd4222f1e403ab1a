import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

// Run `npm run build` first.
describe('dist', () => {
  it('has the layout that the server serves', () => {
    for (const file of [
      'gateway/csdk-sdk.js', 'gateway/csdk-common.js', 'gateway/csdk-phone.js', 'gateway/adapter.js', 'gateway/parley-sdk.mjs',
      'gateway/csdk-aed.js', 'gateway/parley-aed.mjs', 'gateway/parley-aed.d.mts', 'gateway/types/events/index.d.ts', 'csdk-sample/aed.html',
      'gateway/parley-sdk.d.mts', 'gateway/types/index.d.ts', 'assistserver/sdk/web/consumer/assist.js', 'assistserver/sdk/web/agent/agent.js',
      'assistserver/sdk/web/shared/common.js', 'assistserver/sdk/web/shared/adapter.js', 'assistserver/sdk/web/shared/documents.js',
      'assistserver/sdk/web/shared/pdf/pdf.worker.min.mjs', 'assistsample/claim.html', 'assistsample/payment.html', 'assistsample/index.html', 'csdk-sample/index.html',
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
