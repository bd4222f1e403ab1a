/** Starts a worker from a script of the Parley server; throws where the page allows none. */
export type StartWorker = (url: string) => Worker;

/** By then the worker has its script. */
const kRevokeMs = 60_000;

/** A script of another origin is brought in by a small one of this. `trusted`: what Trusted Types make of an address. */
export function workerFrom(url: string, trusted = (address: string) => address): Worker {
  const address = new URL(url, document.baseURI);
  if (address.origin === location.origin) return new Worker(trusted(address.href));
  // Such a worker has the page's policy, and what Trusted Types make of an address there must come from a policy of its own.
  const text = `const t=self.trustedTypes,u=${JSON.stringify(address.href)};importScripts(t?t.createPolicy("parley",{createScriptURL:a=>a}).createScriptURL(u):u)`;
  const from = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  window.setTimeout(() => URL.revokeObjectURL(from), kRevokeMs);
  return new Worker(trusted(from));
}

/** The worker once it said its first word; null where the page's policy allows none, or it says nothing for so long. */
export function opened(make: () => Worker, ms: number): Promise<Worker | null> {
  return new Promise((done) => {
    let worker: Worker;
    try {
      worker = make();
    } catch {
      return done(null);
    }
    const over = (result: Worker | null) => {
      clearTimeout(timer);
      worker.onmessage = worker.onerror = null;
      if (!result) worker.terminate();
      done(result);
    };
    const timer = window.setTimeout(() => over(null), ms);
    worker.onmessage = () => over(worker);
    worker.onerror = () => over(null);
  });
}
