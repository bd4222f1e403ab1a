import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment, settle } from '../testing/index';
import type { Call } from './call';
import { onFault, type ParleyError } from '../common/index';
import { Client } from './client';

let env: FakeEnvironment;
let client: Client;

beforeEach(() => {
  env = new FakeEnvironment();
  client = new Client({ environment: env });
});

const fields = (state: string, extra: object = {}) => ({ type: 'call', call: 'c1', state, direction: 'out', peer: { name: 'Robin', address: 'agent1' }, ...extra });

/** A call as far as ringing. */
async function ring(options = {}): Promise<Call> {
  const call = client.call({ destination: 'agent1', ...options });
  await env.clock.advance(0);
  env.gateway.send({ ...fields('ringing'), request: env.gateway.last('dial')?.request });
  await settle();
  return call;
}

async function connect(options = {}): Promise<Call> {
  const call = await ring(options);
  env.gateway.send(fields('connecting', { answeredAt: '2026-01-31T12:00:00Z' }));
  env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer' });
  await settle();
  env.peer.connect();
  env.gateway.send(fields('connected', { answeredAt: '2026-01-31T12:00:00Z' }));
  await settle();
  return call;
}

const nothingLeft = () => {
  expect(env.media.live).toEqual([]);
  expect(env.peers.every((p) => p.closed)).toBe(true);
};

