// Pictures between a browser and a telephone with video.
import path from 'node:path';
import { writePattern } from '../../browser/lib/media.mjs';
import { Baresip } from '../lib/baresip.mjs';
import { assert, bothHear, mediaSettings, pageCalls, people, signIn, sipSettings, until } from '../lib/call.mjs';
import { near } from '../../browser/lib/measure.mjs';

const seesPhone = (page, colour) => until(`${page.name} sees the phone's picture move`, async () => {
  const seen = await page.see('remote-video');
  return (near(seen.colour, colour) && seen.counters >= 3) || Promise.reject(new Error(JSON.stringify(seen)));
}, 30000);

/** A phone with one codec whose camera is the pattern of the second person. */
const phoneWith = async (t, codec) => {
  const file = path.join(t.scratch, 'phone.y4m');
  writePattern(file, people.second.colour);
  const phone = await t.start(Baresip, t.peer(), { user: '2001', video: { codec, file } });
  await t.parley(sipSettings(t.lan, [phone.peer.address]), mediaSettings(t.lan));
  return phone;
};

/** Page and phone hear and see each other; the broker passed pictures both ways. */
async function bothSee(t, page, phone) {
  await Promise.all([seesPhone(page, people.second.colour), phone.seesPattern(people[page.person].colour)]);
  await bothHear(page, phone);
  await until('the broker counts pictures both ways', async () => {
    const report = await t.stack.call((await t.stack.calls()).current[0].call);
    const leg = report.media.legs.find((l) => l.kind === 'rtp'), picture = leg.sections.find((s) => s.kind === 'video');
    return (picture.toPeer.packets > 20 && picture.fromPeer.packets > 20) || Promise.reject(new Error(JSON.stringify(picture)));
  });
}

async function pageCallsPhone(t, codec) {
  const phone = await phoneWith(t, codec);
  const page = await pageCalls(t, '2001');
  await page.is('call-panel', 'connected');
  await bothSee(t, page, phone);
  await phone.command('hangup');
  await page.is('call-panel', 'ended');
}

export const cases = [
  { name: 'video: a page and a phone see each other (VP8)', run: (t) => pageCallsPhone(t, 'vp8') },
  { name: 'video: a page and a phone see each other (H.264)', run: (t) => pageCallsPhone(t, 'h264') },
  {
    name: 'video: a call with a phone begins as voice, the page adds its camera, and they see each other (VP8)', async run(t) {
      const phone = await phoneWith(t, 'vp8');
      const page = await pageCalls(t, '2001', { extra: '&video=off' });
      await page.is('call-panel', 'connected');
      await bothHear(page, phone);
      const [{ call }] = (await t.stack.calls()).current;
      const pictures = async () => (await t.stack.call(call)).media.legs.find((l) => l.kind === 'rtp').sections.some((s) => s.kind === 'video' && s.toPeer.packets + s.fromPeer.packets > 0);
      assert(!(await pictures()), 'a voice call has pictures');
      await page.click('add-video');
      await bothSee(t, page, phone);
      await page.click('end');
      await phone.event('CALL_CLOSED');
    },
  },
  {
    name: 'video: a phone calls an agent\'s page and they see each other (H.264)', async run(t) {
      const phone = await phoneWith(t, 'h264');
      const agent = await t.browser('chromium', 'agent');
      await signIn(agent, t.stack, 'agent1');
      await phone.dial(`sip:agent1@${t.lan.host}`);
      await agent.appears('ringing');
      await agent.click('answer');
      await agent.is('call', 'connected');
      await bothSee(t, agent, phone);
      await agent.click('end');
      await phone.event('CALL_CLOSED');
    },
  },
];
