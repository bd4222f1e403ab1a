// From a telephone to a signed-in agent's browser, and strangers.
import { endedWith } from '../../browser/lib/call.mjs';
import { keepOwnSound } from '../../browser/lib/measure.mjs';
import { Baresip } from '../lib/baresip.mjs';
import { assert, bothHear, mediaSettings, people, performancePage, sipSettings, signIn, until } from '../lib/call.mjs';
import { Linphone } from '../lib/linphone.mjs';
import { request } from '../../browser/lib/stack.mjs';
import { Sipp } from '../lib/sipp.mjs';

async function agentAndPhone(t, { settings = {}, phone = {}, others = [] } = {}) {
  const telephone = await t.start(Baresip, t.peer(), { user: '2001', tone: 600, ...phone });
  await t.parley(sipSettings(t.lan, [telephone, ...others].map((each) => each.peer.address), settings), mediaSettings(t.lan));
  const agent = await t.browser('chromium', 'agent');
  await signIn(agent, t.stack);
  return { agent, telephone };
}

async function answered(t, options) {
  const pair = await agentAndPhone(t, options);
  await pair.telephone.dial(`sip:agent1@${t.lan.host}`);
  await pair.agent.appears('ringing');
  await pair.agent.click('answer');
  await pair.agent.is('call', 'connected');
  await bothHear(pair.agent, pair.telephone);
  return pair;
}