describe('a consumer’s call', () => {
  it('goes through its states', async () => {
    const states: string[] = [];
    const call = client.call({ destination: 'agent1', name: 'Ada' });
    call.on('state', ({ state }) => states.push(state));
    expect(call.state).toBe('preparing');
    await settle();
    expect(env.gateway.last('dial')).toMatchObject({
      destination: 'agent1', name: 'Ada', media: { audio: true, video: true }, sdp: 'offer 1 audio:sendrecv video:sendrecv',
    });
    env.gateway.send({ ...fields('ringing'), request: env.gateway.last('dial')?.request });
    await settle();
    expect(call.id).toBe('c1');
    env.gateway.send(fields('connecting'));
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer' });
    await settle();
    env.gateway.send(fields('connected'));
    expect(call.state).toBe('connecting'); // Not connected before media may flow here.
    env.peer.connect();
    expect(call.state).toBe('connected');
    expect(call.peer.name).toBe('Robin');
    env.gateway.send(fields('ended', { reason: 'hung_up', text: 'Robin ended the call.', by: 'agent' }));
    expect(states).toEqual(['ringing', 'connecting', 'connected', 'ended']);
    expect(call.ended).toEqual({ reason: 'hung_up', text: 'Robin ended the call.', by: 'agent' });
    nothingLeft();
  });

  it('passes the session’s wishes to the server', async () => {
    client.setSession({ destination: 'agent2', name: 'Ada', correlationId: 'x' });
    client.call();
    await settle();
    expect(env.requests[0]).toMatchObject({ method: 'POST', url: 'https://parley.test/assistserver/session', body: { destination: 'agent2', name: 'Ada', correlationId: 'x' } });
    expect(env.gateway.current.url).toBe('wss://parley.test/gateway/websocketcall');
    expect(env.gateway.last('dial')).toMatchObject({ destination: 'agent2', name: 'Ada' });
  });

  it('goes on without a camera, and says so', async () => {
    env.media.deny = { video: 'NotFoundError' };
    const notices: string[] = [];
    const call = client.call({ destination: 'agent1' });
    call.on('notice', (e) => notices.push(e.code));
    await settle();
    expect(notices).toEqual(['camera.missing']);
    expect(env.gateway.last('dial')?.sdp).toBe('offer 1 audio:sendrecv video:recvonly');
    expect(call.hasCamera).toBe(false);
  });

  it('ends with a sentence when there is no microphone', async () => {
    const rows: [string, string][] = [['NotAllowedError', 'microphone.denied'], ['NotFoundError', 'microphone.missing'], ['NotReadableError', 'microphone.in_use'], ['Strange', 'device.failed']];
    for (const [name, code] of rows) {
      env.media.deny = { audio: name, video: name };
      const call = client.call();
      await settle();
      expect(call.ended, name).toMatchObject({ reason: code, by: 'system' });
      expect(call.ended?.text.length).toBeGreaterThan(20);
    }
    expect(env.gateway.last('dial')).toBeUndefined();
    nothingLeft();
  });

  it('makes pure voice calls without asking for the camera', async () => {
    client.call({ video: false });
    await settle();
    expect(env.media.opened.map((t) => t.kind)).toEqual(['audio']);
    expect(env.gateway.last('dial')).toMatchObject({ media: { audio: true, video: false }, sdp: 'offer 1 audio:sendrecv' });
  });

  it('ends with the server’s words when it refuses', async () => {
    env.replies['POST /assistserver/session'] = { status: 403, body: { error: { reason: 'access.disabled', text: 'Anonymous access is off.' } } };
    const call = client.call();
    await settle();
    expect(call.ended).toEqual({ reason: 'access.disabled', text: 'Anonymous access is off.', by: 'system' });
    nothingLeft();
  });

  it('ends when the server cannot be reached, and closes the devices it had opened', async () => {
    env.replies['POST /assistserver/session'] = null;
    const call = client.call();
    await env.clock.advance(15_000);
    expect(call.ended?.reason).toBe('server.unreachable');
    expect(env.media.opened.length).toBe(2);
    nothingLeft();
    expect(env.clock.pending).toBe(0);
  });

  it('ends at once when the dial is answered with an end', async () => {
    const call = client.call();
    await settle();
    env.gateway.send({ ...fields('ended', { reason: 'agent_away', text: 'The agent is away.', by: 'system' }), request: env.gateway.last('dial')?.request });
    await settle();
    expect(call.ended?.reason).toBe('agent_away');
    nothingLeft();
  });

  it('can be cancelled at every point', async () => {
    const early = client.call();
    early.end();
    expect(early.ended?.reason).toBe('cancelled');
    await settle();
    nothingLeft();

    const dialled = client.call();
    await settle();
    const request = env.gateway.last('dial')?.request;
    dialled.end();
    env.gateway.send({ ...fields('ringing'), request });
    await settle();
    expect(env.gateway.messages.filter((m) => m.type === 'end')).toMatchObject([{ call: 'c1' }]);
    nothingLeft();

    env.gateway.messages.length = 0;
    const ringing = await ring();
    ringing.end();
    expect(env.gateway.last('end')).toMatchObject({ call: 'c1' });
    expect(ringing.ended?.by).toBe('consumer');
    nothingLeft();
  });

  it('mutes what is sent and tells the other side', async () => {
    const call = await connect();
    const muted: unknown[] = [];
    call.on('muted', (m) => muted.push(m));
    const [audio, video] = env.media.opened;
    call.muteAudio();
    call.muteAudio();
    expect([audio!.enabled, video!.enabled]).toEqual([false, true]);
    expect(env.gateway.messages.filter((m) => m.type === 'mute')).toHaveLength(1);
    expect(env.gateway.last('mute')).toMatchObject({ call: 'c1', audio: true, video: false });
    call.mute();
    expect(video!.enabled).toBe(false);
    call.mute(false);
    expect([audio!.enabled, video!.enabled]).toEqual([true, true]);
    expect(muted).toHaveLength(3);
  });

  it('keeps a muted microphone muted when it is changed', async () => {
    const call = await connect();
    call.muteAudio();
    await call.setMicrophone('mic-1');
    expect(env.media.opened).toHaveLength(3);
    expect(env.media.opened[0]!.readyState).toBe('ended');
    expect(env.media.opened[2]!.enabled).toBe(false);
    expect(env.peer.getSenders()[0]!.track).toBe(env.media.opened[2]);
  });

  it('finds another microphone when one is unplugged', async () => {
    const call = await connect();
    const notices: string[] = [];
    call.on('notice', (e) => notices.push(e.code));
    env.media.opened[0]!.lose();
    await settle();
    expect(notices).toEqual(['microphone.lost']);
    expect(env.peer.getSenders()[0]!.track).toBe(env.media.opened[2]);
  });

  it('adds a camera in the call by an offer', async () => {
    env.media.deny = { video: 'NotFoundError' };
    const call = await connect();
    env.media.deny = {};
    const added = call.setCamera();
    await settle();
    const offer = env.gateway.last('offer');
    expect(offer).toMatchObject({ call: 'c1', sdp: 'offer 2 audio:sendrecv video:sendrecv', media: { audio: true, video: true } });
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer 2', request: offer?.request });
    await added;
    expect(call.hasCamera).toBe(true);
  });

  it('sends digits in the media and as information, and refuses what is no key', async () => {
    const call = await connect();
    call.sendDtmf('1#a');
    expect(env.peer.tones).toEqual(['1#A']);
    expect(env.gateway.last('dtmf')).toMatchObject({ digits: '1#A', method: 'rfc4733' });
    for (const wrong of ['', 'x', '1 2', '1'.repeat(33)]) expect(() => call.sendDtmf(wrong)).toThrow(/not keys/);
  });

  it('limits video to what the gateway says', async () => {
    env.gateway.media = { maxVideoBitrate: 900_000 };
    await connect();
    expect(env.peer.maxBitrate).toBe(900_000);
  });
});

