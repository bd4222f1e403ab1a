import { AgentClient, type Call } from '@parley/sdk';
import { FakeEnvironment, settle } from '@parley/sdk/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { Desk, kAutoAnswerMs } from './desk';

let env: FakeEnvironment;
let desk: Desk;
let events: string[];

const can = { hold: true, transfer: true, video: true, dtmf: true };
const fields = (id: string, state: string, extra: object = {}) => ({
  type: 'call', call: id, state, direction: 'in', peer: { name: 'Ada', address: 'consumer' }, media: { audio: true, video: false }, can,
  startedAt: id === 'c1' ? '2026-01-31T12:00:00Z' : '2026-01-31T12:05:00Z', ...extra,
});
const ring = async (id = 'c1', extra: object = {}) => {
  env.gateway.send({ ...fields(id, 'ringing', extra), type: 'incoming', sdp: 'offer audio' });
  await settle();
};
const say = async (id: string, state: string, extra: object = {}) => {
  env.gateway.send(fields(id, state, extra));
  await settle();
};

beforeEach(async () => {
  env = new FakeEnvironment();
  env.gateway.role = 'agent';
  const client = new AgentClient({ environment: env });
  desk = new Desk(client, () => ({}), (call) => call.peer.name);
  events = [];
  for (const name of ['rings', 'quiet', 'autoAnswer', 'entered', 'left', 'error'] as const) {
    desk.on(name, (detail: unknown) => events.push(name === 'error' ? `error ${(detail as { code: string }).code}` : name));
  }
  // The gateway does what it is asked to.
  env.gateway.onMessage = (m) => {
    if (m.type === 'hold') env.gateway.send({ ...fields(m.call as string, 'connected', { held: m.held, direction: m.call === 'c1' ? 'in' : 'out' }), request: m.request });
    if (m.type === 'dial') env.gateway.send({ ...fields('c2', 'ringing', { direction: 'out', peer: { name: 'Noa', address: 'agent2' } }), request: m.request });
    if (m.type === 'transfer') for (const id of ['c1', 'c2']) env.gateway.send(fields(id, 'ended', { reason: 'transferred', by: 'agent' }));
  };
  await client.connect();
});

async function talk(): Promise<Call> {
  await ring();
  await desk.answer();
  await say('c1', 'connected');
  return desk.active!;
}

async function consult(): Promise<void> {
  await talk();
  await desk.dial('agent2');
  await settle();
  await say('c2', 'connected', { direction: 'out', peer: { name: 'Noa', address: 'agent2' } });
}

