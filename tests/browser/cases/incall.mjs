// What happens in a call between pages: hold, transfer blind and after asking, a hunt group, video added and taken away,
// another camera, voice only. Sound and picture are measured on every side.
import { assert, assist, blind, endedWith, establish, perceives, signIn, silent } from '../lib/call.mjs';
import { people } from '../lib/media.mjs';
import { until } from '../lib/browsers.mjs';

const hears = (listener, speaker) => until(`${listener.name} hears ${speaker.name}`, async () => {
  const heard = await listener.hear('remote-video');
  return Math.abs(heard.hertz - people[speaker.person].tone) < 15 && heard.db > -60 ? heard : Promise.reject(new Error(JSON.stringify(heard)));
}, 15000);
const bothHear = (a, b) => Promise.all([hears(a, b), hears(b, a)]);
const held = (page, how) => until(`${page.name}: hold is ${how}`, async () => (await page.attribute('call-state', 'data-hold')) === how);
const kVoice = { extra: '&video=off' };

/** Hold from the agent's side: nothing is heard or seen either way, and the customer is told; then all is as before. */
async function holdAndBack(consumer, agent, check) {
  await agent.click('hold');
  await Promise.all([held(agent, 'held'), held(consumer, 'peer')]);
  await Promise.all([silent(consumer), silent(agent)]);
  await agent.click('hold');
  await Promise.all([held(agent, 'no'), held(consumer, 'no')]);
  await check(consumer, agent);
}

const twoWay = async (a, b) => { await perceives(a, b); await perceives(b, a); };

const holds = (c, a) => ({
  name: `hold and resume: ${c} consumer, ${a} agent`, async run({ stack, browser, shots }) {
    const consumer = await browser(c, 'consumer'), agent = await browser(a, 'agent');
    await signIn(agent, stack);
    await establish(consumer, agent, stack);
    await twoWay(consumer, agent);
    await holdAndBack(consumer, agent, twoWay);
    await shots(agent, `hold-${c}-${a}-agent`);
    // What is muted stays muted over a hold.
    await consumer.click('mute-audio');
    await silent(agent);
    await agent.click('hold');
    await held(consumer, 'peer');
    await agent.click('hold');
    await held(consumer, 'no');
    await hears(consumer, agent);
    await silent(agent);
    await consumer.click('end');
    await endedWith(agent, 'hung_up');
  },
});

const video = (c, a) => ({
  name: `video added to a voice call, seen, answered and taken away: ${c} consumer, ${a} agent`, async run({ stack, browser, shots }) {
    const consumer = await browser(c, 'consumer'), agent = await browser(a, 'agent');
    await signIn(agent, stack);
    await establish(consumer, agent, stack, kVoice);
    await bothHear(consumer, agent);
    assert((await consumer.see('remote-video')).colour === null, 'a voice call has no picture');
    await agent.click('add-video');
    await perceives(consumer, agent);
    await hears(agent, consumer);
    await consumer.click('mute-video'); // Its own camera is the second step, and its own wish.
    await perceives(agent, consumer);
    await shots(agent, `video-added-${c}-${a}-agent`);
    await agent.click('hold');
    await held(consumer, 'peer');
    await agent.click('hold');
    await twoWay(consumer, agent);
    // The header has a button of this name, too.
    await agent.evaluate(() => window.__deep('[data-test=settings]', window.__deep('parley-call-view').shadowRoot).click());
    await agent.click('remove-video');
    await Promise.all([blind(consumer, agent), blind(agent, consumer)]);
    await until('the customer’s camera is off', () => consumer.evaluate(() => !window.__deep('[data-test=local-video]')?.srcObject?.getVideoTracks().length));
    await bothHear(consumer, agent);
    await consumer.click('add-video');
    await perceives(agent, consumer);
    await bothHear(consumer, agent);
    await agent.click('end');
    await endedWith(consumer, 'hung_up');
    assert(consumer.errors.length + agent.errors.length === 0, [...consumer.errors, ...agent.errors].join('; '));
  },
});

