// A call between two pages without browsers, for tests/up.sh: node tests/up_call.mjs URL. Says "talking", then what its pages are
// told of the service's end; the customer then hangs up, as he was asked to.
import { agentToken, consumerToken, sdp, Session } from './browser/lib/session.mjs';

const stack = { url: process.argv[2] };
const agent = await Session.open(stack, await agentToken(stack, 'agent1'));
agent.send({ type: 'availability', state: 'available' });
await agent.wait((m) => m.type === 'availability' && m.state === 'available');
const consumer = await Session.open(stack, await consumerToken(stack, { destination: 'agent1', name: 'Ada' }));
consumer.send({ type: 'dial', destination: 'agent1', sdp: sdp('actpass'), media: { audio: true, video: true } });
const { call } = await agent.wait((m) => m.type === 'incoming');
agent.send({ type: 'answer', call, sdp: sdp('active') });
await consumer.wait((m) => m.type === 'sdp' && m.kind === 'answer');
console.log('talking');
for (const [who, page] of [['customer', consumer], ['agent', agent]]) {
  const told = await page.wait((m) => m.type === 'session' && m.what === 'ending', 60000);
  console.log(`${who}: ${told.text}`);
}
consumer.send({ type: 'end', call });
const ended = await agent.wait((m) => m.type === 'call' && m.state === 'ended');
console.log(`ended: ${ended.reason}`);
process.exit(0);
