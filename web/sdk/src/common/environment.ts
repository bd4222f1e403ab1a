// What the SDK needs from the outside. Tests give a fake one; nothing else in the SDK touches a global.

export interface SocketLike {
  send(data: string | ArrayBuffer): void;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount?: number;
  binaryType?: BinaryType;
  close(code?: number, reason?: string): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
}

export interface KeyValueStore {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
}

export interface Environment {
  /** Milliseconds, monotonic. */
  now(): number;
  /** 0 ≤ x < 1. */
  random(): number;
  setTimer(fn: () => void, milliseconds: number): number;
  clearTimer(id: number): void;
  fetch(url: string, init?: RequestInit): Promise<Response>;
  openSocket(url: string): SocketLike;
  createPeerConnection(configuration: RTCConfiguration): RTCPeerConnection;
  createStream(tracks: MediaStreamTrack[]): MediaStream;
  /** For tones of our own; null where there is no sound. */
  createAudioContext(): AudioContext | null;
  /** Plays sound without being seen; null where there is none. */
  createAudioElement(): HTMLMediaElement | null;
  readonly mediaDevices: MediaDevices | undefined;
  readonly secure: boolean;
  /** Lives as long as the browser tab. */
  readonly storage: KeyValueStore;
  /** Origin of the page, for the default server. */
  readonly origin: string;
  /** The network went (`offline`), came (`online`) or changed (`changed`). Returns a function that stops it. */
  onNetwork(fn: (what: 'online' | 'offline' | 'changed') => void): () => void;
  /** The page is being left. Returns a function that stops it. */
  onLeave(fn: () => void): () => void;
  /** The page is not seen any more: a browser may end it without a word. Returns a function that stops it. */
  onHidden?(fn: () => void): () => void;
  /** This page has something to itself until it is gone, however it ends, or lets go of it by what is returned. */
  hold?(name: string): () => void;
  /** Whether a page of this origin that lives holds it. A browser that cannot tell says yes. */
  isHeld?(name: string): Promise<boolean>;
}

interface NetworkInformation extends EventTarget {
  readonly type?: string;
}

export function browserEnvironment(): Environment {
  return {
    now: () => performance.now(),
    random: () => Math.random(),
    setTimer: (fn, ms) => window.setTimeout(fn, ms),
    clearTimer: (id) => window.clearTimeout(id),
    fetch: (url, init) => window.fetch(url, init),
    openSocket: (url) => new WebSocket(url) as SocketLike,
    createPeerConnection: (configuration) => new RTCPeerConnection(configuration),
    createStream: (tracks) => new MediaStream(tracks),
    createAudioContext: () => (typeof AudioContext === 'undefined' ? null : new AudioContext()),
    createAudioElement: () => (typeof Audio === 'undefined' ? null : new Audio()),
    get mediaDevices() {
      return navigator.mediaDevices as MediaDevices | undefined;
    },
    secure: window.isSecureContext,
    storage: tabStorage(),
    origin: window.location.origin,
    onNetwork(fn) {
      const online = () => fn('online');
      const offline = () => fn('offline');
      const connection = (navigator as { connection?: NetworkInformation }).connection;
      // `change` also reports new estimates of speed; only another kind of network is a change of network.
      let kind = connection?.type;
      const changed = () => {
        if (connection?.type === kind) return;
        kind = connection?.type;
        fn('changed');
      };
      window.addEventListener('online', online);
      window.addEventListener('offline', offline);
      connection?.addEventListener?.('change', changed);
      return () => {
        window.removeEventListener('online', online);
        window.removeEventListener('offline', offline);
        connection?.removeEventListener?.('change', changed);
      };
    },
    onLeave(fn) {
      window.addEventListener('pagehide', fn);
      return () => window.removeEventListener('pagehide', fn);
    },
    onHidden(fn) {
      const changed = () => document.visibilityState === 'hidden' && fn();
      document.addEventListener('visibilitychange', changed);
      return () => document.removeEventListener('visibilitychange', changed);
    },
    hold(name) {
      const waiting = new AbortController();
      let letGo = () => waiting.abort();
      // The page before may have it for a moment yet.
      void navigator.locks?.request(name, { signal: waiting.signal }, () => new Promise<void>((done) => (letGo = done))).catch(() => undefined);
      return () => letGo();
    },
    async isHeld(name) {
      // Not outside of secure pages, and the page may be forbidden it.
      const locks = await navigator.locks?.query().catch(() => undefined);
      return !locks || (locks.held ?? []).some((lock) => lock.name === name);
    },
  };
}

/** sessionStorage where the page may use it, else memory. */
function tabStorage(): KeyValueStore {
  const memory = new Map<string, string>();
  const attempt = <T>(use: (storage: Storage) => T, otherwise: () => T): T => {
    try {
      return use(window.sessionStorage);
    } catch {
      return otherwise(); // Forbidden by a sandbox or by settings, or full.
    }
  };
  return {
    get: (key) => attempt((s) => s.getItem(key), () => memory.get(key) ?? null),
    set: (key, value) => attempt((s) => s.setItem(key, value), () => void memory.set(key, value)),
    remove: (key) => attempt((s) => s.removeItem(key), () => void memory.delete(key)),
  };
}