describe('Desk', () => {
  it('rings, is answered, and remembers how the call ended', async () => {
    await ring();
    expect([desk.ringing?.id, events]).toEqual(['c1', ['rings']]);
    await desk.answer();
    await say('c1', 'connected');
    expect([desk.ringing, desk.active?.id]).toEqual([null, 'c1']);
    await say('c1', 'ended', { reason: 'hung_up', by: 'consumer' });
    expect([desk.active, desk.last]).toMatchObject([null, { id: 'c1', name: 'Ada', ended: { reason: 'hung_up' } }]);
    expect(events.filter((e) => e !== 'quiet')).toEqual(['rings', 'entered', 'left']);
  });

  it('answers by itself after the tone where the gateway says so, and not when the caller gave up', async () => {
    await ring('c1', { autoAnswer: true });
    expect(events).toEqual(['autoAnswer']);
    expect(desk.automatic?.id).toBe('c1');
    await env.clock.advance(kAutoAnswerMs - 1);
    expect(env.gateway.last('answer')).toBeUndefined();
    await env.clock.advance(1);
    expect(env.gateway.last('answer')).toMatchObject({ call: 'c1' });
    await say('c1', 'ended', { reason: 'hung_up' });
    env.gateway.messages.length = 0;
    await ring('c3', { autoAnswer: true });
    await say('c3', 'ended', { reason: 'cancelled' });
    await env.clock.advance(5_000);
    expect(env.gateway.last('answer')).toBeUndefined();
  });

  it('does not answer a second call by itself', async () => {
    await talk();
    await ring('c2', { autoAnswer: true });
    await env.clock.advance(5_000);
    expect(desk.ringing?.id).toBe('c2');
    await desk.answer();
    expect(env.gateway.last('hold')).toMatchObject({ call: 'c1', held: true });
    await say('c2', 'connected');
    expect([desk.active?.id, desk.other?.id]).toEqual(['c2', 'c1']);
  });

  it('holds the customer while it calls a colleague, and no third one', async () => {
    await consult();
    expect(env.gateway.messages.filter((m) => ['hold', 'dial'].includes(m.type as string)).map((m) => m.type)).toEqual(['hold', 'dial']);
    expect([desk.active?.id, desk.other?.id, desk.other?.held]).toEqual(['c2', 'c1', true]);
    expect(desk.consult).toMatchObject({ customer: { id: 'c1' }, colleague: { id: 'c2' } });
    await desk.dial('agent3');
    expect(events).toContain('error call.too_many');
  });

  it('does not dial when the hold is refused', async () => {
    await talk();
    env.gateway.onMessage = (m) => m.type === 'hold' && env.gateway.send({ type: 'error', reason: 'call.wrong_state', text: 'no', request: m.request, call: 'c1' });
    await desk.dial('agent2');
    expect([desk.active?.id, desk.other, env.gateway.last('dial')]).toEqual(['c1', null, undefined]);
    expect(events).toContain('error call.wrong_state');
  });

  it('swaps, and knows the customer all the same', async () => {
    await consult();
    await desk.swap();
    expect([desk.active?.id, desk.other?.id, desk.other?.held]).toEqual(['c1', 'c2', true]);
    expect(desk.consult?.customer.id).toBe('c1');
  });

  it('joins both and tells of the customer', async () => {
    await consult();
    await desk.complete();
    expect([desk.active, desk.other]).toEqual([null, null]);
    expect(desk.last).toMatchObject({ id: 'c1', ended: { reason: 'transferred' } });
  });

  it('goes back to the customer', async () => {
    await consult();
    await desk.back();
    expect(env.gateway.last('end')).toMatchObject({ call: 'c2' });
    expect([desk.active?.id, desk.active?.held, desk.other]).toEqual(['c1', false, null]);
  });

  it('is the colleague: the customer’s call comes in the place of the consult, without ringing', async () => {
    await talk(); // With the agent who asks.
    events.length = 0;
    await ring('c9', { autoAnswer: true, replaces: 'c1', transferredBy: 'Robin', peer: { name: 'Ada', address: 'consumer' } });
    expect(env.gateway.last('answer')).toMatchObject({ call: 'c9' });
    expect(env.gateway.last('hold')).toBeUndefined();
    await say('c9', 'connected');
    await say('c1', 'ended', { reason: 'transferred', by: 'agent' });
    expect([desk.active?.id, desk.other, desk.last]).toEqual(['c9', null, null]);
    expect(events.filter((e) => e === 'rings' || e === 'autoAnswer')).toEqual([]);
  });

  it('keeps the held customer when the colleague hangs up', async () => {
    await consult();
    await say('c2', 'ended', { reason: 'hung_up', direction: 'out' });
    expect([desk.active?.id, desk.active?.held, desk.other]).toEqual(['c1', true, null]);
  });

  describe('conference', () => {
    beforeEach(async () => {
      await talk();
      env.peer.connect();
      await desk.dial('agent2');
      await settle();
      env.gateway.send({ type: 'sdp', call: 'c2', kind: 'answer', sdp: 'answer' });
      await settle();
      env.peer.connect();
      await say('c2', 'connected', { direction: 'out', peer: { name: 'Noa', address: 'agent2' } });
      await desk.talkTogether();
    });

    it('takes the customer back and leaves the colleague in view', () => {
      expect(desk.conference?.calls.map((call) => call.id)).toEqual(['c1', 'c2']);
      expect([desk.active?.id, desk.other?.id, desk.other?.held, desk.joining]).toEqual(['c2', 'c1', false, false]);
    });

    it('shows the other one without holding anybody', async () => {
      const holds = env.gateway.messages.filter((m) => m.type === 'hold').length;
      await desk.swap();
      expect([desk.active?.id, desk.other?.id]).toEqual(['c1', 'c2']);
      expect(env.gateway.messages.filter((m) => m.type === 'hold').length).toBe(holds);
      expect(desk.conference?.state).toBe('running');
    });

    it('splits: the held customer lies beside, whoever was in view', async () => {
      await desk.swap();
      await desk.split();
      await settle();
      expect([desk.active?.id, desk.active?.held, desk.other?.id, desk.other?.held, desk.conference]).toEqual(['c2', false, 'c1', true, null]);
    });

    it('ends like a split when a call is held by its own button', async () => {
      await desk.active!.hold();
      await settle();
      expect([desk.active?.id, desk.other?.id, desk.other?.held, desk.conference]).toEqual(['c1', 'c2', true, null]);
    });

    it('goes on with who is left', async () => {
      await say('c1', 'ended', { reason: 'hung_up', by: 'consumer' });
      expect([desk.active?.id, desk.other, desk.conference, desk.last?.id]).toEqual(['c2', null, null, 'c1']);
    });

    it('is left to the two others', async () => {
      await desk.complete();
      await settle();
      expect([desk.active, desk.other, desk.conference, desk.last?.ended.reason]).toEqual([null, null, null, 'transferred']);
    });

    it('says why it could not be made', async () => {
      await desk.split();
      await settle();
      env.audio.blocked = true;
      Object.assign(env, { createAudioContext: () => null });
      await desk.talkTogether();
      expect(events).toContain('error browser.unsupported');
      expect([desk.other?.held, desk.joining]).toEqual([true, false]);
    });
  });
});
