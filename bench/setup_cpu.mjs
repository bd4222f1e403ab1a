// Server and broker CPU per call set up and ended (signalling only): node bench/setup_cpu.mjs [CALLS]
// Beside it, in the same run, the same number of plain HTTPS requests to the server, as a yardstick for the machine.
import fs from 'node:fs';
import { consumerToken, agentToken, sdp, Session } from '../tests/browser/lib/session.mjs';
import { request, Stack } from '../tests/browser/lib/stack.mjs';

const calls = Number(process.argv[2] ?? 300);
const tick = 1000 / 100;
const cpu = (child) => { const f = fs.readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) * tick; };

const stack = await Stack.start({ 'gateway.tokens_per_minute': 100000, 'gateway.dials_per_minute': 100000 });
try {
  const agent = await Session.open(stack, await agentToken(stack, 'agent1'));
  agent.send({ type: 'availability', state: 'available' });
  await agent.wait((m) => m.type === 'availability' && m.state === 'available');
  const one = async () => {
    const consumer = await Session.open(stack, await consumerToken(stack, { destination: 'agent1' }));
    consumer.send({ type: 'dial', destination: 'agent1', sdp: sdp('actpass'), media: { audio: true, video: true } });
    const { call } = await agent.wait((m) => m.type === 'incoming');
    agent.send({ type: 'answer', call, sdp: sdp('active') });
    await consumer.wait((m) => m.type === 'sdp' && m.kind === 'answer');
    consumer.send({ type: 'end', call });
    await agent.wait((m) => m.type === 'call' && m.call === call && m.state === 'ended');
    await consumer.bye();
    await agent.wait((m) => m.type === 'availability' && m.state === 'available').catch(() => {});
  };
  for (let i = 0; i < 10; i++) await one();
  let server = cpu(stack.server), media = cpu(stack.media);
  // Paced: a page may send 50 messages a second.
  for (let i = 0; i < calls; i++) await Promise.all([one(), new Promise((done) => setTimeout(done, 60))]);
  server = cpu(stack.server) - server;
  media = cpu(stack.media) - media;
  let plain = cpu(stack.server);
  for (let i = 0; i < calls; i++) await request(`${stack.url}/health/live`, { headers: { connection: 'close' } });
  plain = cpu(stack.server) - plain;
  console.log(`calls ${calls}`);
  console.log(`server CPU per call (2 TLS connections: token, WebSocket)  ${(server / calls).toFixed(2)} ms`);
  console.log(`broker CPU per call (SDP, legs, REST)                      ${(media / calls).toFixed(2)} ms`);
  console.log(`server CPU per plain HTTPS request with a new connection   ${(plain / calls).toFixed(2)} ms`);
  await agent.bye();
} finally { await stack.stop(); }
