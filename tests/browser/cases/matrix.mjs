// {Chromium, Firefox} × {Chromium, Firefox}: sound and picture measured both ways, mute, end from either side.
import { assert, blind, endedWith, establish, perceives, signIn, silent } from '../lib/call.mjs';
import { until } from '../lib/browsers.mjs';

const muteAndBack = async (speaker, listener) => {
  await speaker.click('mute-audio');
  await until(`${speaker.name}: pressed`, async () => (await speaker.attribute('mute-audio', 'aria-pressed')) === 'true');
  await silent(listener);
  await until(`${listener.name} is told`, async () => (await listener.attribute('peer-muted', 'data-audio')) === 'true');
  await speaker.click('mute-video');
  await blind(listener, speaker);
  await until(`${listener.name} is told`, async () => (await listener.attribute('peer-muted', 'data-video')) === 'true');
  await speaker.click('mute-audio');
  await speaker.click('mute-video');
  await perceives(listener, speaker);
};

export const cases = ['chromium', 'firefox'].flatMap((c) => ['chromium', 'firefox'].map((a) => ({
  name: `call: ${c} consumer, ${a} agent: measured both ways, muted, ended`,
  async run({ stack, browser, shots }) {
    const consumer = await browser(c, 'consumer'), agent = await browser(a, 'agent');
    await signIn(agent, stack);
    await establish(consumer, agent, stack);
    await perceives(agent, consumer);
    await perceives(consumer, agent);
    await shots(consumer, `matrix-${c}-${a}-consumer`);
    await shots(agent, `matrix-${c}-${a}-agent`);
    await muteAndBack(consumer, agent);
    await muteAndBack(agent, consumer);
    const setup = JSON.parse((await consumer.attribute('call-panel', 'data-setup')) ?? '{}');
    assert(setup.firstFrame > 0, `no time to first frame: ${JSON.stringify(setup)}`);
    const { current } = await stack.calls();
    const report = await stack.call(current[0].call);
    for (const leg of report.media.legs) {
      // Both browsers offer GCM, which costs a quarter of AES-CM with HMAC.
      assert(leg.dtls === 'connected' && /AES_128_GCM/.test(leg.srtp), `leg ${leg.id}: ${JSON.stringify(leg)}`);
      for (const section of leg.sections) assert(section.fromPeer.packets > 50 && section.toPeer.packets > 50, `no packets: ${JSON.stringify(section)}`);
    }
    // Consumer ends in two of the four, agent in the others.
    const [ender, other] = a === 'chromium' ? [consumer, agent] : [agent, consumer];
    await ender.click('end');
    await endedWith(consumer, 'hung_up');
    await endedWith(agent, 'hung_up');
    await agent.is('availability', 'available');
    assert(other.errors.length === 0 && ender.errors.length === 0, `page errors: ${[...other.errors, ...ender.errors].join('; ')}`);
    await until('history', async () => (await agent.attribute('history-row', 'data-reason')) === 'hung_up');
  },
})));
