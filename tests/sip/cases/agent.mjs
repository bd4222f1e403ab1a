// Our user agent and transports (a program of their own, without the gateway) and other people's telephones.
import fs from 'node:fs';
import path from 'node:path';
import { until } from '../../browser/lib/browsers.mjs';
import { Baresip } from '../lib/baresip.mjs';
import { Kamailio, secretOf } from '../lib/kamailio.mjs';
import { Linphone } from '../lib/linphone.mjs';
import { Program } from '../lib/program.mjs';
import { Sipp } from '../lib/sipp.mjs';

const assert = (condition, message) => { if (!condition) throw new Error(message); };
const top = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../../..');
const program = path.join(process.env.PARLEY_BUILD ?? path.join(top, 'build/release/src'), '../tests/sip-call-agent');

async function agent(t, ...account) {
  assert(fs.existsSync(program), `${program} is not built`);
  const peer = t.peer();
  const run = t.owns(new Program(t.scratch, peer, program, [peer.address, ...account]));
  run.peer = peer;
  await run.prints(/listening/);
  return run;
}
/** How often the program has said it. */
const times = (run, pattern, count, ms = 30000) => until(`${count} times ${pattern}`, () => {
  const seen = [...run.output().matchAll(pattern)].length;
  return seen >= count || Promise.reject(new Error(String(seen)));
}, ms);

const refused = (scenario, status, reason) => ({
  name: `agent: ${scenario} is ${reason}`, async run(t) {
    const server = t.peer();
    const phone = t.owns(new Sipp(t.scratch, server, scenario));
    const ours = await agent(t);
    ours.say(`call sip:2001@${server.address}`);
    await ours.prints(new RegExp(`ended ${reason} ${status}`));
    await phone.succeeded();
  },
});

export const cases = [
  {
    name: 'agent: calls baresip, the phone hears itself, we hang up; UDP and TCP', async run(t) {
      const phone = await t.start(Baresip, t.peer(), { user: '2001' });
      const ours = await agent(t);
      for (const transport of ['udp', 'tcp']) {
        ours.say(`call sip:2001@${phone.peer.address};transport=${transport}`);
        await phone.event('CALL_ESTABLISHED');
        await phone.hearsTone(phone.tone);
        ours.say('hang up');
        await phone.event('CALL_CLOSED');
        phone.forget();
      }
    },
  },
  {
    name: 'agent: is called by baresip, which hangs up', async run(t) {
      const phone = await t.start(Baresip, t.peer(), { user: '2001' });
      const ours = await agent(t);
      await phone.dial(`sip:anyone@${ours.peer.address}`);
      await ours.prints(/incoming sip:anyone@.*\n(.*\n)*confirmed/);
      await phone.hearsTone(phone.tone);
      await phone.command('hangup');
      await ours.prints(/ended sip\.bye 0/);
    },
  },
  {
    name: 'agent: calls linphone, which holds and resumes; we hold and resume; it hangs up', async run(t) {
      const phone = await t.start(Linphone, t.peer(), { user: '2001' });
      const ours = await agent(t);
      ours.say(`call sip:2001@${phone.peer.address}`);
      await ours.prints(/answered/);
      await phone.hearsTone(phone.tone);
      await phone.hold();
      await times(ours, /^offered$/gm, 1);
      phone.resume();
      await times(ours, /^offered$/gm, 2);
      await phone.hearsTone(phone.tone);
      ours.say('hold');
      await times(ours, /^offer answered$/gm, 1);
      ours.say('resume');
      await times(ours, /^offer answered$/gm, 2);
      await phone.hearsTone(phone.tone);
      phone.hangUp();
      await ours.prints(/ended sip\.bye 0/);
    },
  },
  {
    name: 'agent: calls through Kamailio, which asks for a password and records its route', async run(t) {
      const kamailio = await t.start(Kamailio, t.peer(), { callsNeedDigest: true });
      const phone = await t.start(Baresip, t.peer(), { user: '2001', registrar: kamailio });
      const ours = await agent(t, 'parley', secretOf('parley'));
      ours.say(`call sip:2001@${kamailio.address}`);
      await phone.event('CALL_ESTABLISHED');
      await phone.hearsTone(phone.tone);
      await phone.command('hangup');
      await ours.prints(/ended sip\.bye 0/);
    },
  },
  refused('busy', 486, 'sip.busy'),
  refused('not-found', 404, 'sip.not_found'),
  refused('decline', 603, 'sip.declined'),
  {
    name: 'agent: rings, gives up: CANCEL', async run(t) {
      const server = t.peer();
      const phone = t.owns(new Sipp(t.scratch, server, 'ring-until-cancelled'));
      const ours = await agent(t);
      ours.say(`call sip:2001@${server.address}`);
      await ours.prints(/ringing 180/);
      ours.say('hang up');
      await phone.succeeded();
    },
  },
  {
    name: 'agent: early media', async run(t) {
      const server = t.peer();
      t.owns(new Sipp(t.scratch, server, 'early-media-then-busy'));
      const ours = await agent(t);
      ours.say(`call sip:2001@${server.address}`);
      await ours.prints(/ringing 183 with media/);
      await ours.prints(/ended sip\.busy 486/);
    },
  },
  {
    name: 'agent: 30 calls of SIPp and 30 to SIPp through a link that loses 10 % of SIP: none fails', limit: 240000, async run(t) {
      const far = t.peer(), ours = await agent(t);
      far.lose(10);
      const calling = t.owns(new Sipp(t.scratch, far, 'call-through-losses', { remote: `${ours.peer.address}:5060`, calls: 30, rate: 5, user: 'anyone', port: 5061, seconds: 100 }));
      await calling.succeeded();
      await times(ours, /^ended sip\.bye 0$/gm, 30);
      const called = t.owns(new Sipp(t.scratch, far, 'answer-through-losses', { calls: 30, seconds: 100 }));
      for (let i = 0; i < 30; i++) ours.say(`call sip:2001@${far.address}`);
      await times(ours, /^answered$/gm, 30, 60000);
      ours.say('hang up');
      await called.succeeded();
      assert(far.lost() > 20, `only ${far.lost()} packets were lost`);
    },
  },
  {
    name: 'agent: 30 calls of SIPp and 30 to SIPp through a link that reorders a third of SIP and loses 5 %: none fails', limit: 240000, async run(t) {
      const far = t.peer(), ours = await agent(t);
      t.owns(await far.shuffle(t.scratch, { lost: 5, held: 33, longestMs: 120 }));
      const calling = t.owns(new Sipp(t.scratch, far, 'call-through-losses', { remote: `${ours.peer.address}:5060`, calls: 30, rate: 10, user: 'anyone', port: 5061, seconds: 100, forgiving: true }));
      await calling.succeeded();
      await times(ours, /^ended sip\.bye 0$/gm, 30);
      const called = t.owns(new Sipp(t.scratch, far, 'answer-through-losses', { calls: 30, seconds: 100, forgiving: true }));
      for (let i = 0; i < 30; i++) ours.say(`call sip:2001@${far.address}`);
      await times(ours, /^answered$/gm, 30, 60000);
      ours.say('hang up');
      await called.succeeded();
      const { lost, overtaken } = far.shuffled();
      assert(lost > 5 && overtaken > 20, `only ${lost} packets were lost, ${overtaken} overtaken`);
    },
  },
];
