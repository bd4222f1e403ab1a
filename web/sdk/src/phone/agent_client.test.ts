import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment, settle } from '../testing/index';
import { AgentClient } from './agent_client';
import type { Call } from './call';

let stored: Map<string, string>;
let env: FakeEnvironment;
let agent: AgentClient;
let calls: Call[];

const fields = (state: string, extra: object = {}) => ({ call: 'c1', state, direction: 'in', peer: { name: 'Ada', address: 'web' }, media: { audio: true, video: true }, ...extra });

function page(gateway?: FakeEnvironment['gateway']): void {
  env = new FakeEnvironment(stored);
  if (gateway) (env as { gateway: unknown }).gateway = gateway;
  env.gateway.role = 'agent';
  agent = new AgentClient({ environment: env });
  calls = [];
  agent.on('incoming', (call) => calls.push(call));
  agent.on('rejoined', (call) => calls.push(call));
}

beforeEach(async () => {
  stored = new Map();
  page();
  await agent.connect();
});

const incoming = () => env.gateway.send({ type: 'incoming', ...fields('ringing'), sdp: 'offer audio video' });

async function talk(): Promise<Call> {
  incoming();
  const call = calls[0]!;
  await call.answer();
  env.gateway.send({ type: 'call', ...fields('connecting') });
  env.peer.connect();
  env.gateway.send({ type: 'call', ...fields('connected') });
  return call;
}

