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
/** What was begun in a call that had no id yet. */
const begunIn = new WeakMap<Call, AssistSession>();
/** The session that the site's own call is shared in. */
let joinedOn: AssistSession | null = null;
/** Calls of a page that is left end with it, but no person ended them: the next page goes on sharing. */
let leaving = false;
window.addEventListener('pagehide', () => (leaving = true));
window.addEventListener('pageshow', () => (leaving = false));

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
  // What is not given is what `configure` said, also where a caller names it.
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as CobrowseOptions;
  const all = { ...defaults, ...given, rules: { ...defaults.rules, ...given.rules } };
  // A page that starts by itself, and was reloaded, means the session that it had.
  const { storage } = browserEnvironment();
  const record = takeRecord(storage, Date.now());
  if (record && (!options.cid || options.cid === record.cid)) return goOn(record, all);
  if (record) forgetRecord(storage);
  return begin(all);
}

/** Begins a session that ends with the call, unless the site keeps it; one that runs is left alone. */
export function shareInCall(call: Call, options: CobrowseOptions): AssistSession {
  const before = currentSession();
  const session = startCobrowse(options);
  if (session !== before && !(options.keepSharing ?? defaults.keepSharing)) {
    session.record.call = call.id;
    begunIn.set(call, session);
  }
  return session;
}

/** On the next page a call is taken up in so many ms, or there is none any more (`gateway.next_page_seconds`, and a few more). */
const kCallComesMs = 20_000;

/** A session of a call that nobody takes up on this page ends as with its call. */
function awaitCall(session: AssistSession): void {
  const { call } = session.record;
  if (!call) return;
  setTimeout(() => {
    const claimed = joinedOn === session || document.querySelector('parley-call-panel') !== null;
    if (!session.ended && session.record.call === call && !claimed) session.end('call');
  }, kCallComesMs);
}

/** The agent of this call may be shown the page: what another call left goes on in this one. */
export function joinCall(call: Call, session: AssistSession): void {
  if (session.record.call || begunIn.get(call) === session) session.record.call = call.id;
  session.keep();
}

export function callEnded(call: Call): void {
  const session = currentSession();
  if (leaving || !session) return;
  if (begunIn.get(call) === session || (call.id && session.record.call === call.id)) session.end('call');
}

/** Shares the page with the agent of a call: begins a session and says in the call where it is. */
export function escalate(client: Client, call: Call, options: CobrowseOptions = {}): AssistSession {
  const session = shareInCall(call, options);
  joinedOn = session;
  let told = false;
  const tellOnce = () => {
    if (told || session.phase !== 'open' || call.ended || call.answeredAt === null) return;
    told = true;
    joinCall(call, session);
    client.send({ type: 'assist', call: call.id, cid: session.cid });
  };
  session.on('changed', tellOnce);
  call.on('changed', tellOnce);
  call.on('ended', () => callEnded(call));
  tellOnce();
  return session;
}

function goOn(record: AssistRecord, options: CobrowseOptions = { ...defaults }): AssistSession {
  const session = begin(options, record);
  awaitCall(session);
  return session;
}

/** Goes on where the page before was left. null: there was nothing. */
export function reattach(): AssistSession | null {
  if (running && !running.session.ended) return running.session;
  const env = browserEnvironment();
  const record = takeRecord(env.storage, Date.now());
  if (!record?.doubtful) return record && goOn(record);
  // The tab was killed, or it is a copy of one that lives: then there is nothing to go on with.
  const judge = async () => {
    if ((await env.isHeld?.(holdOf(record))) !== false) return running ? undefined : forgetRecord(env.storage);
    if (!running || running.session.ended) goOn(record);
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

/** Once the page's own scripts had their say (`configure`), and not later than its images. `andThen`: what else the page before left. */
export function reattachWhenReady(andThen: (again: boolean) => void): void {
  let waiting = true;
  const now = () => {
    if (!waiting) return;
    waiting = false;
    reattach();
    andThen(false);
  };
  if (document.readyState === 'complete') queueMicrotask(now);
  document.addEventListener('DOMContentLoaded', now);
  window.addEventListener('load', now);
  window.addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    // A page that was kept as it was left: its session went on elsewhere meanwhile.
    close();
    reattach();
    andThen(true);
  });
}
