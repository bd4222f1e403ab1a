// The network loses packets, the server is killed in a call, over UDP and TLS.
import { Baresip } from '../lib/baresip.mjs';
import { assert, bothHear, dial, endsWith, mediaSettings, pageCalls, reaches, signIn, sipSettings, until } from '../lib/call.mjs';
import { Authority, Kamailio } from '../lib/kamailio.mjs';
import { Sipp } from '../lib/sipp.mjs';

/** The server's process is gone in a call of a page, and another one takes it over: both still hear each other. */
async function isKilled(t, page, view, telephone) {
  await page.is(view, 'connected');
  await bothHear(page, telephone);
  t.stack.server.expectKilled = true;
  t.stack.server.kill('SIGKILL');
  await t.stack.server.ended;
  await t.stack.startServer();
  await page.is(view, 'connected', 40000);
  await bothHear(page, telephone);
}

async function killedInACall(t) {
  const telephone = await t.start(Baresip, t.peer(), { user: '2001' });
  await t.parley(sipSettings(t.lan, [telephone.peer.address]), mediaSettings(t.lan));
  const page = await pageCalls(t, '2001');
  await isKilled(t, page, 'call-panel', telephone);
  return { page, telephone };
}

/** So many pages call 2001 at once: each is answered and hangs up, and no phone counts a failure. */
async function allSucceed(t, phones, calls) {
  const pages = await Promise.all(Array.from({ length: calls }, () => dial(t.stack, '2001')));
  const answered = await Promise.all(pages.map((page) => reaches(page, ['connecting', 'connected', 'ended'], 40000)));
  const failed = answered.filter((call) => call.state === 'ended');
  assert(failed.length === 0, `${failed.length} of ${calls} calls failed: ${failed.map((c) => c.reason)}`);
  pages.forEach((page, i) => page.send({ type: 'end', call: answered[i].call }));
  await Promise.all(pages.map((page) => endsWith(page, 'hung_up')));
  await phones.succeeded();
  return pages;
}

export const cases = [
  {
    name: 'faults: a link that loses 10 % of SIP over UDP fails no call', limit: 240000, async run(t) {
      const server = t.peer(), calls = 20;
      const phones = t.owns(new Sipp(t.scratch, server, 'answer-through-losses', { calls, seconds: 120 }));
      await t.parley(sipSettings(t.lan, [server.address], { 'sip.server_timeout_ms': 30000 }), mediaSettings(t.lan));
      server.lose(10);
      const pages = await allSucceed(t, phones, calls);
      assert(server.lost() > 2, `only ${server.lost()} packets were lost`);
      await Promise.all(pages.map((page) => page.bye()));
    },
  },
  {
    name: 'faults: a link that loses 5 % of SIP over UDP and reorders a third of it fails no call', limit: 240000, async run(t) {
      const server = t.peer(), calls = 20;
      t.owns(await server.shuffle(t.scratch, { lost: 5, held: 33, longestMs: 120 }));
      const phones = t.owns(new Sipp(t.scratch, server, 'answer-through-losses', { calls, seconds: 120, forgiving: true }));
      await t.parley(sipSettings(t.lan, [server.address], { 'sip.server_timeout_ms': 30000 }), mediaSettings(t.lan));
      const pages = await allSucceed(t, phones, calls);
      const { lost, overtaken } = server.shuffled();
      assert(lost > 0 && overtaken > 10, `only ${lost} packets were lost, ${overtaken} overtaken`);
      await Promise.all(pages.map((page) => page.bye()));
    },
  },
  {
    name: 'faults: a phone is gone from the network without a word: the call ends and the page is told why', async run(t) {
      const telephone = await t.start(Baresip, t.peer(), { user: '2001' });
      await t.parley(sipSettings(t.lan, [telephone.peer.address], { 'gateway.phone_silence_seconds': 4 }), { mediaSettings: { ...mediaSettings(t.lan).mediaSettings, 'media.rtp_timeout_seconds': 2 } });
      const page = await pageCalls(t, '2001');
      await page.is('call-panel', 'connected');
      await bothHear(page, telephone);
      telephone.peer.cut();
      await page.is('call-panel', 'ended');
      assert(await page.attribute('call-panel', 'data-reason') === 'phone_silent', `ended with ${await page.attribute('call-panel', 'data-reason')}`);
      await page.says('call-state', /heard/);
    },
  },
  {
    name: 'faults: the server is killed in a call and starts again: the phone hangs up', async run(t) {
      const { page, telephone } = await killedInACall(t);
      await telephone.command('hangup');
      await page.is('call-panel', 'ended');
    },
  },
  {
    name: 'faults: the server is killed in a call and starts again: the page hangs up', async run(t) {
      const { page, telephone } = await killedInACall(t);
      await page.click('end');
      await telephone.event('CALL_CLOSED');
      await until('no call is left', async () => (await t.stack.calls()).current.length === 0);
    },
  },
  {
    name: 'faults: the server is killed in a call that came over TLS and starts again: the phone holds and resumes, the agent hangs up', async run(t) {
      const authority = await t.start(Authority);
      const kamailio = await t.start(Kamailio, t.peer(), { tls: authority });
      const telephone = await t.start(Baresip, t.peer(), { user: '2001', registrar: kamailio });
      await t.parley(sipSettings(t.lan, [`sip:${kamailio.address}:5061;transport=tls`], { 'sip.authorities': authority.file }), mediaSettings(t.lan));
      const agent = await t.browser('chromium', 'agent');
      await signIn(agent, t.stack);
      await telephone.dial(`sip:agent1@${t.lan.host}`);
      await agent.appears('ringing');
      await agent.click('answer');
      await isKilled(t, agent, 'call', telephone);
      // Each side has to connect to the other anew.
      const hold = (how) => until(`the agent's page says: ${how}`, async () => (await agent.attribute('call-state', 'data-hold')) === how);
      await telephone.command('hold');
      await hold('peer');
      await telephone.command('resume');
      await hold('no');
      await bothHear(agent, telephone);
      await agent.click('end');
      await telephone.event('CALL_CLOSED');
      await until('no call is left', async () => (await t.stack.calls()).current.length === 0);
      assert(kamailio.requests().some((each) => each.method === 'BYE' && each.transport === 'tls'), 'the agent hung up by another way');
    },
  },
];