const transfers = (from, to) => ({
  name: `blind transfer to a second agent, and one that is refused: ${from} to ${to}`, async run({ stack, browser, shots }) {
    const consumer = await browser('chromium', 'consumer'), first = await browser(from, 'agent'), second = await browser(to, 'second');
    await signIn(first, stack);
    await signIn(second, stack, 'agent2');
    await establish(consumer, first, stack);
    await twoWay(consumer, first);
    const pass = async () => {
      await first.click('transfer');
      await first.fill('transfer-to', 'agent2');
      await first.click('transfer-blind');
      await second.appears('ringing');
      await second.says('caller-name', /Ada Lovelace/);
      await second.appears('caller-transferred-by');
    };
    await pass();
    await shots(second, 'transferred-ringing');
    await second.click('reject');
    await first.appears('notice');
    assert((await first.attribute('notice', 'data-code')) === 'transfer.failed', 'why it failed is told');
    await twoWay(consumer, first);
    await pass();
    await second.click('answer');
    await endedWith(first, 'transferred');
    await Promise.all([consumer.is('call-panel', 'connected'), second.is('call', 'connected')]);
    await twoWay(consumer, second);
    await until('the customer sees the new name', async () => /Agent 2|agent2/i.test((await consumer.state(consumer.test('peer-name'))).text));
    await holdAndBack(consumer, second, twoWay);
    await first.is('availability', 'available');
    await consumer.click('end');
    await endedWith(second, 'hung_up');
  },
});

export const cases = [
  holds('firefox', 'firefox'),
  video('firefox', 'chromium'),
  transfers('chromium', 'firefox'),
  {
    name: 'consult: the customer is held, the agents talk, swap, and the call is joined', async run({ stack, browser, shots }) {
      const consumer = await browser('chromium', 'consumer'), first = await browser('chromium', 'agent'), second = await browser('chromium', 'second');
      await signIn(first, stack);
      await signIn(second, stack, 'agent2');
      await establish(consumer, first, stack);
      await bothHear(consumer, first);
      await first.click('transfer');
      await first.fill('transfer-to', 'agent2');
      await first.click('transfer-consult');
      await held(consumer, 'peer');
      await second.appears('ringing');
      await second.click('answer');
      await first.is('call', 'connected');
      await bothHear(first, second);
      await silent(consumer);
      await shots(first, 'consult-agent');
      await first.click('swap');
      await held(consumer, 'no');
      await bothHear(first, consumer);
      await silent(second);
      await first.click('complete-transfer');
      await endedWith(first, 'transferred');
      await Promise.all([consumer.is('call-panel', 'connected'), second.is('call', 'connected')]);
      await bothHear(consumer, second);
      await second.says('peer-name', /Ada Lovelace/);
      await first.is('availability', 'available');
      await consumer.click('end');
      await endedWith(second, 'hung_up');
    },
  },
  {
    name: 'hunt group: all ring, one answers, the other is told',
    settings: { 'gateway.hunt_groups': 'claims: agent1 agent2; strategy=simultaneous; number=9000; label=Claims' },
    async run({ stack, browser, shots }) {
      const consumer = await browser('chromium', 'consumer'), first = await browser('chromium', 'agent'), second = await browser('chromium', 'second');
      await signIn(first, stack);
      await signIn(second, stack, 'agent2');
      await assist(consumer, stack, { destination: 'claims' });
      await Promise.all([first.appears('ringing'), second.appears('ringing')]);
      await first.says('caller-group', /Claims/);
      await shots(first, 'hunt-group-ringing');
      await second.click('answer');
      await endedWith(first, 'answered_elsewhere');
      await first.is('availability', 'available');
      await consumer.is('call-panel', 'connected');
      await twoWay(consumer, second);
      await consumer.click('end');
      await endedWith(second, 'hung_up');
    },
  },
  {
    name: 'an agent calls a colleague; another camera and microphone in the call; one-way video', async run({ stack, browser }) {
      const first = await browser('chromium', 'agent'), second = await browser('chromium', 'second');
      await signIn(first, stack);
      await signIn(second, stack, 'agent2');
      await first.click('dial-video');
      await first.fill('dial-number', 'agent2');
      await first.click('dial');
      await second.appears('ringing');
      await second.click('answer');
      await Promise.all([first.is('call', 'connected'), second.is('call', 'connected')]);
      await twoWay(first, second);
      // The same device once more is another track, as another one would be.
      const before = await first.evaluate(() => window.__deep('[data-test=local-video]').srcObject.getTracks().map((t) => t.id));
      await first.evaluate(async () => { const { call } = window.__deep('parley-call-view'); await call.setCamera(); await call.setMicrophone(); });
      const after = await first.evaluate(() => window.__deep('[data-test=local-video]').srcObject.getTracks().map((t) => t.id));
      assert(after.length === 2 && after.every((id) => !before.includes(id)), `${before} → ${after}`);
      await twoWay(second, first);
      await first.click('end');
      await endedWith(second, 'hung_up');
      const consumer = await browser('chromium', 'consumer');
      await establish(consumer, first, stack, { extra: '&video=receive' });
      await perceives(consumer, first);
      await hears(first, consumer);
      assert(!(await consumer.evaluate(() => window.__deep('[data-test=local-video]').srcObject.getVideoTracks().length)), 'no camera was opened');
      await consumer.click('end');
      await endedWith(first, 'hung_up');
    },
  },
];