describe('AgentClient', () => {
  it('signs in, and tells wrong passwords and locks apart', async () => {
    env.replies['POST /expertassist/agent/login'] = { status: 200, body: { user: 'agent1', name: 'Robin Vale', roles: ['Agent'] } };
    expect(await agent.signIn('agent1', 'pw')).toEqual({ user: 'agent1', name: 'Robin Vale', roles: ['Agent'] });
    env.replies['POST /expertassist/agent/login'] = { status: 401, body: { error: { reason: 'login.failed', text: 'Wrong.' } } };
    await expect(agent.signIn('agent1', 'x')).rejects.toMatchObject({ code: 'login.failed' });
    env.replies['POST /expertassist/agent/login'] = { status: 429, body: { error: { reason: 'login.locked', text: 'Wait.' } }, headers: { 'Retry-After': '42' } };
    await expect(agent.signIn('agent1', 'x')).rejects.toMatchObject({ code: 'login.locked', retryAfter: 42 });
  });

  it('knows whether somebody is signed in', async () => {
    expect(await agent.whoAmI()).toMatchObject({ user: 'agent1' });
    env.replies['GET /expertassist/agent/token'] = { status: 401, body: { error: { reason: 'login.required', text: '' } } };
    expect(await agent.whoAmI()).toBeNull();
    env.replies['GET /expertassist/agent/token'] = null;
    await expect(agent.whoAmI()).rejects.toMatchObject({ code: 'server.unreachable' });
  });

  it('sets and follows availability', () => {
    const seen: string[] = [];
    agent.on('availability', (s) => seen.push(s));
    agent.setAvailability('available');
    expect(env.gateway.last('availability')).toMatchObject({ state: 'available' });
    env.gateway.send({ type: 'availability', state: 'available' });
    expect(agent.availability).toBe('available');
    expect(seen).toEqual(['available']);
  });

  it('knows its availability after a reload, though the gateway tells only of changes', async () => {
    expect(agent.availability).toBeNull();
    env.gateway.send({ type: 'availability', state: 'available' });
    const gateway = env.gateway;
    gateway.drop(1001);
    page(gateway);
    const seen: string[] = [];
    agent.on('availability', (s) => seen.push(s));
    await agent.connect();
    expect(seen).toEqual(['available']);
    gateway.forget();
    gateway.drop();
    await env.clock.advance(1000);
    expect(agent.availability).toBeNull();
  });

  it('rings and answers', async () => {
    const call = await talk();
    expect(call.peer.name).toBe('Ada');
    expect(env.gateway.last('answer')).toMatchObject({ call: 'c1', sdp: 'answer to offer audio video with audio:sendrecv video:sendrecv' });
    expect(call.state).toBe('connected');
  });

  it('rejects', () => {
    incoming();
    calls[0]!.reject('busy');
    expect(env.gateway.last('reject')).toMatchObject({ call: 'c1', reason: 'busy' });
    expect(calls[0]!.ended?.by).toBe('agent');
  });

  it('still rings when the microphone was refused, so that another try is possible', async () => {
    incoming();
    env.media.deny = { audio: 'NotAllowedError', video: 'NotAllowedError' };
    await expect(calls[0]!.answer()).rejects.toMatchObject({ code: 'microphone.denied' });
    expect(calls[0]!.state).toBe('ringing');
    env.media.deny = {};
    await calls[0]!.answer();
    expect(env.gateway.last('answer')).toBeDefined();
  });

  it('answers without a camera', async () => {
    incoming();
    env.media.deny = { video: 'NotAllowedError' };
    await calls[0]!.answer();
    expect(env.gateway.last('answer')?.sdp).toContain('audio:sendrecv video:recvonly');
  });

  it('stops ringing when the caller gives up', () => {
    incoming();
    env.gateway.send({ type: 'call', ...fields('ended', { reason: 'cancelled', text: 'gone', by: 'consumer' }) });
    expect(calls[0]!.ended?.reason).toBe('cancelled');
  });

  it('rejoins a running call after a reload, with a new peer connection', async () => {
    await talk();
    const gateway = env.gateway;
    env.leave();
    expect(gateway.last('bye')).toBeUndefined();
    gateway.drop(1001);
    gateway.calls = [fields('reconnecting')];
    page(gateway);
    await agent.connect();
    await settle();
    expect(calls).toHaveLength(1);
    expect(calls[0]!.state).toBe('reconnecting');
    const restart = gateway.last('restart');
    expect(restart).toMatchObject({ call: 'c1', sdp: 'offer 1 audio:sendrecv video:sendrecv' });
    gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer', request: restart?.request });
    gateway.send({ type: 'call', ...fields('connected') });
    await settle();
    env.peer.connect();
    expect(calls[0]!.state).toBe('connected');
  });

  it('is still muted after a reload', async () => {
    (await talk()).muteAudio();
    const gateway = env.gateway;
    gateway.drop(1001);
    gateway.calls = [fields('reconnecting')];
    page(gateway);
    await agent.connect();
    await settle();
    expect(calls[0]!.muted).toEqual({ audio: true, video: false });
    expect(env.media.opened.find((t) => t.kind === 'audio')!.enabled).toBe(false);
  });

  it('still rings after a reload', async () => {
    incoming();
    await env.clock.advance(1000);
    const gateway = env.gateway;
    gateway.drop(1001);
    gateway.calls = [fields('ringing')];
    page(gateway);
    await agent.connect();
    expect(calls).toHaveLength(1);
    await calls[0]!.answer();
    expect(gateway.last('answer')?.sdp).toContain('answer to offer audio video');
  });

  it('ends its calls when another page takes over', async () => {
    const call = await talk();
    const states: string[] = [];
    agent.on('connection', (s) => states.push(s));
    env.gateway.send({ type: 'session', what: 'replaced', text: 'You signed in on another page.' });
    env.gateway.drop(4001);
    expect(states).toEqual(['replaced']);
    expect(call.ended?.reason).toBe('session.replaced');
    expect(env.media.live).toEqual([]);
  });

  it('gives its calls up when its network is gone for good, and goes on trying', async () => {
    const call = await talk();
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    env.peer.ice('disconnected');
    await env.clock.advance(55_000);
    expect([call.ended, agent.connectionState]).toEqual([null, 'reconnecting']);
    await env.clock.advance(6000);
    expect(call.ended).toMatchObject({ reason: 'agent_lost', by: 'system' });
    expect(env.media.live).toEqual([]);
    expect(agent.connectionState).toBe('reconnecting');
    env.gateway.mode = 'welcome';
    env.gateway.forget();
    await env.clock.advance(11_000);
    expect(agent.connectionState).toBe('connected');
  });

  it('ends a call that it gave up also when the gateway still has it', async () => {
    const call = await talk();
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    env.peer.ice('disconnected');
    await env.clock.advance(62_000);
    expect(call.ended).toMatchObject({ reason: 'agent_lost' });
    env.gateway.mode = 'welcome';
    env.gateway.calls = [fields('connected')];
    await env.clock.advance(11_000);
    expect(agent.connectionState).toBe('connected');
    // What the gateway had to say of it meanwhile brings it back no more.
    const peers = env.peers.length;
    env.gateway.send({ type: 'call', ...fields('reconnecting') });
    env.gateway.send({ type: 'call', ...fields('ended'), reason: 'hung_up', by: 'agent', text: '' });
    await settle();
    expect([agent.calls, calls.length, env.peers.length]).toEqual([[], 1, peers]);
    expect(env.gateway.messages.filter((m) => m.type === 'end')).toMatchObject([{ call: 'c1' }]);
  });

  it('gives no call up whose sound passes, though nothing is heard of the gateway', async () => {
    const call = await talk();
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    await env.clock.advance(80_000);
    expect(call.ended).toBeNull();
    env.peer.ice('disconnected');
    await env.clock.advance(10_000);
    expect(call.ended).toMatchObject({ reason: 'agent_lost' });
    expect(env.media.live).toEqual([]);
  });

  it('gives a call up that was dialled without a network', async () => {
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    await env.clock.advance(70_000);
    const call = agent.call({ destination: 'agent2' });
    await env.clock.advance(50_000);
    expect(call.ended).toBeNull();
    await env.clock.advance(15_000);
    expect(call.ended).toMatchObject({ reason: 'session.lost' });
    expect(env.media.live).toEqual([]);
  });

  it('keeps its calls when the network is back in time', async () => {
    const call = await talk();
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    await env.clock.advance(50_000);
    env.gateway.mode = 'welcome';
    env.gateway.calls = [fields('connected')];
    await env.clock.advance(60_000);
    expect([call.ended, agent.connectionState]).toEqual([null, 'connected']);
  });

  it('hears digits', async () => {
    const call = await talk();
    const digits: string[] = [];
    call.on('dtmf', (d) => digits.push(d.digits));
    env.gateway.send({ type: 'dtmf', call: 'c1', digits: '12#' });
    expect(digits).toEqual(['12#']);
  });
});
