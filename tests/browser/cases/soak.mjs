// 1,000 short calls, and bad input of every kind: nothing is left behind — sessions, calls, legs, file descriptors, memory.
import crypto from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import tls from 'node:tls';
import WebSocket from 'ws';
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';
import { agentToken, consumerToken, sdp, Session } from '../lib/session.mjs';
import { request } from '../lib/stack.mjs';

// The warm-ups fill what is bounded: the records of the last 500 calls, above all.
const CALLS = 1000, WARM = 600, ROUNDS = 130;
const memory = (child) => Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8'))[1]);
const descriptors = (child) => fs.readdirSync(`/proc/${child.pid}/fd`).length;
const threads = (child) => fs.readdirSync(`/proc/${child.pid}/task`).length;

const status = async (stack) => (await request(`https://127.0.0.1:${stack.controlPort}/v1/status`, { headers: { authorization: 'Basic ' +
  Buffer.from(`parley:${fs.readFileSync(`${stack.state}/broker-control.secret`, 'utf8').trim()}`).toString('base64') } })).json;
const counts = async (stack) => ({
  current: (await stack.calls()).current.length,
  sessions: await stack.metric('parley_gateway_sessions'),
  brokerCalls: (await status(stack)).calls, legs: (await status(stack)).legs,
  mediaDescriptors: descriptors(stack.media), serverDescriptors: descriptors(stack.server),
  mediaThreads: threads(stack.media), serverThreads: threads(stack.server),
});
const settle = async (stack, want) => until('counts as at the beginning', async () => {
  const now = await counts(stack);
  // A kept-alive connection to the broker or of this test may come or go.
  const same = Object.keys(want).every((k) => (k.endsWith('Descriptors') ? Math.abs(now[k] - want[k]) <= 4 : now[k] === want[k]));
  return same || Promise.reject(new Error(`${JSON.stringify(now)} instead of ${JSON.stringify(want)}`));
}, 30000);

async function available(stack, user) {
  const session = await Session.open(stack, await agentToken(stack, user));
  session.send({ type: 'availability', state: 'available' });
  await session.wait((m) => m.type === 'availability' && m.state === 'available');
  return { user, session };
}

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

/** A WebSocket that says this and must be closed with this code. */
async function refused(stack, code, ...messages) {
  const socket = new WebSocket(`${stack.url.replace('https', 'wss')}/gateway/websocketcall`, { rejectUnauthorized: false });
  const over = new Promise((done, failed) => { socket.on('close', done); socket.on('error', failed); });
  await new Promise((done, failed) => { socket.on('open', done); socket.on('error', failed); });
  for (const each of messages) socket.send(each);
  const got = await over;
  assert(got === code, `closed with ${got}, not ${code}`);
}

/** A dial that must be refused for this reason, by a page that then breaks off without a word. */
async function refusedDial(stack, reason, text) {
  const page = await Session.open(stack, await consumerToken(stack, { destination: 'agent2', name: 'Bad' }));
  page.send({ type: 'dial', destination: 'agent2', sdp: text, media: { audio: true, video: true } });
  const answer = await page.wait((m) => m.type === 'error' || (m.type === 'call' && m.state === 'ended'));
  page.socket.terminate();
  assert(reason.test(answer.reason), JSON.stringify(answer));
}

/** A page whose connection breaks while its call rings, and which does not come back. */
async function brokenOff(stack, agent) {
  const page = await Session.open(stack, await consumerToken(stack, { destination: 'agent1', name: 'Bad' }));
  page.send({ type: 'dial', destination: 'agent1', sdp: sdp('actpass'), media: { audio: true, video: true } });
  const { call } = await agent.wait((m) => m.type === 'incoming');
  page.socket.terminate();
  await agent.wait((m) => m.type === 'call' && m.call === call && m.state === 'ended');
  await agent.wait((m) => m.type === 'availability' && m.state === 'available').catch(() => {});
}