describe('an interrupted call', () => {
  it('restarts ICE after two seconds of disconnection, not before', async () => {
    const call = await connect();
    env.peer.ice('disconnected');
    expect(call.state).toBe('reconnecting');
    await env.clock.advance(1_900);
    expect(env.gateway.last('restart')).toBeUndefined();
    await env.clock.advance(200);
    expect(env.gateway.last('restart')).toMatchObject({ call: 'c1', sdp: 'offer 2 ice-restart audio:sendrecv video:sendrecv' });
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer 2', request: env.gateway.last('restart')?.request });
    await settle();
    expect(env.peers).toHaveLength(1);
    env.peer.connect();
    expect(call.state).toBe('connected');
  });

  it('does not restart when the path mends itself', async () => {
    const call = await connect();
    env.peer.ice('disconnected');
    await env.clock.advance(1_000);
    env.peer.ice('connected');
    await env.clock.advance(5_000);
    expect(call.state).toBe('connected');
    expect(env.gateway.last('restart')).toBeUndefined();
  });

  it('takes a new peer connection when restarts fail twice', async () => {
    const call = await connect();
    env.gateway.onMessage = (m) => m.type === 'restart' && env.gateway.send({ type: 'error', reason: 'sdp_refused', text: 'no', request: m.request, call: 'c1' });
    env.peer.ice('failed');
    await env.clock.advance(3_500);
    expect(env.peers.length).toBeGreaterThan(1);
    expect(env.peers[0]!.closed).toBe(true);
    env.gateway.onMessage = null;
    await env.clock.advance(9_000);
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'a', request: env.gateway.last('restart')?.request });
    await settle();
    env.peer.connect();
    expect(call.state).toBe('connected');
    expect(env.peer.getSenders().map((s) => s.track)).toEqual(env.media.opened);
  });

  it('takes a new peer connection when two restarts brought no path', async () => {
    await connect();
    env.gateway.onMessage = (m) => m.type === 'restart' && env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'a', request: m.request });
    for (let i = 0; i < 3; i++) {
      env.peer.ice('checking');
      env.peer.ice('failed');
      await env.clock.advance(3_000);
    }
    expect(env.gateway.messages.filter((m) => m.type === 'restart')).toHaveLength(3);
    expect(env.peers).toHaveLength(2);
    env.peer.connect();
    await env.clock.advance(10_000);
    expect(env.gateway.messages.filter((m) => m.type === 'restart')).toHaveLength(3);
  });

  it('does not restart twice for one fault', async () => {
    await connect();
    env.peer.ice('disconnected');
    await env.clock.advance(2_100);
    env.peer.ice('failed'); // While the first restart waits for its answer.
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'a', request: env.gateway.last('restart')?.request });
    await settle();
    env.peer.connect();
    await env.clock.advance(5_000);
    expect(env.gateway.messages.filter((m) => m.type === 'restart')).toHaveLength(1);
  });

  it('takes a new peer connection at once when DTLS fails on a good path', async () => {
    await connect();
    env.peer.connection('failed');
    await settle();
    expect(env.peers).toHaveLength(2);
    expect(env.gateway.last('restart')?.sdp).toBe('offer 1 audio:sendrecv video:sendrecv');
  });

  it('restarts when the network changed, after the session is back', async () => {
    const call = await connect();
    env.gateway.mode = 'refuse';
    env.network('offline');
    env.peer.ice('disconnected');
    await env.clock.advance(20_000);
    expect(call.state).toBe('reconnecting');
    expect(env.peer.localDescription?.sdp).toMatch(/^offer 1 /); // Nothing is negotiated that nobody hears.
    env.gateway.mode = 'welcome';
    env.gateway.calls = [fields('reconnecting')];
    env.network('online');
    await settle();
    expect(env.gateway.last('restart')).toBeDefined();
    expect(env.gateway.messages.filter((m) => m.type === 'restart')).toHaveLength(1);
  });

  it('says nothing about a short break of signalling alone', async () => {
    const call = await connect();
    const states: string[] = [];
    call.on('state', ({ state }) => states.push(state));
    env.gateway.calls = [fields('connected')];
    env.gateway.drop();
    await env.clock.advance(2_000);
    expect(states).toEqual([]);
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    await env.clock.advance(3_100);
    expect(states).toEqual(['reconnecting']);
  });

  it('tells in the call that the service is to be restarted', async () => {
    const call = await connect();
    const notices: ParleyError[] = [];
    call.on('notice', (error) => notices.push(error));
    env.gateway.send({ type: 'session', what: 'ending', text: 'The service is being restarted.' });
    expect(notices.map(({ code, message }) => [code, message])).toEqual([['session.ending', 'The service is being restarted.']]);
    expect(call.state).toBe('connected');
  });

  it('gives a call up that is dialled while the network is gone', async () => {
    const call = await connect();
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    env.peer.ice('disconnected');
    await env.clock.advance(5_000);
    const second = client.call({ destination: 'agent2' });
    await env.clock.advance(90_000);
    expect([call.ended?.reason, second.ended?.reason]).toEqual(['consumer_lost', 'session.lost']);
    nothingLeft();
  });

  it('ends when the server no longer knows it', async () => {
    const call = await connect();
    env.gateway.forget();
    env.gateway.drop();
    await env.clock.advance(1_000);
    expect(call.ended).toMatchObject({ reason: 'consumer_lost', by: 'system' });
    nothingLeft();
  });

  it('ends when the connection does not come back', async () => {
    const call = await connect();
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    await env.clock.advance(200_000);
    expect(call.ended?.reason).toBe('consumer_lost');
    nothingLeft();
    expect(env.clock.pending).toBe(0);
  });

  it('tells that the other side lost its connection', async () => {
    const call = await connect();
    const seen: string[] = [];
    call.on('peerConnection', (s) => seen.push(s));
    env.gateway.send(fields('reconnecting', { peerConnection: 'lost' }));
    expect([call.state, call.peerConnection]).toEqual(['reconnecting', 'lost']);
    env.gateway.send(fields('connected'));
    expect(call.state).toBe('connected');
    expect(seen).toEqual(['lost', 'ok']);
  });

  it('answers an offer of the gateway', async () => {
    await connect();
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'offer', sdp: 'new offer audio video' });
    await settle();
    expect(env.gateway.last('answer')).toMatchObject({ call: 'c1', sdp: 'answer to new offer audio video with audio:sendrecv video:sendrecv' });
  });
});

