// What happens to a call while it runs, and before it is answered: hold, transfer, video, keys, tones, two calls.
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment, settle } from '../testing/index';
import { AgentClient } from './agent_client';
import type { Call } from './call';
import { Client } from './client';

let env: FakeEnvironment;

type Json = Record<string, unknown>;
const can = { hold: true, transfer: true, video: true, dtmf: true };
const fields = (state: string, extra: object = {}) => ({
  type: 'call', call: 'c1', state, direction: 'out', peer: { name: 'Robin', address: 'agent1' }, media: { audio: true, video: false }, can, ...extra,
});
const count = (type: string) => env.gateway.messages.filter((m) => m.type === type).length;
/** Answers the last request of a type. */
const reply = async (type: string, message: object) => {
  env.gateway.send({ ...message, request: env.gateway.last(type)?.request } as Json);
  await settle();
};
const say = async (extra: object = {}, state = 'connected') => {
  env.gateway.send(fields(state, extra));
  await settle();
};

async function dial(options: object = {}): Promise<Call> {
  const call = new Client({ environment: env }).call({ destination: 'agent1', video: false, ...options });
  await env.clock.advance(0);
  await reply('dial', fields('ringing'));
  return call;
}

async function talk(options: object = {}, media: object = { audio: true, video: false }): Promise<Call> {
  const call = await dial(options);
  await say({ media }, 'connecting');
  env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer' });
  await settle();
  env.peer.connect();
  await say({ media });
  expect(call.state).toBe('connected');
  return call;
}

const withVideo = () => talk({ video: true }, { audio: true, video: true });
const directions = () => env.peer.getTransceivers().map((t) => `${t.receiver.track.kind}:${t.direction}`).join(' ');

beforeEach(() => {
  env = new FakeEnvironment();
});

describe('hold', () => {
  it('sends and plays nothing from the first moment, and both again after the resume', async () => {
    const call = await withVideo();
    const heard: unknown[] = [];
    call.on('held', (h) => heard.push(h));
    const held = call.hold();
    expect(env.media.opened.map((t) => t.enabled)).toEqual([false, false]);
    expect(env.gateway.last('hold')).toMatchObject({ call: 'c1', held: true });
    await reply('hold', fields('connected', { held: true, media: { audio: true, video: true } }));
    await held;
    expect(call.held).toBe(true);
    expect(call.remoteStream!.getTracks().every((t) => !t.enabled)).toBe(true);
    const resumed = call.resume();
    await settle();
    expect(env.media.opened.map((t) => t.enabled)).toEqual([false, false]); // Not before the gateway knows.
    await reply('hold', fields('connected', { held: false, media: { audio: true, video: true } }));
    await resumed;
    expect(env.media.opened.map((t) => t.enabled)).toEqual([true, true]);
    expect(call.remoteStream!.getTracks().every((t) => t.enabled)).toBe(true);
    expect(heard).toEqual([{ held: true, peerHeld: false }, { held: false, peerHeld: false }]);
  });

  it('is undone when the gateway refuses it', async () => {
    const call = await talk();
    const held = call.hold();
    held.catch(() => undefined);
    await settle();
    await reply('hold', { type: 'error', reason: 'call.wrong_state', text: 'Not now.', call: 'c1' });
    await expect(held).rejects.toMatchObject({ code: 'call.wrong_state', message: 'Not now.' });
    expect(call.held).toBe(false);
    expect(env.media.opened[0]!.enabled).toBe(true);
  });

  it('keeps what is muted muted', async () => {
    const call = await talk();
    call.muteAudio();
    await say({ held: true });
    await say({ held: false });
    expect(env.media.opened[0]!.enabled).toBe(false);
    call.muteAudio(false);
    expect(env.media.opened[0]!.enabled).toBe(true);
  });

  it('is refused where it makes no sense', async () => {
    const call = await dial();
    await expect(call.hold()).rejects.toMatchObject({ code: 'call.state' });
    await say({ can: { ...can, hold: false } });
    await expect(call.hold()).rejects.toMatchObject({ code: 'call.not_allowed' });
    call.end();
    await expect(call.hold()).rejects.toMatchObject({ code: 'call.ended' });
  });

  it('by the other side is told', async () => {
    const call = await talk();
    const heard: unknown[] = [];
    call.on('held', (h) => heard.push(h));
    await say({ peerHeld: true });
    expect(call.peerHeld).toBe(true);
    await say();
    expect(heard).toEqual([{ held: false, peerHeld: true }, { held: false, peerHeld: false }]);
  });
});

