// 1,000 short calls: nothing is left behind — sessions, calls, legs, file descriptors, memory.
import fs from 'node:fs';
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';
import { agentToken, consumerToken, sdp, Session } from '../lib/session.mjs';
import { request } from '../lib/stack.mjs';

// The warm-up fills what is bounded: the records of the last 500 calls, above all.
const CALLS = 1000, WARM = 600;
const memory = (child) => Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8'))[1]);
const descriptors = (child) => fs.readdirSync(`/proc/${child.pid}/fd`).length;
const threads = (child) => fs.readdirSync(`/proc/${child.pid}/task`).length;

async function oneCall(stack, agent, user, ending) {
  const consumer = await Session.open(stack, await consumerToken(stack, { destination: user, name: 'Soak' }));
  consumer.send({ type: 'dial', destination: user, sdp: sdp('actpass'), media: { audio: true, video: true } });
  const incoming = await agent.wait((m) => m.type === 'incoming');
  const mine = (m) => m.call === incoming.call;
  if (ending === 'reject') agent.send({ type: 'reject', call: incoming.call });
  else if (ending === 'cancel') consumer.send({ type: 'end', call: incoming.call });
  else {
    agent.send({ type: 'answer', call: incoming.call, sdp: sdp('active') });
    await consumer.wait((m) => m.type === 'sdp' && m.kind === 'answer');
    if (ending === 'leave') { await consumer.bye(); } else (ending === 'agent' ? agent : consumer).send({ type: 'end', call: incoming.call });
  }
  await agent.wait((m) => m.type === 'call' && mine(m) && m.state === 'ended');
  if (ending !== 'leave') {
    await consumer.wait((m) => m.type === 'call' && m.state === 'ended');
    await consumer.bye();
  }
}

export const cases = [{
  name: `soak: ${CALLS} short calls end with the counts they began with`, limit: 900000,
  settings: { 'gateway.tokens_per_minute': 100000, 'gateway.dials_per_minute': 100000 },
  async run({ stack }) {
    const endings = ['consumer', 'agent', 'reject', 'cancel', 'leave'];
    const agents = await Promise.all(['agent1', 'agent2'].map(async (user) => {
      const session = await Session.open(stack, await agentToken(stack, user));
      session.send({ type: 'availability', state: 'available' });
      await session.wait((m) => m.type === 'availability' && m.state === 'available');
      return { user, session };
    }));
    const lane = async ({ user, session }, count) => {
      for (let i = 0; i < count; i++) {
        // A page may send 50 messages a second; an agent here needs up to three a call.
        const slot = new Promise((done) => setTimeout(done, 60));
        await oneCall(stack, session, user, endings[i % endings.length]).catch((e) => { e.message = `call ${i} ${endings[i % endings.length]}: ${e.message}`; throw e; });
        await slot;
        await session.wait((m) => m.type === 'availability' && m.state === 'available').catch(() => {});
      }
    };
    const status = async () => (await request(`https://127.0.0.1:${stack.controlPort}/v1/status`, { headers: { authorization: 'Basic ' +
      Buffer.from(`parley:${fs.readFileSync(`${stack.state}/broker-control.secret`, 'utf8').trim()}`).toString('base64') } })).json;
    const counts = async () => ({
      current: (await stack.calls()).current.length,
      sessions: await stack.metric('parley_gateway_sessions'),
      brokerCalls: (await status()).calls, legs: (await status()).legs,
      mediaDescriptors: descriptors(stack.media), serverDescriptors: descriptors(stack.server),
      mediaThreads: threads(stack.media), serverThreads: threads(stack.server),
    });
    const settle = async (want) => until('counts as at the beginning', async () => {
      const now = await counts();
      // A kept-alive connection to the broker or of this test may come or go.
      const same = Object.keys(want).every((k) => (k.endsWith('Descriptors') ? Math.abs(now[k] - want[k]) <= 4 : now[k] === want[k]));
      return same || Promise.reject(new Error(`${JSON.stringify(now)} instead of ${JSON.stringify(want)}`));
    }, 30000);

    await Promise.all(agents.map((a) => lane(a, WARM / 2)));
    await new Promise((done) => setTimeout(done, 2000));
    const before = await counts();
    assert(before.current === 0 && before.brokerCalls === 0 && before.legs === 0, `left after the warm-up: ${JSON.stringify(before)}`);
    const kilobytes = { media: memory(stack.media), server: memory(stack.server) };
    await Promise.all(agents.map((a) => lane(a, CALLS / 2)));
    await settle(before);
    const after = { media: memory(stack.media), server: memory(stack.server) };
    console.log(`       memory, kB PSS: media ${kilobytes.media} → ${after.media}, server ${kilobytes.server} → ${after.server}`);
    // A leak of 3 kB a call would be 3 MB.
    assert(after.media - kilobytes.media < 3000, 'the broker grew');
    assert(after.server - kilobytes.server < 3000, 'the server grew');
    for (const { session } of agents) await session.bye();
  },
}];
