// Runs parts of the SDK in Debian's Chromium: what they do to a page cannot be seen without a browser.
import { build } from 'vite';
import type { Browser, Page } from 'playwright-core';
import { alias } from '../../../dev/alias.mjs';
import { launch } from '../../../dev/browser.mjs';

export { haveChromium } from '../../../dev/browser.mjs';

/** A module of the SDK as a classic script that puts its exports into a global. */
export async function bundle(entry: string, name: string): Promise<string> {
  const result = await build({
    configFile: false, logLevel: 'error', publicDir: false, resolve: { alias },
    build: { write: false, minify: false, target: 'es2020', lib: { entry, name, formats: ['iife'], fileName: () => 'bundle.js' } },
  });
  const [first] = Array.isArray(result) ? result : [result];
  if (!first || !('output' in first)) throw new Error('nothing was built');
  return first.output[0].code;
}

/**
 * What the browser shows, base64 of a PNG, once it has drawn all of it: on a busy machine a screenshot may be without what is drawn a
 * moment later. Two in a row are alike then.
 */
export async function shotOf(page: Page): Promise<string> {
  let last = '';
  for (let i = 0; i < 10; i++) {
    const next = (await page.screenshot()).toString('base64');
    if (next === last) break;
    last = next;
  }
  return last;
}

/** One page after another in the same tab: a new tab for each test costs more than the test. */
export class TestPages {
  private browser_: Browser | null = null;
  private page_: Page | null = null;

  constructor(private readonly script_: string) {}

  async open(html: string, viewport = { width: 800, height: 600 }): Promise<Page> {
    this.browser_ ??= await launch({ devices: false });
    this.page_ ??= await this.browser_.newPage({ viewport });
    const page = this.page_;
    page.removeAllListeners();
    await page.goto('about:blank');
    await page.setContent(html);
    await page.evaluate(this.script_);
    return page;
  }

  async close(): Promise<void> {
    await this.browser_?.close();
  }
}
