import type { Environment } from '../common/index';
import { FakeClock } from './fake_clock';
import { FakeGateway } from './fake_gateway';
import { FakeAudioContext, FakeAudioElement, FakeMediaDevices, FakeStream, type FakeTrack } from './fake_media';
import { FakePeerConnection } from './fake_peer_connection';

export interface Reply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** All that the SDK needs, under a test's control. */
export class FakeEnvironment implements Environment {
  readonly clock = new FakeClock();
  readonly gateway = new FakeGateway();
  readonly media = new FakeMediaDevices();
  /** The newest. */
  audio = new FakeAudioContext();
  /** Elements that the SDK made to play sound. */
  readonly players: FakeAudioElement[] = [];
  readonly peers: FakePeerConnection[] = [];
  readonly requests: { method: string; url: string; body: unknown }[] = [];
  /** By `METHOD path`; a missing one answers 404, `null` fails like a dead network. */
  replies: Record<string, Reply | null> = {
    'POST /assistserver/session': { status: 201, body: { token: 'token-1', expiresIn: 300 } },
    'GET /expertassist/agent/token': { status: 200, body: { token: 'agent-token', user: 'agent1', name: 'Robin', roles: ['Agent'], expiresIn: 60 } },
  };
  secure = true;
  origin = 'https://parley.test';
  randomValue = 0.5;
  /** New peer connections can send RFC 4733. */
  telephoneEvents = true;
  private readonly stored_: Map<string, string>;
  private readonly network_ = new Set<(what: 'online' | 'offline' | 'changed') => void>();
  private readonly leave_ = new Set<() => void>();
  private readonly hidden_ = new Set<() => void>();
  /** By pages that live. */
  readonly held = new Set<string>();

  /** `stored`: what an earlier page of the same tab left. */
  constructor(stored = new Map<string, string>()) {
    this.stored_ = stored;
  }

  get mediaDevices(): MediaDevices | undefined {
    return this.media as unknown as MediaDevices;
  }
  get storage() {
    return {
      get: (key: string) => this.stored_.get(key) ?? null,
      set: (key: string, value: string) => void this.stored_.set(key, value),
      remove: (key: string) => void this.stored_.delete(key),
    };
  }
  now = () => this.clock.now();
  random = () => this.randomValue;
  setTimer = (fn: () => void, ms: number) => this.clock.set(fn, ms);
  clearTimer = (id: number) => this.clock.clear(id);
  openSocket = (url: string) => this.gateway.open(url);
  createStream = (tracks: MediaStreamTrack[]) => new FakeStream(tracks as unknown as FakeTrack[]) as unknown as MediaStream;

  createAudioContext = () => {
    if (this.audio.state === 'closed') this.audio = new FakeAudioContext();
    return this.audio as unknown as AudioContext;
  };
  createAudioElement = () => {
    const element = new FakeAudioElement();
    this.players.push(element);
    return element as unknown as HTMLMediaElement;
  };

  createPeerConnection(): RTCPeerConnection {
    const peer = new FakePeerConnection();
    peer.telephoneEvents = this.telephoneEvents;
    this.peers.push(peer);
    return peer as unknown as RTCPeerConnection;
  }
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const method = init.method ?? 'GET';
    const path = new URL(url).pathname;
    this.requests.push({ method, url, body: init.body ? JSON.parse(String(init.body)) : undefined });
    const reply = this.replies[`${method} ${path}`];
    if (reply === null) throw new TypeError('Failed to fetch');
    const { status, body, headers } = reply ?? { status: 404, body: {}, headers: {} };
    return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  }
  onNetwork(fn: (what: 'online' | 'offline' | 'changed') => void): () => void {
    this.network_.add(fn);
    return () => this.network_.delete(fn);
  }
  onLeave(fn: () => void): () => void {
    this.leave_.add(fn);
    return () => this.leave_.delete(fn);
  }
  onHidden(fn: () => void): () => void {
    this.hidden_.add(fn);
    return () => this.hidden_.delete(fn);
  }
  hide(): void {
    for (const fn of [...this.hidden_]) fn();
  }
  hold(name: string): () => void {
    this.held.add(name);
    return () => this.held.delete(name);
  }
  isHeld = (name: string) => Promise.resolve(this.held.has(name));
  network(what: 'online' | 'offline' | 'changed'): void {
    for (const fn of [...this.network_]) fn(what);
  }
  leave(): void {
    for (const fn of [...this.leave_]) fn();
  }
  get peer(): FakePeerConnection {
    return this.peers[this.peers.length - 1]!;
  }
}
