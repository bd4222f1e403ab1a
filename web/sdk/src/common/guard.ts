// The SDK runs inside somebody else's page: a fault of ours, or of a listener, must not travel into it.

export type FaultHandler = (where: string, fault: unknown) => void;

let faultHandler: FaultHandler = (where, fault) => {
  console.warn(`[parley] ${where}:`, fault);
};

/** Replaces what happens with faults that were caught (default: a console warning). */
export function onFault(handler: FaultHandler): void {
  faultHandler = handler;
}

export function reportFault(where: string, fault: unknown): void {
  try {
    faultHandler(where, fault);
  } catch {
    // The page's handler failed; there is nobody left to tell.
  }
}

/** Wraps a callback given to the browser (timer, socket, peer connection): it never throws. */
export function guarded<A extends unknown[]>(where: string, fn: (...args: A) => unknown): (...args: A) => void {
  return (...args: A) => {
    try {
      const result = fn(...args);
      if (result instanceof Promise) result.catch((fault) => reportFault(where, fault));
    } catch (fault) {
      reportFault(where, fault);
    }
  };
}

/** For a promise nobody waits for. */
export function detach(where: string, promise: Promise<unknown>): void {
  promise.catch((fault) => reportFault(where, fault));
}