describe('video in a voice call', () => {
  it('is added by an offer, with a camera that was closed until then', async () => {
    const call = await talk();
    expect(env.media.opened.map((t) => t.kind)).toEqual(['audio']);
    const added = call.addVideo();
    await settle();
    expect(env.gateway.last('offer')).toMatchObject({ call: 'c1', media: { audio: true, video: true }, sdp: 'offer 2 audio:sendrecv video:sendrecv' });
    expect(call.media.video).toBe(false);
    await reply('offer', { type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer 2' });
    await added;
    expect(call.media.video).toBe(true);
    expect(call.localStream!.getVideoTracks()).toHaveLength(1);
    const removed = call.removeVideo();
    await settle();
    expect(env.gateway.last('offer')).toMatchObject({ media: { audio: true, video: false }, sdp: 'offer 3 audio:sendrecv video:inactive' });
    await reply('offer', { type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer 3 video:inactive' });
    await removed;
    expect(env.media.live.map((t) => t.kind)).toEqual(['audio']);
    expect(call.remoteStream!.getVideoTracks()).toEqual([]);
  });

  it('that is refused leaves the call as it was, and the camera off', async () => {
    const call = await talk();
    const added = call.addVideo();
    added.catch(() => undefined);
    await settle();
    await reply('offer', { type: 'error', reason: 'media.refused', text: 'The telephone has no picture.', call: 'c1' });
    await expect(added).rejects.toMatchObject({ code: 'media.refused' });
    expect(env.peer.rollbacks).toBe(1);
    expect(env.media.live.map((t) => t.kind)).toEqual(['audio']);
    expect(directions()).toBe('audio:sendrecv');
    expect(call.media.video).toBe(false);
  });

  it('waits a random moment and offers again when both sides offered', async () => {
    const call = await talk();
    env.randomValue = 0.5;
    const added = call.addVideo();
    await settle();
    await reply('offer', { type: 'error', reason: 'call.glare', text: 'Both.', call: 'c1' });
    await env.clock.advance(1_200);
    expect(count('offer')).toBe(1);
    await env.clock.advance(100);
    expect(count('offer')).toBe(2);
    expect(env.gateway.last('offer')?.sdp).toBe('offer 3 audio:sendrecv video:sendrecv');
    await reply('offer', { type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer' });
    await added;
    expect(call.media.video).toBe(true);
  });

  it('gives up when it collides for ever', async () => {
    const call = await talk();
    env.gateway.onMessage = (m) => m.type === 'offer' && env.gateway.send({ type: 'error', reason: 'call.glare', text: 'Both.', request: m.request, call: 'c1' });
    const added = call.addVideo();
    added.catch(() => undefined);
    await env.clock.advance(20_000);
    await expect(added).rejects.toMatchObject({ code: 'call.glare' });
    expect(count('offer')).toBe(5);
    expect(env.media.live.map((t) => t.kind)).toEqual(['audio']);
  });

  it('yields to an offer of the gateway that arrives meanwhile, and offers again later', async () => {
    const call = await talk();
    const added = call.addVideo();
    await settle();
    expect(env.peer.signalingState).toBe('have-local-offer');
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'offer', sdp: 'codec change audio', media: { audio: true, video: false } });
    await settle();
    expect(env.peer.rollbacks).toBe(1);
    expect(env.gateway.last('answer')?.sdp).toContain('answer to codec change audio with audio:sendrecv');
    await env.clock.advance(2_000);
    expect(count('offer')).toBe(2);
    await reply('offer', { type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer' });
    await added;
    expect(call.media.video).toBe(true);
  });

  it('of the other side is seen without opening a camera; one’s own is a second step', async () => {
    const call = await talk();
    const seen: unknown[] = [];
    call.on('media', (m) => seen.push(m));
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'offer', sdp: 'with audio video', media: { audio: true, video: true } });
    await settle();
    expect(env.gateway.last('answer')?.sdp).toContain('audio:sendrecv video:recvonly');
    expect(seen).toEqual([{ audio: true, video: true }]);
    expect(call.hasCamera).toBe(false);
    const added = call.addVideo();
    await settle();
    expect(env.gateway.last('offer')?.sdp).toContain('video:sendrecv');
    await reply('offer', { type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer' });
    await added;
    expect(call.hasCamera).toBe(true);
  });

  it('taken away by the other side closes the camera', async () => {
    const call = await withVideo();
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'offer', sdp: 'without audio video:inactive', media: { audio: true, video: false } });
    await settle();
    expect(env.media.live.map((t) => t.kind)).toEqual(['audio']);
    expect(call.media.video).toBe(false);
    expect(call.remoteStream!.getVideoTracks()).toEqual([]);
  });

  it('that comes again after it was taken away gets a new peer connection: Chromium would not show it', async () => {
    const call = await withVideo();
    const before = call.remoteStream;
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'offer', sdp: 'without audio video:inactive', media: { audio: true, video: false } });
    await settle();
    expect(call.remoteStream).not.toBe(before);
    expect(env.gateway.last('restart')).toBeUndefined();
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'offer', sdp: 'again audio video', media: { audio: true, video: true } });
    await settle();
    expect(env.gateway.last('restart')?.sdp).toBe('offer 1 audio:sendrecv video:recvonly');
    expect(env.peers).toHaveLength(2);
    await reply('restart', { type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer' });
    env.peer.connect();
    expect(call.state).toBe('connected');
    expect(count('restart')).toBe(1);
  });

  it('is not offered where the gateway says it cannot be', async () => {
    const call = await talk();
    await say({ can: { ...can, video: false } });
    await expect(call.addVideo()).rejects.toMatchObject({ code: 'call.not_allowed' });
    expect(env.media.requests).toBe(1);
  });

  it('one way: sees the agent and opens no camera', async () => {
    await talk({ video: true, sendVideo: false }, { audio: true, video: true });
    expect(env.gateway.last('dial')).toMatchObject({ media: { audio: true, video: true }, sdp: 'offer 1 audio:sendrecv video:recvonly' });
    expect(env.media.opened.map((t) => t.kind)).toEqual(['audio']);
  });

  it('from another camera needs no offer', async () => {
    const call = await withVideo();
    const first = env.media.opened[1]!;
    await call.setCamera('cam-2');
    expect(count('offer')).toBe(0);
    expect(first.readyState).toBe('ended');
    expect(env.peer.getSenders()[1]!.track).toBe(env.media.opened[2]);
    expect(call.localStream!.getVideoTracks()).toHaveLength(1);
  });

  it('keeps the old camera when the new one cannot be opened', async () => {
    const call = await withVideo();
    env.media.deny = { video: 'NotReadableError' };
    await expect(call.setCamera('cam-2')).rejects.toMatchObject({ code: 'camera.in_use' });
    expect(env.media.opened[1]!.readyState).toBe('live');
    expect(call.hasCamera).toBe(true);
  });
});

describe('transfer', () => {
  it('blind: says how it goes, and ends the call here', async () => {
    const call = await talk();
    const states: unknown[] = [];
    call.on('transfer', (t) => states.push(t?.state));
    const done = call.transfer('agent2');
    await settle();
    expect(env.gateway.last('transfer')).toMatchObject({ call: 'c1', destination: 'agent2' });
    await reply('transfer', fields('connected', { transfer: { state: 'trying', to: 'agent2' } }));
    await say({ transfer: { state: 'ringing', to: 'agent2' } });
    expect(call.transferInfo).toEqual({ state: 'ringing', to: 'agent2', text: undefined });
    await say({ reason: 'transferred', text: 'The call is with Noa now.', by: 'agent' }, 'ended');
    await done;
    expect(states).toEqual(['trying', 'ringing']);
    expect(call.ended).toMatchObject({ reason: 'transferred' });
  });

  it('that fails leaves the call with the agent and says why', async () => {
    const call = await talk();
    const done = call.transfer('agent2');
    done.catch(() => undefined);
    await settle();
    await reply('transfer', fields('connected', { transfer: { state: 'trying', to: 'agent2' } }));
    await say({ transfer: { state: 'failed', to: 'agent2', text: 'Noa did not answer.' } });
    await expect(done).rejects.toMatchObject({ code: 'transfer.failed', message: 'Noa did not answer.' });
    expect(call.state).toBe('connected');
    expect(call.transferInfo?.state).toBe('failed');
    // And again.
    const again = call.transfer('agent3');
    await settle();
    await say({ transfer: { state: 'done', to: 'agent3' } });
    await again;
  });

  it('that is refused at once rejects with the reason', async () => {
    const call = await talk();
    const done = call.transfer('nobody');
    done.catch(() => undefined);
    await settle();
    await reply('transfer', { type: 'error', reason: 'destination_unknown', text: 'Nobody has this name.', call: 'c1' });
    await expect(done).rejects.toMatchObject({ code: 'destination_unknown' });
    expect(call.transferInfo).toBeNull();
  });

  it('can be called off', async () => {
    const call = await talk();
    const done = call.transfer('agent2');
    done.catch(() => undefined);
    await say({ transfer: { state: 'ringing', to: 'agent2' } });
    await expect(call.transfer('agent3')).rejects.toMatchObject({ code: 'call.state' });
    call.cancelTransfer();
    await expect(done).rejects.toMatchObject({ code: 'transfer.cancelled' });
    await settle();
    expect(env.gateway.last('cancelTransfer')).toMatchObject({ call: 'c1' });
    await say({ transfer: { state: 'failed', to: 'agent2', text: 'You took the call back.' } });
    expect(call.transferInfo).toBeNull();
    const again = call.transfer('agent2');
    await say({ transfer: { state: 'done', to: 'agent2' } });
    await again;
  });

  it('needs the gateway’s leave', async () => {
    const call = await talk();
    await say({ can: { ...can, transfer: false } });
    await expect(call.transfer('agent2')).rejects.toMatchObject({ code: 'call.not_allowed' });
  });
});

describe('before the answer', () => {
  it('a ringing tone is played here while the far end sends none', async () => {
    const call = await dial();
    expect(env.audio.tones).toEqual([425]);
    await env.clock.advance(5_000);
    expect(env.audio.tones).toEqual([425, 425]);
    await say({}, 'connecting');
    await env.clock.advance(20_000);
    expect(env.audio.tones).toHaveLength(2);
    const again = await dial();
    again.end();
    await env.clock.advance(20_000);
    expect(env.audio.tones).toHaveLength(3);
    call.end();
  });

  it('an announcement of the far end is played instead', async () => {
    const call = await dial();
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'early answer' });
    await say({ early: true }, 'ringing');
    env.peer.connect();
    expect(call.state).toBe('ringing');
    expect(call.early).toBe(true);
    expect(call.remoteStream!.getAudioTracks()).toHaveLength(1);
    call.sendDtmf('1'); // A menu may ask before anybody answers.
    await settle();
    expect([env.peer.tones, env.gateway.last('dtmf')]).toEqual([['1'], undefined]);
    await env.clock.advance(20_000);
    expect(env.audio.tones).toEqual([425]);
    await say({ early: false });
    expect(call.state).toBe('connected');
  });

  it('no tone waits for a gesture to come', async () => {
    env.audio.state = 'suspended';
    env.audio.resume = () => new Promise(() => undefined);
    await dial();
    await env.clock.advance(12_000);
    expect(env.audio.tones).toEqual([]);
    env.audio.state = 'running';
    await env.clock.advance(300);
    expect(env.audio.tones).toEqual([425]);
  });

  it('is also played to who is passed on, while the next one rings', async () => {
    const call = await talk();
    const before = env.audio.tones.length;
    await say({ peerHeld: true });
    expect(env.audio.tones).toHaveLength(before);
    await say({ peerHeld: true, peerTransfer: 'ringing' });
    expect(env.audio.tones.slice(before)).toEqual([425]);
    await say({});
    await env.clock.advance(20_000);
    expect(env.audio.tones).toHaveLength(before + 1);
    call.end();
  });

  it('can be silent', async () => {
    const call = await dial({ ringback: false });
    expect(env.audio.tones).toEqual([]);
    await say({ peerHeld: true, peerTransfer: 'ringing' });
    expect(env.audio.tones).toEqual([]);
    call.end();
  });
});

