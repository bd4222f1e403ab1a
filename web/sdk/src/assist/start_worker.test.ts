import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pdfWorkerOf } from './documents/pdf_worker_of';
import { opened, workerFrom } from './start_worker';

class FakeWorker {
  static made: FakeWorker[] = [];
  onmessage: (() => void) | null = null;
  onerror: (() => void) | null = null;
  ended = false;
  constructor(readonly address: unknown) {
    FakeWorker.made.push(this);
  }
  terminate(): void {
    this.ended = true;
  }
}
const last = () => FakeWorker.made.at(-1)!;

describe('workers of the Parley server', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('window', globalThis);
    vi.stubGlobal('location', { origin: 'https://site.test', href: 'https://site.test/' });
    vi.stubGlobal('document', { baseURI: 'https://site.test/page' });
    vi.stubGlobal('Worker', FakeWorker);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('are brought in by a small script where they are of another origin, at an address that is trusted', async () => {
    const trusted = vi.fn((address: string) => `trusted ${address}`);
    workerFrom('/w.js', trusted);
    expect(last().address).toBe('trusted https://site.test/w.js');
    workerFrom('https://parley.test/w.js', trusted);
    const address = String(last().address);
    expect(address).toMatch(/^trusted blob:/);
    const text = await (await fetch(address.slice(8))).text();
    const brings = (self: object) => {
      const importScripts = vi.fn();
      new Function('self', 'importScripts', text)(self, importScripts);
      return importScripts.mock.calls;
    };
    expect(brings({})).toEqual([['https://parley.test/w.js']]);
    // The worker inherits what its page requires: there, too, an address must come from a policy.
    const createPolicy = (name: string, rules: { createScriptURL(url: string): string }) => ({ createScriptURL: (url: string) => `${name} ${rules.createScriptURL(url)}` });
    expect(brings({ trustedTypes: { createPolicy } })).toEqual([['parley https://parley.test/w.js']]);
  });

  it('are there with their first word, and not where they are refused, break or are silent', async () => {
    const make = () => new FakeWorker('') as unknown as Worker;
    const good = opened(make, 100);
    last().onmessage!();
    expect(await good).toBe(last());
    const broken = opened(make, 100);
    last().onerror!();
    expect([await broken, last().ended]).toEqual([null, true]);
    const silent = opened(make, 100);
    vi.advanceTimersByTime(100);
    expect([await silent, last().ended]).toEqual([null, true]);
    expect(await opened(() => { throw new TypeError('refused'); }, 100)).toBeNull();
  });

  it('for PDFs are the same script in the page where none is allowed', async () => {
    const { port1, port2 } = new MessageChannel();
    const loadScript = vi.fn((_url: string) => {
      vi.stubGlobal('Parley', { answerPdfs: () => port1 });
      return Promise.resolve();
    });
    const found = await pdfWorkerOf('https://parley.test/pdf/', { startWorker: () => { throw new TypeError('refused'); }, loadScript });
    expect(found.port).toBe(port1);
    expect(loadScript).toHaveBeenCalledExactlyOnceWith('https://parley.test/pdf/pdf.worker.js');
    found.close();
    port2.close();

    const started = pdfWorkerOf('https://parley.test/pdf/', { startWorker: () => new FakeWorker('') as unknown as Worker, loadScript });
    last().onmessage!();
    (await started).close();
    expect([loadScript.mock.calls.length, last().ended]).toEqual([1, true]);
  });
});