describe('the host page', () => {
  it('says goodbye when it is left, without hanging up first', async () => {
    await connect();
    env.leave();
    expect(env.gateway.messages.at(-1)?.type).toBe('bye');
    expect(env.gateway.messages.some((m) => m.type === 'end')).toBe(false);
    nothingLeft();
  });

  it('is not harmed by its own listeners', async () => {
    const faults: string[] = [];
    onFault((where) => faults.push(where));
    const call = client.call();
    const seen: string[] = [];
    call.on('state', () => {
      throw new Error('of the page');
    });
    call.on('state', ({ state }) => seen.push(state));
    await settle();
    env.gateway.send({ ...fields('ringing'), request: env.gateway.last('dial')?.request });
    await settle();
    expect(seen).toEqual(['ringing']);
    expect(faults).toEqual(['listener of state']);
  });

  it('gets no exception from a browser without media', async () => {
    Object.defineProperty(env, 'mediaDevices', { value: undefined });
    const call = client.call();
    await settle();
    expect(call.ended?.reason).toBe('browser.unsupported');
    env.secure = false;
    const insecure = client.call();
    await settle();
    expect(insecure.ended?.reason).toBe('browser.insecure');
  });

  it('gets the parts of the set-up time', async () => {
    const call = await connect();
    expect(Object.keys(call.setup.parts).sort()).toEqual(['dial', 'dtls', 'getUserMedia', 'ice', 'offer', 'ringing', 'sdp', 'token', 'webSocket']);
  });
});

