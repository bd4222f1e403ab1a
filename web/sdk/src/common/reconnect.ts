// When to try again is a pure function, so that a page may bring its own and a test needs no clock.

export interface ReconnectContext {
  /** 1 for the first try after the break. */
  attempt: number;
  /** Milliseconds since the break. */
  elapsed: number;
  /** 0 ≤ random < 1, fresh for each try. */
  random: number;
}

/** Milliseconds to wait before the try, or null to give up. */
export type ReconnectPolicy = (context: ReconnectContext) => number | null;

const kFirst = 250;
const kCap = 5000;

function backoff({ attempt, random }: ReconnectContext, cap: number): number {
  // The first try is nearly immediate (a changed network is there at once); the rest spread out, so that
  // thousands of pages do not return in the same instant.
  if (attempt <= 1) return Math.round(random * 200);
  const full = Math.min(cap, kFirst * 2 ** Math.min(attempt - 2, 16));
  return Math.round(full * (0.5 + random / 2));
}

/** Consumer pages: up to 5 s between tries, for 90 s. The gateway keeps a session for 60 s. */
export const defaultReconnectPolicy: ReconnectPolicy = (context) =>
  context.elapsed > 90_000 ? null : backoff(context, kCap);

/** Agent consoles: never give up, up to 10 s between tries. */
export const patientReconnectPolicy: ReconnectPolicy = (context) => backoff(context, 2 * kCap);
