// A conference of three: what is wired to what, and that it comes and goes with the calls it joins.
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment, settle } from '../testing/index';
import type { FakeAudioContext, FakePeerConnection, FakeTrack } from '../testing/index';
import { AgentClient } from './agent_client';
import type { Call } from './call';
import type { Conference, ConferenceEnd } from './conference';

let env: FakeEnvironment;
let agent: AgentClient;
let customer: Call;
let colleague: Call;
let refuseHold: string | null;

const can = { hold: true, transfer: true, video: true, dtmf: true };
const fields = (id: string, state: string, extra: object = {}) => ({
  type: 'call', call: id, state, direction: id === 'c1' ? 'in' : 'out', peer: { name: id === 'c1' ? 'Ada' : '2001', address: id }, media: { audio: true, video: false }, can,
  startedAt: id === 'c1' ? '2026-01-31T12:00:00Z' : '2026-01-31T12:05:00Z', ...extra,
});
const say = async (id: string, state: string, extra: object = {}) => {
  env.gateway.send(fields(id, state, extra));
  await settle();
};
const kinds = (type: string) => env.gateway.messages.filter((m) => m.type === type);

function page(stored?: Map<string, string>): void {
  const gateway = env?.gateway;
  env = new FakeEnvironment(stored);
  if (stored) (env as { gateway: unknown }).gateway = gateway;
  env.gateway.role = 'agent';
  agent = new AgentClient({ environment: env });
  env.gateway.onMessage = (m) => {
    if (m.type === 'hold' && m.call === refuseHold) env.gateway.send({ type: 'error', reason: 'call.wrong_state', text: 'No.', request: m.request, call: m.call });
    else if (m.type === 'hold') env.gateway.send({ ...fields(m.call as string, 'connected', { held: m.held }), request: m.request });
    if (m.type === 'dial') env.gateway.send({ ...fields('c2', 'ringing'), request: m.request });
  };
}

/** Ada is held, the agent speaks with 2001. */
beforeEach(async () => {
  refuseHold = null;
  page();
  await agent.connect();
  agent.on('incoming', (call) => (customer = call));
  env.gateway.send({ ...fields('c1', 'ringing'), type: 'incoming', sdp: 'offer audio' });
  await customer.answer();
  env.peer.connect();
  await say('c1', 'connected');
  colleague = await agent.consult(customer, { destination: '2001' });
  await settle();
  env.gateway.send({ type: 'sdp', call: 'c2', kind: 'answer', sdp: 'answer' });
  await settle();
  env.peer.connect();
  await say('c2', 'connected');
});

const peer = (i: 0 | 1): FakePeerConnection => env.peers[env.peers.length - 2 + i]!;
const sent = (i: 0 | 1) => peer(i).getTransceivers()[0]!.sender.track as FakeTrack;
const theirs = (i: 0 | 1) => peer(i).getTransceivers()[0]!.receiver.track;
const mine = (call: Call) => call.localStream!.getAudioTracks()[0] as unknown as FakeTrack;
const mixed = (i: 0 | 1, context: FakeAudioContext = env.audio) => context.outputs[i]!.stream.getAudioTracks()[0]!;
const inMix = (i: 0 | 1) => [...env.audio.outputs[i]!.inputs].map((node) => node.track);
const join = () => agent.conference(customer, colleague);
/** Nothing of the conference is left in the calls that still run. */
function plain(...calls: [0 | 1, Call][]): void {
  for (const [i, call] of calls) expect(sent(i)).toBe(mine(call));
  expect(env.audio.outputs.every((out) => out.inputs.size === 0)).toBe(true);
  expect(env.audio.state).toBe('closed');
  expect(env.players.every((player) => player.srcObject === null)).toBe(true);
  expect(agent.currentConference).toBeNull();
}