describe('keys', () => {
  const sent = () => env.gateway.last('dtmf');
  it('go in the media, or as information, or both, as asked', async () => {
    const call = await talk();
    call.sendDtmf('1');
    await settle();
    expect([env.peer.tones, sent()?.method]).toEqual([['1'], 'rfc4733']);
    call.sendDtmf('2', { method: 'info' });
    await settle();
    expect([env.peer.tones, sent()?.method]).toEqual([['1'], 'info']);
    call.sendDtmf('3', { method: 'both', audible: true });
    await settle();
    expect([env.peer.tones, sent()?.method]).toEqual([['1', '3'], 'both']);
    expect(env.audio.tones.slice(-2)).toEqual([697, 1477]);
  });

  it('go as information where RFC 4733 was not agreed', async () => {
    env.telephoneEvents = false;
    const call = await talk();
    call.sendDtmf('5', { method: 'both' });
    await settle();
    expect([env.peer.tones, sent()?.method]).toEqual([[], 'info']);
  });
});

describe('an agent', () => {
  let agent: AgentClient;
  const second = { ...fields('ringing'), call: 'c2', peer: { name: 'Noa', address: 'agent2' } };

  beforeEach(async () => {
    env.gateway.role = 'agent';
    agent = new AgentClient({ environment: env });
    await agent.connect();
  });

  async function first(extra: object = {}): Promise<Call> {
    const calls: Call[] = [];
    agent.on('incoming', (call) => calls.push(call));
    env.gateway.send({ ...fields('ringing', { direction: 'in', ...extra }), type: 'incoming', sdp: 'offer audio' });
    await calls[0]!.answer();
    env.gateway.send(fields('connected', { direction: 'in', ...extra }));
    env.peer.connect();
    return calls[0]!;
  }

  it('hears who is calling, through which group, and who passed the call on', async () => {
    const call = await first({
      peer: { name: 'Ada', address: 'sip:+4930@x', kind: 'phone', number: '+4930123' }, group: 'Claims', transferredBy: 'Noa', autoAnswer: true, correlationId: 'k-1', uui: 'order 4711', assist: { cid: 'c-9' },
    });
    expect(call.peer).toEqual({ name: 'Ada', address: 'sip:+4930@x', kind: 'phone', number: '+4930123' });
    expect([call.group, call.transferredBy, call.autoAnswer, call.correlationId, call.uui, call.assistCid]).toEqual(['Claims', 'Noa', true, 'k-1', 'order 4711', 'c-9']);
  });

  it('dials out: voice, unless video is asked for', async () => {
    const call = agent.call({ destination: 'tel:+49301234' });
    await settle();
    expect(env.gateway.last('dial')).toMatchObject({ destination: 'tel:+49301234', media: { audio: true, video: false } });
    await reply('dial', fields('ended', { reason: 'no_trunk', text: 'No trunk.', by: 'system' }));
    expect(call.ended?.reason).toBe('no_trunk');
    expect(agent.calls).toEqual([]);
  });

  it('asks a colleague while the customer is held, and joins both', async () => {
    const customer = await first();
    const consulting = agent.consult(customer, { destination: 'agent2' });
    await settle();
    expect(env.gateway.last('dial')).toBeUndefined();
    await reply('hold', fields('connected', { direction: 'in', held: true }));
    const colleague = await consulting;
    await settle();
    await reply('dial', second);
    expect([customer.held, colleague.id]).toEqual([true, 'c2']);
    const third = agent.call({ destination: 'agent3' });
    await settle();
    expect(third.ended?.reason).toBe('call.too_many');
    env.gateway.send({ ...second, state: 'connected' });
    const joined = customer.transferTo(colleague);
    await settle();
    expect(env.gateway.last('transfer')).toMatchObject({ call: 'c1', to: 'c2' });
    for (const call of ['c1', 'c2']) env.gateway.send({ ...fields('ended', { reason: 'transferred', by: 'agent' }), call });
    await joined;
    expect(agent.calls).toEqual([]);
    expect(env.media.live).toEqual([]);
  });

  it('swaps between both', async () => {
    const customer = await first();
    const consulting = agent.consult(customer, { destination: 'agent2' });
    await settle();
    await reply('hold', fields('connected', { direction: 'in', held: true }));
    const colleague = await consulting;
    await settle();
    await reply('dial', second);
    env.gateway.send({ ...second, state: 'connected' });
    const swapped = agent.swap(colleague, customer);
    await settle();
    expect(env.gateway.last('hold')).toMatchObject({ call: 'c2', held: true });
    await reply('hold', { ...second, state: 'connected', held: true });
    expect(env.gateway.last('hold')).toMatchObject({ call: 'c1', held: false });
    await reply('hold', fields('connected', { direction: 'in' }));
    await swapped;
    expect([customer.held, colleague.held]).toEqual([false, true]);
  });

  it('finds a held call held after a reload, and hangs up what only rang', async () => {
    const gateway = env.gateway;
    gateway.drop(1001);
    env = new FakeEnvironment();
    (env as { gateway: unknown }).gateway = gateway;
    gateway.calls = [fields('connected', { direction: 'in', held: true }), second];
    agent = new AgentClient({ environment: env });
    const back: Call[] = [];
    agent.on('rejoined', (call) => back.push(call));
    await agent.connect();
    await settle();
    expect(back.map((call) => [call.id, call.held])).toEqual([['c1', true]]);
    expect(env.media.opened.every((t) => !t.enabled)).toBe(true);
    expect(gateway.last('end')).toMatchObject({ call: 'c2' });
  });
});
