// The network goes: 20 s on the agent's side, 30 s on the consumer's (the call and the page that is shared in it come back), for good (both are told), and to another address.
import { assert, endedWith, establish, perceives, signIn } from '../lib/call.mjs';
import { attribute, colourAt, escalate, hidden } from '../lib/assist_people.mjs';
import { until } from '../lib/browsers.mjs';
import { near } from '../lib/measure.mjs';
import { Namespace } from '../lib/network.mjs';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** A call of two browsers ([consumer's, agent's]), one of them (`remote`) behind a link of its own. */
async function remotePair(t, remote, kinds, { noise = false } = {}) {
  const space = t.owns(new Namespace());
  const consumer = await t.browser(kinds[0], 'consumer', { noise, inNamespace: remote === 'consumer' ? space.prefix : null });
  const agent = await t.browser(kinds[1], 'agent', remote === 'agent' ? { inNamespace: space.prefix } : {});
  const far = { ...t.stack, url: `https://${space.host}:${t.stack.port}` };
  await signIn(agent, remote === 'agent' ? far : t.stack);
  await establish(consumer, agent, remote === 'consumer' ? far : t.stack);
  if (!noise) await perceives(agent, consumer);
  await perceives(consumer, agent);
  return { space, consumer, agent };
}

const both = ['chromium', 'chromium'];

/** What both read about the page that the consumer shares, while no packet of his comes through, and after. */
const sharing = {
  async gone(consumer, agent, left) {
    await agent.says('assist-state', /away/i, left());
    await agent.says('assist-cover', /connection|away/i, left());
    await consumer.says('assist-state', /connection is gone/i, left());
  },
  async goesOn(consumer, agent) {
    await attribute(consumer, 'assist-bar', 'data-look', 'on');
    await hidden(agent, 'assist-cover');
    await consumer.evaluate(() => { document.body.appendChild(document.createElement('div')).style.cssText = 'position:fixed;left:0;top:300px;width:60px;height:60px;z-index:9;background:rgb(0,90,200)'; });
    await until('the agent sees what changes', async () => { const colour = await colourAt(agent, 30, 330); return near(colour, [0, 90, 200], 25) || Promise.reject(new Error(String(colour))); });
  },
};

const goneFor = (seconds, side, kinds, { shares = false } = {}) => ({
  name: `the ${side}'s network (${kinds[side === 'consumer' ? 0 : 1]}) is gone for ${seconds} s: the call${shares ? ' and the shared page come' : ' comes'} back`, waits: true, async run(t) {
    const { space, consumer, agent } = await remotePair(t, side, kinds);
    if (shares) await escalate(consumer, agent);
    const stayed = side === 'consumer' ? agent : consumer, lost = side === 'consumer' ? consumer : agent;
    const view = (p) => (p === consumer ? 'call-panel' : 'call');
    space.cut();
    const start = Date.now();
    // Both are told while it is gone, not when it comes back.
    const left = () => Math.max(1000, (seconds - 1) * 1000 - (Date.now() - start));
    await stayed.is(view(stayed), 'reconnecting', left());
    await stayed.says('call-state', /has lost the connection\. Waiting for it to come back/, left());
    await t.shots(stayed, `network-gone-${side}-other-side`);
    await lost.is(view(lost), 'reconnecting', left());
    await lost.says('call-state', /Your connection was interrupted\. Reconnecting/, left());
    // The header of the console says the same as the call in it.
    if (side === 'agent') assert((await lost.attribute('connection', 'data-state')) === 'reconnecting', 'the header says something else');
    await t.shots(lost, `network-gone-${side}-own-side`);
    if (shares) await sharing.gone(consumer, agent, left);
    await pause(Math.max(0, seconds * 1000 - (Date.now() - start)));
    space.mend();
    await Promise.all([stayed.is(view(stayed), 'connected', 25000), lost.is(view(lost), 'connected', 25000)]);
    if (shares) await sharing.goesOn(consumer, agent);
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

/** A Firefox cannot be behind the link (its remote control would be, too): as a receiver it has the sender's uplink
 *  narrowed. What it sends of noise that a page draws is its encoder's limit, not the way's: as a sender it is not looked at here. */
const rises = (kinds, remote = 'agent') => ({
  name: `the sender's bit rate rises to what the receiver can take, and falls with it (${kinds.join(' to ')})`, late: true, async run(t) {
    const { space } = await remotePair(t, remote, kinds, { noise: true });
    const high = await until('more than 1.2 Mbit/s', async () => {
      const now = await videoRates(t);
      return now.sent > 1_200_000 && now.received > 1_200_000 ? now : Promise.reject(new Error(JSON.stringify(now)));
    }, 75000);
    if (remote === 'agent') space.narrow('600kbit'); else space.narrowUplink('600kbit');
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
});

const goneForGood = (side) => ({
  name: `the ${side}'s network is gone for good: both are told after a minute`, waits: true, async run(t) {
    const { space, consumer, agent } = await remotePair(t, side, both);
    space.cut();
    const start = Date.now();
    const reason = `${side}_lost`;
    const stayed = side === 'consumer' ? agent : consumer, lost = side === 'consumer' ? consumer : agent;
    const told = [endedWith(stayed, reason, 90000), endedWith(lost, reason, 90000)].map((end) => end.then(() => Math.round((Date.now() - start) / 1000)));
    const after = await Promise.all(told);
    console.log(`       told after ${after[0]} s where the network was there, after ${after[1]} s where it was gone`);
    // The minute begins when the break is noticed; before it a call could still have come back.
    assert(after.every((seconds) => seconds >= 55), `a call was given up after ${after} s`);
    if (side === 'consumer') await agent.is('availability', 'available');
    await t.shots(lost, `lost-${side}`);
    const { recent } = await t.stack.calls();
    if (recent[0].reason !== reason) throw new Error(JSON.stringify(recent[0]));
  },
});

export const cases = [
  rises(both), rises(['chromium', 'firefox'], 'consumer'),
  goneFor(30, 'consumer', ['chromium', 'firefox'], { shares: true }), goneFor(20, 'agent', both),
  goneForGood('consumer'), goneForGood('agent'),
  {
    name: 'the consumer’s network loses packets: they are sent again; he moves to another address: the call goes on', waits: true, async run(t) {
      const { space, consumer, agent } = await remotePair(t, 'consumer', both);
      space.lose(8);
      await until('lost packets asked for by either browser are sent again', async () => {
        const { current } = await t.stack.calls();
        const legs = (await t.stack.call(current[0].call)).media.legs;
        const video = (id) => legs.find((l) => l.id === id).sections.find((s) => s.kind === 'video');
        // Towards the consumer this broker repeats what it kept; from the consumer it asks for what it missed.
        const seen = { repeated: video('consumer').toPeer.retransmitted, asked: video('consumer').fromPeer.nacks };
        return (seen.repeated > 3 && seen.asked > 3) || Promise.reject(new Error(JSON.stringify(seen)));
      }, 60000);
      await perceives(agent, consumer);
      await perceives(consumer, agent);
      space.mend();
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