/** What is refused, by what it is. */
const bad = {
  'wrong token': (stack) => refused(stack, 4003, JSON.stringify({ type: 'hello', version: 1, token: crypto.randomBytes(40).toString('base64url') })),
  'no hello': (stack) => refused(stack, 4004, '{"type":"dial"}'),
  'no JSON': (stack) => refused(stack, 4005, crypto.randomBytes(40).toString('latin1')),
  'too long': (stack) => refused(stack, 4006, JSON.stringify({ type: 'hello', token: 'x'.repeat(140000) })),
  'no SDP': (stack) => refusedDial(stack, /sdp/, 'v=0\r\nnonsense'),
  'no common codec': (stack) => refusedDial(stack, /sdp|codec/, sdp('actpass').replaceAll('opus/48000/2', 'speex/16000').replaceAll('PCMU/8000', 'GSM/8000').replaceAll('VP8/90000', 'theora/90000')),
  async 'noise for the media port'(stack, udp) {
    const send = (bytes) => new Promise((done) => udp.send(bytes, stack.mediaSettings['media.first_port'], '127.0.0.1', done));
    const stun = Buffer.concat([Buffer.from('000100082112a442', 'hex'), crypto.randomBytes(12), Buffer.from('00060004', 'hex'), Buffer.from('none')]);
    const hello = Buffer.concat([Buffer.from('16feff0000000000000000', 'hex'), Buffer.from('0040', 'hex'), crypto.randomBytes(64)]);
    const rtp = Buffer.concat([Buffer.from('806f', 'hex'), crypto.randomBytes(100)]), rtcp = Buffer.concat([Buffer.from('81c9ffff', 'hex'), crypto.randomBytes(8)]);
    for (const bytes of [stun, hello, rtp, rtcp, crypto.randomBytes(1200), Buffer.alloc(0)]) await send(bytes);
  },
  async 'no HTTP'(stack) {
    const socket = tls.connect({ host: 'localhost', port: stack.port, rejectUnauthorized: false });
    const over = new Promise((done) => { socket.on('close', done); socket.on('error', done); });
    socket.resume();
    socket.write('GET / HTTP/9.9\r\nContent-Length: -1\r\n\r\n');
    await over;
  },
  async 'no session request'(stack) {
    const { status } = await request(`${stack.url}/assistserver/session`, { method: 'POST', body: '{"destination":' });
    assert(status === 400, `answered ${status}`);
  },
};

export const cases = [{
  name: `soak: ${CALLS} short calls end with the counts they began with`, limit: 900000,
  settings: { 'gateway.tokens_per_minute': 100000, 'gateway.dials_per_minute': 100000 },
  async run({ stack }) {
    const endings = ['consumer', 'agent', 'reject', 'cancel', 'leave'];
    const agents = await Promise.all(['agent1', 'agent2'].map((user) => available(stack, user)));
    const lane = async ({ user, session }, count) => {
      for (let i = 0; i < count; i++) {
        // A page may send 50 messages a second; an agent here needs up to three a call.
        const slot = new Promise((done) => setTimeout(done, 60));
        await oneCall(stack, session, user, endings[i % endings.length]).catch((e) => { e.message = `call ${i} ${endings[i % endings.length]}: ${e.message}`; throw e; });
        await slot;
        await session.wait((m) => m.type === 'availability' && m.state === 'available').catch(() => {});
      }
    };
    await Promise.all(agents.map((a) => lane(a, WARM / 2)));
    await new Promise((done) => setTimeout(done, 2000));
    const before = await counts(stack);
    assert(before.current === 0 && before.brokerCalls === 0 && before.legs === 0, `left after the warm-up: ${JSON.stringify(before)}`);
    const kilobytes = { media: memory(stack.media), server: memory(stack.server) };
    await Promise.all(agents.map((a) => lane(a, CALLS / 2)));
    await settle(stack, before);
    const after = { media: memory(stack.media), server: memory(stack.server) };
    console.log(`       memory, kB PSS: media ${kilobytes.media} → ${after.media}, server ${kilobytes.server} → ${after.server}`);
    // A leak of 3 kB a call would be 3 MB.
    assert(after.media - kilobytes.media < 3000, 'the broker grew');
    assert(after.server - kilobytes.server < 3000, 'the server grew');
    for (const { session } of agents) await session.bye();
  },
}, {
  name: `soak: ${ROUNDS} rounds of bad input end with the counts they began with`, limit: 400000,
  settings: { 'gateway.tokens_per_minute': 100000, 'gateway.dials_per_minute': 100000, 'gateway.resume_seconds': 1 },
  async run({ stack }) {
    const { session } = await available(stack, 'agent1'), { session: other } = await available(stack, 'agent2');
    const udp = dgram.createSocket('udp4');
    const named = (name, work) => work.catch((e) => { e.message = `${name}: ${e.message}`; throw e; });
    // A call that rings is given up after a second: these go beside the others.
    const rounds = (count) => Promise.all([
      (async () => { for (let i = 0; i < count; i++) for (const [kind, one] of Object.entries(bad)) await named(`round ${i}, ${kind}`, one(stack, udp)); })(),
      (async () => { for (let i = 0; i < count / 20; i++) await named(`ringing ${i}`, brokenOff(stack, session)); })(),
    ]);
    try {
      await rounds(ROUNDS * 2);
      await new Promise((done) => setTimeout(done, 3000));
      const before = await counts(stack);
      assert(before.current === 0 && before.brokerCalls === 0 && before.legs === 0, `left after the first rounds: ${JSON.stringify(before)}`);
      const kilobytes = { media: memory(stack.media), server: memory(stack.server) };
      await rounds(ROUNDS);
      await settle(stack, before);
      const after = { media: memory(stack.media), server: memory(stack.server) };
      console.log(`       memory, kB PSS: media ${kilobytes.media} → ${after.media}, server ${kilobytes.server} → ${after.server}`);
      assert(after.media - kilobytes.media < 3000, 'the broker grew');
      assert(after.server - kilobytes.server < 3000, 'the server grew');
      // And it still serves.
      await oneCall(stack, session, 'agent1', 'consumer');
    } finally {
      udp.close();
    }
    await session.bye();
    await other.bye();
  },
}];