describe('conference', () => {
  it('takes the customer back and sends each the microphone and the other one, and nobody himself', async () => {
    const conference = await join();
    expect([conference.state, customer.held, colleague.held]).toEqual(['running', false, false]);
    expect(inMix(0)).toEqual([mine(customer), theirs(1)]);
    expect(inMix(1)).toEqual([theirs(0), mine(colleague)]);
    expect([sent(0), sent(1)]).toEqual([mixed(0), mixed(1)]);
    expect(env.audio.outputs.map((out) => out.channelCount)).toEqual([1, 1]);
    expect([mine(customer), mine(colleague), theirs(0), theirs(1)].every((track) => track.enabled)).toBe(true);
    expect(kinds('conference').map(({ call, to }) => [call, to])).toEqual([['c1', 'c2'], ['c2', 'c1']]);
  });

  it('plays both calls, also the one that no element of the page shows', async () => {
    await join();
    expect(env.players.map((player) => [player.muted, player.srcObject?.getAudioTracks()[0]])).toEqual([[false, theirs(0)], [false, theirs(1)]]);
  });

  it('mutes the microphone for both and leaves the two others to each other', async () => {
    const conference = await join();
    const muted: boolean[] = [];
    conference.on('muted', (m) => muted.push(m));
    colleague.muteAudio();
    expect([customer.muted.audio, colleague.muted.audio, conference.muted]).toEqual([true, true, true]);
    expect([mine(customer).enabled, mine(colleague).enabled, theirs(0).enabled, theirs(1).enabled, mixed(0).enabled]).toEqual([false, false, true, true, true]);
    expect(kinds('mute').map((m) => m.call)).toEqual(['c2', 'c1']);
    conference.muteAudio(false);
    expect([mine(customer).enabled, mine(colleague).enabled]).toEqual([true, true]);
    expect(muted.at(-1)).toBe(false);
  });

  it('keeps a microphone that was off before off for both', async () => {
    colleague.muteAudio();
    await join();
    expect(customer.muted.audio).toBe(true);
  });

  it('splits: the customer is held again and the consult is as before', async () => {
    const conference = await join();
    const ends: ConferenceEnd[] = [];
    conference.on('ended', (end) => ends.push(end));
    await conference.split(customer);
    await settle();
    expect([customer.held, colleague.held]).toEqual([true, false]);
    expect(ends).toEqual([{ reason: 'held', call: customer }]);
    plain([0, customer], [1, colleague]);
    expect(mine(customer).enabled).toBe(false);
    expect(env.media.live).toHaveLength(2);
  });

  it('stays when the hold is refused', async () => {
    const conference = await join();
    refuseHold = 'c1';
    await expect(conference.split(customer)).rejects.toMatchObject({ code: 'call.wrong_state' });
    await settle();
    expect([conference.state, customer.held]).toEqual(['running', false]);
    expect([sent(0), sent(1)]).toEqual([mixed(0), mixed(1)]);
    expect(mine(customer).enabled).toBe(true);
  });

  it('leaves a plain call when either hangs up', async () => {
    const conference = await join();
    await say('c2', 'ended', { reason: 'hung_up' });
    expect(conference.ended).toEqual({ reason: 'call_ended', call: colleague });
    plain([0, customer]);
    expect([customer.state, mine(customer).enabled]).toEqual(['connected', true]);
    expect(kinds('conference').at(-1)).toMatchObject({ call: 'c1', to: '' });
  });

  it('leaves the two to each other, as a transfer', async () => {
    const conference = await join();
    const left = conference.leave();
    await settle();
    expect(env.gateway.last('transfer')).toMatchObject({ call: 'c1', to: 'c2' });
    expect(sent(0)).toBe(mixed(0));
    for (const id of ['c1', 'c2']) await say(id, 'ended', { reason: 'transferred', by: 'agent' });
    await left;
    expect(conference.ended?.reason).toBe('transferred');
    expect(env.media.live).toEqual([]);
    plain();
  });

  it('takes another microphone into both mixes', async () => {
    await join();
    const before = [mine(customer), mine(colleague)];
    await colleague.setMicrophone('mic-2');
    await settle();
    expect([mine(customer), mine(colleague)].some((track) => before.includes(track))).toBe(false);
    expect(inMix(0)).toContain(mine(customer));
    expect(inMix(1)).toContain(mine(colleague));
    expect([sent(0), sent(1)]).toEqual([mixed(0), mixed(1)]);
    expect(env.media.live).toHaveLength(2);
  });

  it('goes on over a new peer connection of one call', async () => {
    await join();
    peer(0).connection('failed');
    await settle();
    env.gateway.send({ type: 'sdp', call: 'c1', kind: 'answer', sdp: 'answer', request: env.gateway.last('restart')?.request });
    await settle();
    env.peer.connect();
    await settle();
    const anew = env.peer.getTransceivers()[0]!;
    expect(env.peers).toHaveLength(3);
    expect(anew.sender.track).toBe(mixed(0));
    expect(inMix(1)).toContain(anew.receiver.track);
    expect(env.audio.outputs[1]!.inputs.size).toBe(2);
  });

  it('sends the microphones themselves while the browser gives no sound', async () => {
    const conference = await join();
    env.audio.blocked = true;
    env.audio.become('interrupted');
    await settle();
    expect(conference.state).toBe('interrupted');
    expect([sent(0), sent(1)]).toEqual([mine(customer), mine(colleague)]);
    expect(kinds('conference').slice(-2).map(({ to }) => to)).toEqual(['', '']);
    env.audio.blocked = false;
    await conference.resume();
    await settle();
    expect(conference.state).toBe('running');
    expect([sent(0), sent(1)]).toEqual([mixed(0), mixed(1)]);
    expect(kinds('conference').slice(-2).map(({ to }) => to)).toEqual(['c2', 'c1']);
  });

  it('does not take the customer back before the browser gives sound', async () => {
    env.audio.state = 'suspended';
    env.audio.blocked = true;
    const holds = kinds('hold').length;
    const joining = join();
    joining.catch(() => undefined);
    await env.clock.advance(2_000);
    await expect(joining).rejects.toMatchObject({ code: 'conference.blocked' });
    expect([kinds('hold').length, customer.held, agent.currentConference]).toEqual([holds, true, null]);
    expect(kinds('conference')).toEqual([]);
  });

  it('leaves all as it was when the customer cannot be taken back', async () => {
    refuseHold = 'c1';
    await expect(join()).rejects.toMatchObject({ code: 'call.wrong_state' });
    expect([customer.held, colleague.held]).toEqual([true, false]);
    plain([1, colleague]);
  });

  it('puts the customer on hold again when there is no microphone to mix', async () => {
    peer(1).getTransceivers()[0]!.direction = 'recvonly';
    await expect(join()).rejects.toMatchObject({ code: 'conference.failed' });
    await settle();
    expect(customer.held).toBe(true);
    plain([0, customer]);
  });

  it('is only of two calls that run, and one at a time', async () => {
    await expect(agent.conference(customer, customer)).rejects.toMatchObject({ code: 'call.state' });
    await join();
    await expect(join()).rejects.toMatchObject({ code: 'call.state' });
    await say('c2', 'ended', { reason: 'hung_up' });
    await expect(join()).rejects.toMatchObject({ code: 'call.state' });
  });

  describe('after a reload', () => {
    let again: Conference[];
    let notices: string[];
    async function reload(blocked: boolean): Promise<void> {
      await join();
      env.gateway.drop(1001);
      env.gateway.calls = [fields('c1', 'reconnecting', { conference: { name: '2001', call: 'c2' } }), fields('c2', 'reconnecting', { conference: { name: 'Ada', call: 'c1' } })];
      page(new Map());
      again = [];
      notices = [];
      agent.on('conference', (conference) => again.push(conference));
      agent.on('notice', (error) => notices.push(error.code));
      if (blocked) Object.assign(env.audio, { state: 'suspended', blocked: true });
      await agent.connect();
      await settle();
      [customer, colleague] = agent.calls as [Call, Call];
      for (const m of kinds('restart').slice(-2)) env.gateway.send({ type: 'sdp', call: m.call as string, kind: 'answer', sdp: 'answer', request: m.request });
      await settle();
      for (const one of env.peers) one.connect();
      for (const id of ['c1', 'c2']) await say(id, 'connected', { conference: { name: 'x', call: id === 'c1' ? 'c2' : 'c1' } });
      await settle();
    }

    it('comes back with both calls', async () => {
      await reload(false);
      expect(again.map((conference) => [conference.state, conference.calls.map((call) => call.id)])).toEqual([['running', ['c1', 'c2']]]);
      expect(inMix(0)).toEqual([mine(customer), theirs(1)]);
      expect(notices).toEqual([]);
    });

    it('ends in words where the browser wants a click first', async () => {
      await reload(true);
      await env.clock.advance(2_000);
      await settle();
      expect([again, notices]).toEqual([[], ['conference.blocked']]);
      expect(kinds('conference').slice(-2).map(({ call, to }) => [call, to])).toEqual([['c1', ''], ['c2', '']]);
      Object.assign(env.audio, { blocked: false });
      await join();
      expect(agent.currentConference?.state).toBe('running');
    });
  });
});
