// Parts that are loaded only when they are needed, as classic scripts: those work from another origin and under a
// policy with nonces, too.

import { workerFrom } from './start_worker';

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): unknown };
}

const kTimeout = 15_000;
const loading = new Map<string, Promise<void>>();
/** Read while this script runs: afterwards nobody knows which one it was. */
const self_ = typeof document === 'undefined' ? null : (document.currentScript as HTMLScriptElement | null);
/** Where this script came from: the Parley server, unless a page says otherwise. Empty for a module, which may be bundled with a page's own. */
export const scriptOrigin = self_?.src ? new URL(self_.src, location.href).origin : '';

let policy: { createScriptURL(url: string): unknown } | null = null;

/** Under Trusted Types an address of a script must come from a policy: ours is called `parley`. */
function trusted(url: string): string {
  const factory = (window as { trustedTypes?: PolicyFactory }).trustedTypes;
  if (!factory) return url;
  policy ??= factory.createPolicy('parley', { createScriptURL: (address) => address });
  return policy.createScriptURL(url) as string;
}

/** A worker from a script of the Parley server, as the page's policy has it. */
export const startWorker = (url: string): Worker => workerFrom(url, trusted);

export function loadScript(url: string): Promise<void> {
  let promise = loading.get(url);
  if (promise) return promise;
  promise = new Promise<void>((done, failed) => {
    const script = document.createElement('script');
    const timer = window.setTimeout(() => failed(new Error(`${url} did not come`)), kTimeout);
    script.onload = () => {
      window.clearTimeout(timer);
      done();
    };
    script.onerror = () => {
      window.clearTimeout(timer);
      failed(new Error(`${url} could not be loaded`));
    };
    script.async = true;
    // A module is no current script: one of the page's other scripts has the nonce, too.
    const nonce = self_?.nonce || document.querySelector<HTMLScriptElement>('script[nonce]')?.nonce;
    if (nonce) script.nonce = nonce;
    script.src = trusted(url);
    document.head.append(script);
    script.remove();
  });
  // What failed may be tried again.
  promise.catch(() => loading.delete(url));
  loading.set(url, promise);
  return promise;
}

/** A part by the name under which its script hangs itself into `Parley`. */
export async function loadPart<T>(server: string, file: string, name: string): Promise<T> {
  const parts = () => (window as unknown as { Parley?: Record<string, unknown> }).Parley?.[name] as T | undefined;
  if (!parts()) await loadScript(`${server}/assistserver/sdk/web/shared/${file}`);
  const part = parts();
  if (!part) throw new Error(`${file} brought no ${name}`);
  return part;
}