export const cases = [
  {
    name: 'incoming: a phone calls an agent\'s browser, both hear each other, keys are shown (RFC 4733), the phone hangs up', async run(t) {
      const { agent, telephone } = await answered(t);
      await telephone.command('sndcode', '4');
      await agent.says('dtmf-received', /^\W*4$/);
      await telephone.command('sndcode', '2');
      await telephone.command('sndcode', '#');
      await agent.says('dtmf-received', /4 ?2 ?#$/);
      // What was pressed is nobody else's business: the record counts.
      const { timeline } = await t.stack.call((await t.stack.calls()).current[0].call);
      const keys = timeline.filter((e) => e.what === 'dtmf' && e.detail.by === 'rfc4733');
      assert(keys.length === 3 && !JSON.stringify(keys).includes('#'), JSON.stringify(keys));
      await telephone.command('hangup');
      await agent.appears('last-call');
    },
  },
  {
    name: 'incoming: a phone calls the number of a hunt group; both its agents ring, one answers and hangs up, the other one reads why it stopped', async run(t) {
      const { agent, telephone } = await agentAndPhone(t, { settings: { 'gateway.hunt_groups': 'sales: agent1 agent2; number=8000' } });
      const second = await t.browser('chromium', 'second');
      await signIn(second, t.stack, 'agent2');
      await telephone.dial(`sip:8000@${t.lan.host}`);
      await Promise.all([agent.appears('ringing'), second.appears('ringing')]);
      await agent.says('caller-group', /sales/);
      await agent.click('answer');
      await Promise.all([agent.is('call', 'connected'), second.gone('ringing'), endedWith(second, 'answered_elsewhere')]);
      await second.is('availability', 'available');
      await bothHear(agent, telephone);
      await agent.click('end');
      await telephone.event('CALL_CLOSED');
    },
  },
  {
    name: 'incoming: a hunt group whose pages answer by themselves, the one that is idle longest first; an agent whose page does', async run(t) {
      const { agent, telephone } = await agentAndPhone(t, { settings: { 'gateway.hunt_groups': 'sales: agent1 agent2; strategy=longest-idle; number=8000; auto-answer', 'gateway.auto_answer_agents': 'agent2' } });
      const second = await t.browser('chromium', 'second');
      await second.raw.addInitScript(keepOwnSound);
      await signIn(second, t.stack, 'agent2');
      // Who signed in first is idle longest; after a call, the other one is.
      for (const [takes, other] of [[agent, second], [second, agent]]) {
        await telephone.dial(`sip:8000@${t.lan.host}`);
        await takes.is('call', 'connected');
        await bothHear(takes, telephone);
        assert(!(await other.state(other.test('call')))?.visible && !(await other.state(other.test('ringing')))?.visible, `${other.name} is called, too`);
        await telephone.command('hangup');
        await takes.is('availability', 'available');
        telephone.forget();
      }
      const before = await second.evaluate(() => performance.now());
      await telephone.dial(`sip:agent2@${t.lan.host}`);
      await second.is('call', 'connected');
      await bothHear(second, telephone);
      assert((await second.sounded([660, 880], before)) >= 150, 'no tone before the answer');
      await telephone.command('hangup');
      await second.is('availability', 'available');
      // The other agent is asked.
      await telephone.dial(`sip:agent1@${t.lan.host}`);
      await agent.appears('ringing');
      await new Promise((done) => setTimeout(done, 2000));
      assert((await agent.state(agent.test('ringing')))?.visible, 'the page answered by itself');
      await telephone.command('hangup');
      await agent.gone('ringing');
    },
  },
  {
    name: 'incoming: SDES where the phone offers it (sdes-preferred), and plain RTP where it does not', async run(t) {
      const wire = await t.capture();
      const plain = await t.start(Baresip, t.peer(), { user: '2002', tone: 800 });
      const { agent, telephone } = await agentAndPhone(t, { settings: { 'sip.media_security': 'sdes-preferred' }, phone: { encryption: 'srtp-mand' }, others: [plain] });
      for (const phone of [telephone, plain]) {
        await phone.dial(`sip:agent1@${t.lan.host}`);
        await agent.appears('ringing');
        await agent.click('answer');
        await agent.is('call', 'connected');
        await bothHear(agent, phone);
        await phone.command('hangup');
        await agent.is('availability', 'available');
      }
      await wire.stop();
      const [secret, open] = [telephone, plain].map((phone) => wire.overheard(phone.peer.address, t.lan.host));
      assert(secret.packets > 10 && secret.share < 0.2, `readable: ${JSON.stringify(secret)}`);
      assert(open.packets > 10 && open.hertz === plain.tone, `not plain: ${JSON.stringify(open)}`);
    },
  },
  {
    name: 'incoming: a call with ISUP and a location beside its SDP (multipart); a key of the phone (INFO) and what came along (User-to-User) are shown to the agent', async run(t) {
      const peer = t.peer();
      await t.parley(sipSettings(t.lan, [peer.address]), mediaSettings(t.lan));
      const agent = await t.browser('chromium', 'agent');
      await signIn(agent, t.stack);
      const call = t.owns(new Sipp(t.scratch, peer, 'call-and-press-a-key', { remote: `${t.lan.host}:5060`, user: 'agent1', echo: true }));
      await agent.appears('ringing');
      await agent.says('caller-uui', /order 4711/);
      await t.shots(agent, 'sip-ringing-uui');
      await agent.click('answer');
      await agent.says('peer-uui', /order 4711/);
      await agent.says('dtmf-received', /7/);
      await call.succeeded();
    },
  },
  {
    name: 'incoming: the number that the administration gave an agent rings their page, the phone gives up; once they signed out it is told so (480)', async run(t) {
      const { agent, telephone } = await agentAndPhone(t);
      const given = await request(`${t.stack.url}/web_plugin_framework/webcontroller/api/users/agent1`, { method: 'PUT', headers: await t.stack.admin(), body: { number: '8000' } });
      assert(given.status === 200 && given.json.number === '8000', given.text);
      await telephone.dial(`sip:8000@${t.lan.host}`);
      await agent.appears('ringing');
      assert((await t.stack.calls()).current.length === 1, 'the call is known');
      await telephone.command('hangup');
      await agent.gone('ringing');
      telephone.forget();
      await agent.click('sign-out');
      await agent.appears('login');
      await telephone.dial(`sip:8000@${t.lan.host}`);
      const told = await telephone.event('CALL_CLOSED');
      assert(told.param.startsWith('480'), `nobody is signed in, but the phone was told ${told.param}`);
    },
  },
  {
    name: 'incoming: linphone calls an agent\'s browser, which holds and resumes', async run(t) {
      const telephone = await t.start(Linphone, t.peer(), { user: '2002', tone: 900 });
      await t.parley(sipSettings(t.lan, [telephone.peer.address]), mediaSettings(t.lan));
      const agent = await t.browser('chromium', 'agent');
      await signIn(agent, t.stack);
      telephone.dial(`sip:agent1@${t.lan.host}`);
      await agent.appears('ringing');
      await agent.click('answer');
      await agent.is('call', 'connected');
      await bothHear(agent, telephone);
      await agent.click('hold');
      await until('linphone no longer hears the agent', async () => telephone.hearsTone(people.agent.tone, 300).then(() => false, () => true));
      await agent.click('hold');
      await bothHear(agent, telephone);
      telephone.hangUp();
      await agent.appears('last-call');
    },
  },
  {
    name: 'incoming: nobody is there: the phone is told', async run(t) {
      const server = t.peer();
      await t.parley(sipSettings(t.lan, [server.address]), mediaSettings(t.lan));
      const call = t.owns(new Sipp(t.scratch, server, 'call-and-be-refused', { remote: `${t.lan.host}:5060`, user: 'agent1' }));
      await call.succeeded();
    },
  },
  {
    name: 'strangers: refused with 403, or not answered at all', async run(t) {
      const [silent, stranger] = [t.peer(), t.peer()];
      const good = await t.start(Baresip, t.peer(), { user: '2001' });
      await t.parley(sipSettings(t.lan, [silent.address, good.peer.address], { 'sip.server_timeout_ms': 500 }), mediaSettings(t.lan));
      const knocks = t.owns(new Sipp(t.scratch, stranger, 'call-and-be-forbidden', { remote: `${t.lan.host}:5060`, user: 'agent1', calls: 20, rate: 100 }));
      await knocks.succeeded();
      const { strangers } = (await request(`${t.stack.url}/web_plugin_framework/webcontroller/api/trunks`, { headers: await t.stack.admin() })).json;
      assert(strangers.refused >= 20 && strangers.addresses.length === 1, `strangers: ${JSON.stringify(strangers)}`);
      assert(strangers.addresses[0].address === stranger.address && strangers.addresses[0].method === 'INVITE', JSON.stringify(strangers));
      const admin = await t.browser('chromium', 'agent');
      await performancePage(admin, t.stack);
      await admin.says('strangers', new RegExp(stranger.address.replaceAll('.', '\\.')));
      await until('one server is up, the other one down', async () => {
        const states = await admin.evaluate(() => [...document.querySelectorAll('[data-test=trunk-row]')].map((row) => row.dataset.state).sort().join());
        return states === 'down,up' || Promise.reject(new Error(states));
      });
      await t.shots(admin, 'sip-trunks', true);
    },
  },
  {
    name: 'strangers: silence where it is set', async run(t) {
      const [trunk, stranger] = [t.peer(), t.peer()];
      const wire = await t.capture('udp port 5060');
      await t.parley(sipSettings(t.lan, [trunk.address], { 'sip.strangers': 'silence' }), mediaSettings(t.lan));
      const knocks = t.owns(new Sipp(t.scratch, stranger, 'call-and-be-forbidden', { remote: `${t.lan.host}:5060`, user: 'agent1', calls: 3, seconds: 4 }));
      assert(await knocks.program.exit(30000) !== 0, 'somebody answered');
      await wire.stop();
      const answers = wire.messages(`ip.dst == ${stranger.address} && sip.Status-Line`);
      assert(answers.length === 0, `answered: ${answers.map((a) => a.line)}`);
      assert(wire.messages(`ip.src == ${stranger.address}`).length > 0, 'nobody knocked');
    },
  },
];
