// The network goes: 20 s on either side (the call comes back), for good (both are told), and to another address.
import { endedWith, establish, perceives, signIn } from '../lib/call.mjs';
import { until } from '../lib/browsers.mjs';
import { Namespace } from '../lib/network.mjs';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function remotePair(t, remote) {
  const space = t.owns(new Namespace());
  const consumer = await t.browser('chromium', 'consumer', remote === 'consumer' ? { inNamespace: space.prefix } : {});
  const agent = await t.browser('chromium', 'agent', remote === 'agent' ? { inNamespace: space.prefix } : {});
  const far = { ...t.stack, url: `https://${space.host}:${t.stack.port}` };
  await signIn(agent, remote === 'agent' ? far : t.stack);
  await establish(consumer, agent, remote === 'consumer' ? far : t.stack);
  await perceives(agent, consumer);
  await perceives(consumer, agent);
  return { space, consumer, agent };
}

const gone20 = (side) => ({
  name: `the ${side}'s network is gone for 20 s: the call comes back`, slow: true, async run(t) {
    const { space, consumer, agent } = await remotePair(t, side);
    const stayed = side === 'consumer' ? agent : consumer, lost = side === 'consumer' ? consumer : agent;
    const view = (p) => (p === consumer ? 'call-panel' : 'call');
    space.cut();
    const start = Date.now();
    await stayed.is(view(stayed), 'reconnecting', 25000);
    await t.shots(stayed, `network-gone-${side}-other-side`);
    await lost.is(view(lost), 'reconnecting', 25000);
    await t.shots(lost, `network-gone-${side}-own-side`);
    await pause(Math.max(0, 20000 - (Date.now() - start)));
    space.mend();
    await Promise.all([stayed.is(view(stayed), 'connected', 25000), lost.is(view(lost), 'connected', 25000)]);
    await perceives(agent, consumer);
    await perceives(consumer, agent);
    await consumer.click('end');
    await endedWith(agent, 'hung_up');
    await endedWith(consumer, 'hung_up');
  },
});

export const cases = [
  gone20('consumer'),
  gone20('agent'),
  {
    name: "the consumer's network is gone for good: both are told after 60 s", slow: true, async run(t) {
      const { space, consumer, agent } = await remotePair(t, 'consumer');
      space.cut();
      await endedWith(agent, 'consumer_lost', 90000);
      await agent.is('availability', 'available');
      await consumer.is('call-panel', 'ended', 60000);
      await t.shots(consumer, 'lost-consumer');
      const { recent } = await t.stack.calls();
      if (recent[0].reason !== 'consumer_lost') throw new Error(JSON.stringify(recent[0]));
    },
  },
  {
    name: 'the consumer moves to another address: the call goes on', slow: true, async run(t) {
      const { space, consumer, agent } = await remotePair(t, 'consumer');
      space.move();
      await until('media from the new address', async () => {
        const { current } = await t.stack.calls();
        const leg = (await t.stack.call(current[0].call)).media.legs.find((l) => l.id === 'consumer');
        return leg?.selected?.remote.startsWith(space.address) || Promise.reject(new Error(JSON.stringify(leg?.selected)));
      }, 40000);
      await perceives(agent, consumer, 25000);
      await perceives(consumer, agent, 25000);
    },
  },
];