describe('the next page', () => {
  const kFields = { answeredAt: '2026-01-31T12:00:00Z' };
  let stored: Map<string, string>;

  beforeEach(() => {
    stored = new Map();
    env = new FakeEnvironment(stored);
    client = new Client({ environment: env, storageKey: 'kept' });
  });

  /** Another page of the same tab; the gateway has gone on. */
  function turn(calls: object[]): FakeEnvironment {
    const { gateway } = env;
    env.leave();
    gateway.drop(1001);
    gateway.calls = calls as Record<string, unknown>[];
    env = new FakeEnvironment(stored);
    Object.assign(env, { gateway });
    client = new Client({ environment: env, storageKey: 'kept' });
    return env;
  }

  it('goes on with the call, with a new peer connection, muted as it was', async () => {
    await connect();
    const before = env;
    const socket = env.gateway.current;
    turn([fields('reconnecting', kFields)]);
    expect(socket.closedWith).toBe(4020);
    expect(before.gateway.messages.some((m) => m.type === 'bye' || m.type === 'end')).toBe(false);
    expect(before.media.live).toEqual([]);
    const call = client.takeUp('c1', { sendVideo: false }, { audio: true, video: false });
    expect(call.state).toBe('preparing');
    await settle();
    expect(env.gateway.hellos.at(-1)).toMatchObject({ resume: { session: 'session-1', key: 'key', fresh: true } });
    expect(call.state).toBe('reconnecting');
    expect(env.media.opened.map((t) => [t.kind, t.enabled])).toEqual([['audio', false]]);
    const restart = env.gateway.last('restart');
    expect(restart).toMatchObject({ call: 'c1', sdp: 'offer 1 audio:sendrecv video:recvonly' });
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer', request: restart?.request });
    await settle();
    env.peer.connect();
    env.gateway.send(fields('connected', kFields));
    expect(call.state).toBe('connected');
    expect(env.gateway.last('mute')).toMatchObject({ call: 'c1', audio: true });
    call.end();
    expect(env.gateway.last('end')).toMatchObject({ call: 'c1' });
    nothingLeft();
  });

  it('says that it is a new page once: a later break is none', async () => {
    await connect();
    turn([fields('reconnecting', kFields)]);
    client.takeUp('c1');
    await settle();
    env.gateway.drop();
    await env.clock.advance(2_000);
    expect(env.gateway.hellos).toHaveLength(3);
    expect(env.gateway.hellos[2]?.resume).not.toHaveProperty('fresh');
  });

  it('goes on ringing, and connects when it is answered', async () => {
    await ring();
    turn([fields('ringing')]);
    const call = client.takeUp('c1', { ringback: false });
    await settle();
    expect([call.state, client.tones.ringback]).toEqual(['ringing', false]);
    expect(env.media.opened).toHaveLength(2);
    expect(env.gateway.last('restart')).toBeUndefined();
    env.gateway.send(fields('connecting', kFields));
    // What answers the offer of the page before is nothing to this one.
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'old' });
    await settle();
    expect(call.state).toBe('connecting');
    expect(env.gateway.last('restart')).toMatchObject({ call: 'c1', sdp: 'offer 1 audio:sendrecv video:sendrecv' });
  });

  it('hangs up, with words, when it may not have the microphone', async () => {
    await connect();
    turn([fields('reconnecting', kFields)]);
    env.media.deny = { audio: 'NotAllowedError', video: 'NotAllowedError' };
    const call = client.takeUp('c1');
    await settle();
    expect(call.ended).toMatchObject({ reason: 'microphone.denied', by: 'system' });
    expect(env.gateway.last('end')).toMatchObject({ call: 'c1' });
    nothingLeft();
  });

  it('comes too late, with words', async () => {
    await connect();
    turn([]);
    env.gateway.forget();
    const call = client.takeUp('c1');
    await settle();
    expect(call.ended).toMatchObject({ reason: 'consumer_lost', by: 'system' });
    expect(env.media.opened).toEqual([]);
  });

  it('reads why the call ended meanwhile, and does not wait for ever for it', async () => {
    await connect();
    turn([]);
    const told = client.takeUp('c1');
    await settle();
    env.gateway.send(fields('ended', { reason: 'hung_up', text: 'Robin ended the call.', by: 'agent' }));
    expect(told.ended?.reason).toBe('hung_up');
    const never = client.takeUp('c2');
    await settle();
    await env.clock.advance(2_000);
    expect(never.ended?.reason).toBe('consumer_lost');
  });

  it('hangs up what was given up before the gateway was reached', async () => {
    await connect();
    turn([fields('reconnecting', kFields)]);
    client.takeUp('c1').end();
    await settle();
    expect(env.gateway.messages.filter((m) => m.type === 'end')).toMatchObject([{ call: 'c1' }]);
    expect(env.media.opened).toEqual([]);
  });

  it('is told goodbye where there is no call yet', async () => {
    client.call();
    await settle();
    env.leave();
    expect(env.gateway.last('bye')).toBeDefined();
    expect(stored.size).toBe(0);
  });
});
