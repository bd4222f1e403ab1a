// A conference of three: the agent's page mixes a customer's page and a telephone. Each end plays a tone of its own;
// what everybody hears is measured where it arrives.
import { near } from '../../browser/lib/measure.mjs';
import { Baresip } from '../lib/baresip.mjs';
import { assert, assist, bothHear, mediaSettings, pageHearsMix, people, phoneHearsMix, signIn, sipSettings, until } from '../lib/call.mjs';
import { Kamailio } from '../lib/kamailio.mjs';

const kPhone = 900;
const { tone: kAda } = people.consumer, { tone: kAgent } = people.agent;
const kTones = [kAda, kAgent, kPhone];

/** Ada is on hold, the agent speaks with the telephone about her. */
async function consult(t, settings = {}) {
  const kamailio = await t.start(Kamailio, t.peer());
  const phone = await t.start(Baresip, t.peer(), { registrar: kamailio, user: '2001', tone: kPhone });
  await t.parley({ ...sipSettings(t.lan, [kamailio.address]), ...settings }, mediaSettings(t.lan));
  const agent = await t.browser('chromium', 'agent');
  await signIn(agent, t.stack);
  await agent.keepPlayers();
  const customer = await t.browser('chromium', 'consumer');
  await assist(customer, t.stack, { destination: 'agent1' });
  await agent.appears('ringing');
  await agent.click('answer');
  await Promise.all([customer.is('call-panel', 'connected'), agent.is('call', 'connected')]);
  await agent.click('transfer');
  await agent.fill('transfer-to', '2001');
  await agent.click('transfer-consult');
  await bothHear(agent, phone);
  await pageHearsMix(customer, [], kTones);
  return { agent, customer, phone };
}
const conferenceIs = (agent, state) => until(`the conference is ${state}`, async () => {
  const now = await agent.attribute('other-call', 'data-conference');
  return now === state || Promise.reject(new Error(now));
});
async function together({ agent, customer, phone }) {
  await agent.click('together');
  await conferenceIs(agent, 'running');
  await allHear({ agent, customer, phone });
}
/** Each of the three hears both others, and not himself. The agent looks at Ada; the telephone has no picture. */
async function allHear({ agent, customer, phone }) {
  await Promise.all([pageHearsMix(customer, [kAgent, kPhone], kTones), phoneHearsMix(phone, [kAda, kAgent], kTones), pageHearsMix(agent, [kAda], kTones)]);
}

export const cases = [
  {
    name: 'conference: customer, telephone and agent hear each other; mute, split, and the telephone hangs up', async run(t) {
      const three = await consult(t);
      const { agent, customer, phone } = three;
      await together(three);
      await agent.says('other-name', /Ada Lovelace, 2001 and you/);
      await t.shots(agent, 'sip-conference');
      await customer.says('call-state', /2001/);
      await until('the customer sees the agent', async () => near((await customer.see('remote-video')).colour, people.agent.colour));
      // The telephone is heard by an element that is not in the page; Ada by the picture, and not twice.
      await pageHearsMix(agent, [kPhone], kTones, 1);
      const players = await agent.evaluate(() => window.__players.map((p) => [p.muted, p.paused]));
      assert(JSON.stringify(players) === '[[true,false],[false,false]]', `what plays: ${JSON.stringify(players)}`);

      await agent.click('mute-audio');
      await Promise.all([pageHearsMix(customer, [kPhone], kTones), phoneHearsMix(phone, [kAda], kTones)]);
      await agent.click('mute-audio');
      await allHear(three);

      await agent.click('together');
      await conferenceIs(agent, 'no');
      await Promise.all([pageHearsMix(customer, [], kTones), phoneHearsMix(phone, [kAgent], kTones), pageHearsMix(agent, [kPhone], kTones)]);

      await together(three);
      await phone.command('hangup');
      await agent.gone('other-call');
      await Promise.all([pageHearsMix(customer, [kAgent], kTones), pageHearsMix(agent, [kAda], kTones)]);
      await customer.says('call-state', /^Connected$/);
      const { current } = await t.stack.calls();
      const timeline = JSON.stringify((await t.stack.call(current[0].call)).timeline);
      assert(/"what":"conference"/.test(timeline) && /"what":"conference over"/.test(timeline), 'the timeline does not tell of it');
      await customer.click('end');
      await until('no call is left', async () => (await t.stack.calls()).current.length === 0);
    },
  },
  {
    name: 'conference: the agent\'s page is loaded anew and mixes again; the agent leaves the two', async run(t) {
      const three = await consult(t);
      const { agent, customer, phone } = three;
      await together(three);
      await agent.reload();
      await conferenceIs(agent, 'running');
      await Promise.all([pageHearsMix(customer, [kAgent, kPhone], kTones), phoneHearsMix(phone, [kAda, kAgent], kTones)]);
      await agent.click('complete-transfer');
      await until('the agent has left', async () => (await agent.attribute('last-call', 'data-reason')) === 'transferred');
      await Promise.all([pageHearsMix(customer, [kPhone], kTones), phoneHearsMix(phone, [kAda], kTones)]);
      await customer.click('end');
      await phone.event('CALL_CLOSED');
    },
  },
  {
    name: 'conference: the customer hangs up and the agent goes on with the telephone', async run(t) {
      const three = await consult(t);
      await together(three);
      await three.customer.click('end');
      await three.agent.gone('other-call');
      await Promise.all([phoneHearsMix(three.phone, [kAgent], kTones), pageHearsMix(three.agent, [kPhone], kTones)]);
      await three.phone.command('hangup');
      await three.agent.gone('call');
    },
  },
  {
    name: 'conference: the agent\'s page dies for good, and both others are told', async run(t) {
      const three = await consult(t, { 'gateway.resume_seconds': 5 });
      await together(three);
      await three.agent.closeTab();
      await three.customer.says('call-state', /lost the connection/);
      await three.customer.is('call-panel', 'ended');
      assert((await three.customer.attribute('call-panel', 'data-reason')) === 'agent_lost', 'another reason');
      await three.phone.event('CALL_CLOSED');
      await until('no call is left', async () => (await t.stack.calls()).current.length === 0);
    },
  },
];
