import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundle, haveChromium, TestPages } from '../../testing/page';

const kLength = 200_000;

describe.skipIf(!haveChromium())('PdfParts', () => {
  let pages: TestPages;
  let page: Page;
  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('./pdf_parts.ts', import.meta.url)), 'Parts'));
    page = await pages.open('<!doctype html>');
  });
  afterAll(() => pages.close());
  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
  /** A server with a document whose bytes tell their place. `most`: bytes of an answer; `whole`: it knows no parts; `fails`: what happens to requests, the first one first. */
  const serve = ({ length = kLength, most = 1e9, whole = false, fails = [] as (number | 'lost' | null)[] } = {}) => run(`(() => {
    window.asked = [];
    window.all = Uint8Array.from({ length: ${length} }, (_, i) => i % 251);
    const fails = ${JSON.stringify(fails)};
    window.fetch = async (src, { headers, signal }) => {
      const [from, last] = /bytes=(\\d+)-(\\d+)/.exec(headers.Range).slice(1).map(Number);
      signal.throwIfAborted();
      asked.push(from + '-' + last);
      await 0;
      const fault = fails.shift();
      if (fault === 'lost') throw new TypeError('no network');
      if (fault) return new Response('', { status: fault });
      if (${whole}) return new Response(all);
      const end = Math.min(last + 1, all.length, from + ${most});
      return new Response(all.slice(from, end), { status: 206, headers: { 'Content-Range': 'bytes ' + from + '-' + (end - 1) + '/' + all.length } });
    };
  })()`);
  const open = () => run(`Parts.PdfParts.open('/a.pdf').then((found) => { window.found = found; window.came = []; found.range?.addRangeListener((begin, bytes) => came.push([begin, bytes.length, bytes.every((b, i) => b === (begin + i) % 251)].join())); })`);
  const came = () => run<string[]>('came');
  const asked = () => run<string[]>('asked');
  beforeEach(() => serve());

  it('asks for the beginning, then for the end, and for nothing twice', async () => {
    await open();
    expect(await run('[found.data, found.range.length, found.range.initialData.length]')).toEqual([undefined, kLength, 65_536]);
    await run('found.range.requestDataRange(196608, 200000)');
    await run('found.range.requestDataRange(65536, 131072)');
    await expect.poll(came).toHaveLength(2);
    expect((await came()).sort()).toEqual(['196608,3392,true', '65536,65536,true']);
    expect(await asked()).toEqual(['0-65535', '133440-199999', '65536-131071']);
  });

  it('has a short document, and one of a server without parts, at once', async () => {
    await serve({ length: 900 });
    await open();
    expect(await run('[found.data.length, found.range]')).toEqual([900, undefined]);
    await serve({ whole: true });
    await open();
    expect(await run('[found.data.length, found.range]')).toEqual([kLength, undefined]);
    expect(await asked()).toEqual(['0-65535']);
  });

  it('puts together what comes in smaller pieces', async () => {
    await serve({ most: 40_000 });
    await open();
    await run('found.range.requestDataRange(0, 131072)');
    await expect.poll(came).toEqual(['0,131072,true']);
  });

  it('asks again while the network is gone, not for what is refused, and not after its end', async () => {
    await serve({ fails: [null, null, 'lost', 503] });
    await open();
    await run('found.range.requestDataRange(65536, 131072)');
    await expect.poll(came).toEqual(['65536,65536,true']);
    await serve({ fails: [null, null, 404] });
    await open();
    await run('found.range.requestDataRange(65536, 131072)');
    await new Promise((done) => setTimeout(done, 700));
    expect([await came(), (await asked()).length]).toEqual([[], 3]);
    await serve({ fails: [null, null, 'lost'] });
    await open();
    await run('found.range.requestDataRange(65536, 131072); setTimeout(() => found.range.abort(), 50)');
    await new Promise((done) => setTimeout(done, 1700));
    expect([await came(), (await asked()).length]).toEqual([[], 3]);
    await serve({ fails: [410] });
    await expect(open()).rejects.toThrow(/410/);
  });
});
