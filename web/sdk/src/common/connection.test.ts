import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment, settle } from '../testing/index';
import { Connection, type ConnectionOptions } from './connection';
import { ParleyError } from './errors';
import { kTimes } from './link';
import { defaultReconnectPolicy } from './reconnect';

let env: FakeEnvironment;
let connection: Connection;
let states: string[];
let tokens: boolean[];

function make(extra: Partial<ConnectionOptions> = {}): Connection {
  connection = new Connection({
    environment: env,
    url: 'wss://parley.test/gateway/websocketcall',
    token: async (fresh) => (tokens.push(fresh), 'token'),
    policy: defaultReconnectPolicy,
    firstConnectMs: 12_000,
    ...extra,
  });
  connection.on('state', (state) => states.push(state));
  return connection;
}

beforeEach(() => {
  env = new FakeEnvironment();
  states = [];
  tokens = [];
  make();
});

describe('Connection', () => {
  it('shakes hands and numbers what it sends', async () => {
    const welcome = await connection.connect();
    expect(welcome.session).toBe('session-1');
    expect(env.gateway.hellos[0]).toMatchObject({ type: 'hello', version: 1, token: 'token', client: { name: 'parley-sdk' } });
    expect(env.gateway.hellos[0]).not.toHaveProperty('resume');
    connection.send({ type: 'end', call: 'c1' });
    connection.send({ type: 'end', call: 'c2' });
    expect(env.gateway.messages.map((m) => [m.seq, m.call])).toEqual([[1, 'c1'], [2, 'c2']]);
  });

  it('acknowledges alone after a moment, and with the next message at once', async () => {
    await connection.connect();
    env.gateway.send({ type: 'dtmf', call: 'c', digits: '1' });
    const acks = () => env.gateway.current.sent.filter((m) => m.type === 'ack');
    expect(acks()).toEqual([]);
    await env.clock.advance(kTimes.ackDelay);
    expect(acks()).toEqual([{ type: 'ack', ack: 1 }]);
    env.gateway.send({ type: 'dtmf', call: 'c', digits: '2' });
    connection.send({ type: 'end', call: 'c' });
    await env.clock.advance(1000);
    expect(acks()).toHaveLength(1);
    expect(env.gateway.last('end')).toMatchObject({ ack: 2 });
  });

  it('resumes after a break: each message arrives once and in order on both sides', async () => {
    await connection.connect();
    const seen: unknown[] = [];
    connection.on('message', (m) => m.type === 'dtmf' && seen.push(m.digits));
    env.gateway.acknowledge = false;
    connection.send({ type: 'end', call: 'c1' });
    env.gateway.send({ type: 'dtmf', call: 'c', digits: '1' });
    env.gateway.drop();
    expect(connection.state).toBe('reconnecting');
    connection.send({ type: 'end', call: 'c2' });
    env.gateway.acknowledge = true;
    await env.clock.advance(300);
    expect(connection.state).toBe('connected');
    expect(env.gateway.hellos[1]).toMatchObject({ resume: { session: 'session-1', key: 'key', ack: 1 } });
    env.gateway.send({ type: 'dtmf', call: 'c', digits: '2' });
    expect(env.gateway.messages.map((m) => m.call)).toEqual(['c1', 'c2']);
    expect(seen).toEqual(['1', '2']);
  });

  it('ignores a message it already had', async () => {
    await connection.connect();
    const seen: unknown[] = [];
    connection.on('message', (m) => seen.push(m.type));
    env.gateway.send({ type: 'dtmf', call: 'c', digits: '1' });
    env.gateway.current.deliver({ type: 'dtmf', call: 'c', digits: '1', seq: 1, ack: 0 });
    expect(seen).toEqual(['dtmf']);
  });

  it('resumes when numbers have a gap', async () => {
    await connection.connect();
    env.gateway.current.deliver({ type: 'dtmf', call: 'c', digits: '9', seq: 5, ack: 0 });
    expect(connection.state).toBe('reconnecting');
  });

  it('finds a dead path by silence, not by TCP', async () => {
    await connection.connect();
    env.gateway.acknowledge = false;
    connection.send({ type: 'end', call: 'c' });
    await env.clock.advance(kTimes.silence - 100);
    expect(connection.state).toBe('connected');
    await env.clock.advance(200);
    expect(states).toContain('reconnecting');
    await env.clock.advance(1000);
    expect(connection.state).toBe('connected');
    expect(env.gateway.messages).toHaveLength(1);
  });

  it('comes back at once when the network changes', async () => {
    await connection.connect();
    env.network('offline');
    expect(connection.state).toBe('reconnecting');
    env.gateway.mode = 'refuse';
    await env.clock.advance(20_000);
    env.gateway.mode = 'welcome';
    const before = env.clock.now();
    env.network('online');
    await settle();
    expect(connection.state).toBe('connected');
    expect(env.clock.now()).toBe(before);
  });

  it('gives the first connection a limit, with an error for people', async () => {
    env.gateway.mode = 'refuse';
    const failed = connection.connect().catch((error: unknown) => error);
    await env.clock.advance(20_000);
    const error = (await failed) as ParleyError;
    expect(error).toBeInstanceOf(ParleyError);
    expect(error.code).toBe('server.unreachable');
    expect(error.message).toMatch(/cannot be reached/);
    expect(connection.state).toBe('closed');
    expect(env.clock.pending).toBe(0);
  });

  it('does not wait for ever for a welcome', async () => {
    env.gateway.mode = 'silent';
    const failed = connection.connect().catch((error: unknown) => (error as ParleyError).code);
    await env.clock.advance(60_000);
    expect(await failed).toBe('server.unreachable');
    expect(env.gateway.sockets.length).toBeGreaterThan(1);
    expect(env.gateway.sockets.every((s) => s.closedWith !== null)).toBe(true);
  });

  it('takes a fresh token once when one has expired', async () => {
    env.gateway.errors = [{ reason: 'token.expired', text: 'old', code: 4003 }];
    const done = connection.connect();
    await env.clock.advance(1000);
    await done;
    expect(tokens).toEqual([false, true]);
  });

  it('gives up when the fresh token is refused, too', async () => {
    env.gateway.errors = [1, 2, 3].map(() => ({ reason: 'token.expired', text: 'old', code: 4003 }));
    const failed = connection.connect().catch((error: unknown) => (error as ParleyError).code);
    await env.clock.advance(5000);
    expect(await failed).toBe('token.expired');
    expect(tokens).toEqual([false, true]);
  });

  it('tells what the gateway refuses for good, in its words', async () => {
    env.gateway.errors = [{ reason: 'version.unsupported', text: 'Version 1 is not supported.', code: 4002 }];
    await expect(connection.connect()).rejects.toMatchObject({ code: 'version.unsupported', message: 'Version 1 is not supported.' });
  });

  it('tries again while the server drains', async () => {
    env.gateway.errors = [{ reason: 'server.draining', text: 'soon', code: 4010 }];
    const done = connection.connect();
    await env.clock.advance(1000);
    await done;
    expect(connection.state).toBe('connected');
  });

  it('stays away once replaced', async () => {
    await connection.connect();
    env.gateway.send({ type: 'session', what: 'replaced', text: 'elsewhere' });
    env.gateway.drop(4001);
    expect(connection.state).toBe('replaced');
    await env.clock.advance(100_000);
    expect(env.gateway.sockets).toHaveLength(1);
    expect(() => connection.send({ type: 'end', call: 'c' })).toThrow(ParleyError);
  });

  it('starts anew when the server no longer knows the session', async () => {
    await connection.connect();
    connection.send({ type: 'end', call: 'c' });
    const pending = connection.request({ type: 'restart', call: 'c', sdp: 'v=0' }).catch((e: unknown) => (e as ParleyError).code);
    env.gateway.forget();
    env.gateway.drop();
    await env.clock.advance(1000);
    expect(await pending).toBe('session.lost');
    expect(connection.welcome?.resumed).toBe(false);
    connection.send({ type: 'end', call: 'd' });
    expect(env.gateway.messages[env.gateway.messages.length - 1]).toMatchObject({ seq: 1, call: 'd' });
  });

  it('gives up after the policy says so', async () => {
    await connection.connect();
    const errors: string[] = [];
    connection.on('failed', (e) => errors.push(e.code));
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    await env.clock.advance(120_000);
    expect(connection.state).toBe('closed');
    expect(errors).toHaveLength(1);
    expect(env.clock.pending).toBe(0);
  });

  it('matches answers and refusals with requests, and bounds the waiting', async () => {
    await connection.connect();
    const good = connection.request({ type: 'dial', destination: 'a', sdp: 'x', media: { audio: true, video: true } });
    const bad = connection.request({ type: 'restart', call: 'c', sdp: 'x' }).catch((e: unknown) => e as ParleyError);
    const never = connection.request({ type: 'restart', call: 'c', sdp: 'x' }).catch((e: unknown) => (e as ParleyError).code);
    env.gateway.send({ type: 'error', reason: 'sdp_refused', text: 'No codec in common.', request: 'r2', call: 'c' });
    env.gateway.send({ type: 'call', call: 'c', state: 'ringing', request: 'r1' });
    expect(await good).toMatchObject({ type: 'call', call: 'c' });
    expect(await bad).toMatchObject({ code: 'sdp_refused', message: 'No codec in common.' });
    await env.clock.advance(kTimes.request);
    expect(await never).toBe('request.timeout');
  });

  it('survives what is not the protocol', async () => {
    await connection.connect();
    const seen: unknown[] = [];
    connection.on('message', (m) => seen.push(m));
    const socket = env.gateway.current;
    for (const data of ['', 'null', '[]', '{', '{"type":7}', '{"type":"call"}', '{"type":"call","call":"","state":"ringing"}', new ArrayBuffer(4)]) {
      socket.onmessage?.({ data });
    }
    socket.deliver({ type: 'call', call: 'c', state: 'levitating' });
    socket.deliver({ type: 'future', seq: 1, ack: 0 });
    expect(seen).toEqual([]);
    expect(connection.state).toBe('connected');
    env.gateway.current.deliver({ type: 'dtmf', call: 'c', digits: '1', seq: 2, ack: 0 });
    expect(seen).toHaveLength(1);
  });

  it('resumes the session of the page before a reload', async () => {
    const stored = new Map<string, string>();
    env = new FakeEnvironment(stored);
    await make({ storageKey: 'k' }).connect();
    env.gateway.send({ type: 'dtmf', call: 'c', digits: '1' });
    connection.send({ type: 'availability', state: 'available' });
    const old = env;
    env = new FakeEnvironment(stored);
    (env as { gateway: unknown }).gateway = old.gateway;
    await make({ storageKey: 'k' }).connect();
    expect(old.gateway.hellos[1]).toMatchObject({ resume: { session: 'session-1', key: 'key', ack: 1 } });
    connection.send({ type: 'availability', state: 'away' });
    expect(old.gateway.messages.map((m) => m.seq)).toEqual([1, 2]);
    connection.close();
    expect(stored.size).toBe(0);
  });

  it('says goodbye and leaves nothing behind', async () => {
    await connection.connect();
    connection.close();
    expect(env.gateway.last('bye')).toBeDefined();
    expect(env.gateway.current.closedWith).toBe(1000);
    expect(connection.state).toBe('closed');
    expect(env.clock.pending).toBe(0);
  });
});
