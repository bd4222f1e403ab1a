const kFile = '/assistserver/sdk/web/shared/viewer-worker.js';
const brought = new Map<string, string>();

/** Makes the viewer's worker from the Parley server's script; of another origin it is brought in by a small script of this one. */
export const viewerWorker = (server: string) => (): Worker => {
  const address = new URL(kFile, server);
  if (address.origin === location.origin) return new Worker(address);
  let from = brought.get(address.href);
  if (!from) {
    from = URL.createObjectURL(new Blob([`importScripts(${JSON.stringify(address.href)})`], { type: 'text/javascript' }));
    brought.set(address.href, from);
  }
  return new Worker(from);
};
