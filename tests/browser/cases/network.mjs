// The network goes: 20 s on either side (the call comes back), for good (both are told), and to another address.
import { endedWith, establish, perceives, signIn } from '../lib/call.mjs';
import { until } from '../lib/browsers.mjs';
import { Namespace } from '../lib/network.mjs';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function remotePair(t, remote, { noise = false } = {}) {
  const space = t.owns(new Namespace());
  const consumer = await t.browser('chromium', 'consumer', { noise, inNamespace: remote === 'consumer' ? space.prefix : null });
  const agent = await t.browser('chromium', 'agent', remote === 'agent' ? { inNamespace: space.prefix } : {});
  const far = { ...t.stack, url: `https://${space.host}:${t.stack.port}` };
  await signIn(agent, remote === 'agent' ? far : t.stack);
  await establish(consumer, agent, remote === 'consumer' ? far : t.stack);
  if (!noise) await perceives(agent, consumer);
  await perceives(consumer, agent);
  return { space, consumer, agent };
}

const gone20 = (side) => ({
  name: `the ${side}'s network is gone for 20 s: the call comes back`, async run(t) {
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

/** What the consumer's browser sends as video and what of it the agent's is sent, bit/s. */
async function videoRates(t) {
  const { current } = await t.stack.calls();
  const legs = (await t.stack.call(current[0].call)).media.legs;
  const video = (id) => legs.find((l) => l.id === id).sections.find((s) => s.kind === 'video');
  return { sent: video('consumer').fromPeer.bitrate, received: video('agent').toPeer.bitrate, remb: legs.find((l) => l.id === 'agent').remb };
}

export const cases = [
  {
    name: "the sender's bit rate rises to what the receiver can take, and falls with it", alone: true, async run(t) {
      const { space } = await remotePair(t, 'agent', { noise: true });
      const high = await until('more than 1.2 Mbit/s', async () => {
        const now = await videoRates(t);
        return now.sent > 1_200_000 && now.received > 1_200_000 ? now : Promise.reject(new Error(JSON.stringify(now)));
      }, 45000);
      space.narrow('600kbit');
      const low = await until('three seconds in a row under 600 kbit/s', async () => {
        let now;
        for (let i = 0; i < 3; i++) {
          now = await videoRates(t);
          if (now.sent > 600_000 || now.sent < 60_000) throw new Error(JSON.stringify(now));
          await pause(1000);
        }
        return now;
      }, 60000);
      console.log(`       video bit/s: ${high.sent} on a free way, ${low.sent} through 600 kbit/s`);
    },
  },
  gone20('consumer'),
  gone20('agent'),
  {
    name: "the consumer's network is gone for good: both are told after 60 s", async run(t) {
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
    name: 'the consumer moves to another address: the call goes on', async run(t) {
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
