import {
  AssistSession, early, forgetRecord, holdOf, SensitiveWatch, takeRecord, type AssistRecord, type SharerHost, type SharerLoader,
} from '@parley/assist';
import { browserEnvironment, detach, reportFault, type Call, type Client } from '@parley/sdk';
import type { CobrowseListener, CobrowseOptions } from '../../../sdk/src/assist/consumer_module';
import { loadPart, scriptOrigin } from '../../../sdk/src/assist/load_part';
import { AssistOverlay } from './overlay';

interface Running {
  session: AssistSession;
  overlay: AssistOverlay;
  watch: SensitiveWatch;
}

let defaults: CobrowseOptions = {};
let running: Running | null = null;
const listeners = new Set<CobrowseListener>();

/** Rules and names for every session of this page, also for one that the page before began. Call it on each page. */
export function configure(options: CobrowseOptions): void {
  defaults = { ...defaults, ...options };
}

/** The session of this page, if there is one. */
export const currentSession = (): AssistSession | null => running?.session ?? null;

/** Hears of sessions that begin and end. */
export function onSession(listener: CobrowseListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Begins an assist session: nothing is seen until the person agreed to an agent who asks. One session a page; a running
 * one is left alone. What goes wrong is told on the page and ends the session (`session.ended`).
 */
export function startCobrowse(options: CobrowseOptions = {}): AssistSession {
  if (running && !running.session.ended) return running.session;
  const all = { ...defaults, ...options, rules: { ...defaults.rules, ...options.rules } };
  // A page that starts by itself, and was reloaded, means the session that it had.
  const { storage } = browserEnvironment();
  const record = takeRecord(storage, Date.now());
  if (record && (!options.cid || options.cid === record.cid)) return begin(all, record);
  if (record) forgetRecord(storage);
  return begin(all);
}

/** Shares the page with the agent of a call: begins a session and says in the call where it is. */
export function escalate(client: Client, call: Call, options: CobrowseOptions = {}): AssistSession {
  const session = startCobrowse(options);
  let told = false;
  const tellOnce = () => {
    if (told || session.phase !== 'open' || call.ended || call.answeredAt === null) return;
    told = true;
    client.send({ type: 'assist', call: call.id, cid: session.cid });
  };
  session.on('changed', tellOnce);
  call.on('changed', tellOnce);
  tellOnce();
  return session;
}

/** Goes on where the page before was left. null: there was nothing. */
export function reattach(): AssistSession | null {
  if (running && !running.session.ended) return running.session;
  const env = browserEnvironment();
  const record = takeRecord(env.storage, Date.now());
  if (!record?.doubtful) return record && begin({ ...defaults }, record);
  // The tab was killed, or it is a copy of one that lives: then there is nothing to go on with.
  const judge = async () => {
    if ((await env.isHeld?.(holdOf(record))) !== false) return running ? undefined : forgetRecord(env.storage);
    if (!running || running.session.ended) begin({ ...defaults }, record);
  };
  detach('assist', judge());
  return null;
}

function begin(options: CobrowseOptions, record?: AssistRecord): AssistSession {
  close();
  const theme = options.theme ?? record?.theme;
  const overlay = new AssistOverlay(theme);
  const rules = options.rules ?? record?.rules ?? {};
  let session: AssistSession | null = null;
  const watch = new SensitiveWatch(
    window, rules.sensitive ?? [], () => session?.sensitiveChanged(),
    (rule) => reportFault('sensitive pages', new Error(`neither path, address nor selector, so that every page is private: ${rule}`)),
  );
  const parts = { loadSharer, overlay: overlay.host, layer: overlay.layer, sensitive: () => watch.judge() };
  session = new AssistSession({ ...options, server: options.server ?? (scriptOrigin || location.origin) }, parts, record);
  session.record.theme = theme;
  const made: Running = { session, overlay, watch };
  running = made;
  overlay.onClose = () => running === made && close();
  overlay.show(session);
  session.on('ended', () => {
    watch.stop();
    tell(null);
  });
  detach('assist', session.open().catch(() => undefined)); // Told by `ended`.
  tell(session);
  return session;
}

function close(): void {
  if (!running) return;
  running.watch.stop();
  running.overlay.remove();
  running = null;
}

function tell(session: AssistSession | null): void {
  for (const listener of listeners) listener(session);
}

const loadSharer: SharerLoader = async (host: SharerHost) => {
  const create = await loadPart<SharerLoader>(host.server, 'sharing.js', 'createSharer');
  return create(host, early);
};

/** Once the page's own scripts had their say (`configure`), and not later than its images. */
export function reattachWhenReady(): void {
  let waiting = true;
  const now = () => {
    if (!waiting) return;
    waiting = false;
    reattach();
  };
  if (document.readyState === 'complete') queueMicrotask(now);
  document.addEventListener('DOMContentLoaded', now);
  window.addEventListener('load', now);
  window.addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    // A page that was kept as it was left: its session went on elsewhere meanwhile.
    close();
    reattach();
  });
}
