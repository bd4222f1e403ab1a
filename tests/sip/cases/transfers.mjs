// Transfers to and from telephones: by the agent's page and by the telephone itself. Kamailio is the trunk, the
// telephones are registered there.
import { Baresip } from '../lib/baresip.mjs';
import { assert, assist, bothHear, mediaSettings, pageCalls, pageHears, people, signIn, sipSettings, until } from '../lib/call.mjs';
import { Kamailio } from '../lib/kamailio.mjs';
import { Linphone } from '../lib/linphone.mjs';
import { Sipp } from '../lib/sipp.mjs';

async function stackWith(t, ...phones) {
  const kamailio = await t.start(Kamailio, t.peer());
  const started = await Promise.all(phones.map((phone) => t.start(Baresip, t.peer(), { registrar: kamailio, ...phone })));
  await t.parley(sipSettings(t.lan, [kamailio.address], { 'gateway.phone_transfer_destinations': '20\\d\\d' }), mediaSettings(t.lan));
  return { kamailio, phones: started };
}
async function agentIn(t, person = 'agent', user = 'agent1') {
  const agent = await t.browser('chromium', person);
  await signIn(agent, t.stack, user);
  return agent;
}
/** A customer's page in a call with agent1's page. */
async function pageAndAgent(t) {
  const agent = await agentIn(t);
  const customer = await t.browser('chromium', 'consumer');
  await assist(customer, t.stack, { destination: 'agent1' });
  await agent.appears('ringing');
  await agent.click('answer');
  await Promise.all([customer.is('call-panel', 'connected'), agent.is('call', 'connected')]);
  return { agent, customer };
}
/** A telephone in a call with agent1's page. */
async function phoneAndAgent(t, phone) {
  const agent = await agentIn(t);
  await phone.dial(`sip:agent1@${t.lan.host}`);
  await agent.appears('ringing');
  await agent.click('answer');
  await agent.is('call', 'connected');
  await bothHear(agent, phone);
  return agent;
}
async function pass(agent, to, how = 'blind') {
  await agent.click('transfer');
  await agent.fill('transfer-to', to);
  await agent.click(`transfer-${how}`);
}
const wasTransferred = (page) => until(`${page.name}: the call was transferred`, async () => (await page.attribute('last-call', 'data-reason')) === 'transferred');
const inviteTo = (wire, number, from) => wire.messages(`sip.Method == "INVITE" && ip.src == ${from}`).find((m) => m.line.startsWith(`INVITE sip:${number}@`));
const callId = (message) => /Call-ID: ([^\s\\;]+)/i.exec(message?.headers ?? '')?.[1];

export const cases = [
  {
    name: 'transfers: an agent passes a customer\'s page on to a phone, blind', async run(t) {
      const wire = await t.capture('port 5060');
      const { phones: [phone] } = await stackWith(t, { user: '2001' });
      const { agent, customer } = await pageAndAgent(t);
      await pass(agent, '2001');
      await wasTransferred(agent);
      await bothHear(customer, phone);
      await phone.command('hangup');
      await customer.is('call-panel', 'ended');
      await wire.stop();
      assert(/From: "?Ada Lovelace"?/.test(inviteTo(wire, '2001', t.lan.host).headers.replaceAll('\\"', '"')), 'the phone is not told whose call it is');
    },
  },
  {
    name: 'transfers: an agent asks at a phone first and joins the customer\'s page with it', async run(t) {
      const { phones: [phone] } = await stackWith(t, { user: '2001' });
      const { agent, customer } = await pageAndAgent(t);
      await pass(agent, '2001', 'consult');
      await bothHear(agent, phone);
      await t.shots(agent, 'sip-consult');
      await agent.click('complete-transfer');
      await wasTransferred(agent);
      await bothHear(customer, phone);
      await customer.click('end');
      await phone.event('CALL_CLOSED');
      await until('no call is left', async () => (await t.stack.calls()).current.length === 0);
    },
  },
  {
    name: 'transfers: an agent passes a phone\'s call on to a second agent, who sees its number', async run(t) {
      const { phones: [phone] } = await stackWith(t, { user: '2001' });
      const agent = await phoneAndAgent(t, phone);
      const second = await agentIn(t, 'second', 'agent2');
      await pass(agent, 'agent2');
      await second.appears('ringing');
      await second.says('caller-name', /2001/);
      await second.appears('caller-transferred-by');
      await phone.hearsTone(425);  // The phone that waits is told that it rings.
      await second.click('answer');
      await wasTransferred(agent);
      await bothHear(second, phone);
      await phone.command('hangup');
      await second.appears('last-call');
    },
  },
  {
    name: 'transfers: an agent passes a phone\'s call on to another phone, which the first is asked to call (REFER)', async run(t) {
      const wire = await t.capture('port 5060');
      const { phones: [phone, other] } = await stackWith(t, { user: '2001' }, { user: '2002', tone: 900 });
      const agent = await phoneAndAgent(t, phone);
      await pass(agent, '2002');
      await wasTransferred(agent);
      await other.hearsTone(phone.tone);
      await until('no call is left here', async () => (await t.stack.calls()).current.length === 0);
      await other.command('hangup');
      await wire.stop();
      const refer = wire.messages(`sip.Method == "REFER" && ip.src == ${t.lan.host}`)[0];
      assert(/Refer-To: .*[?&]X-Correlation-ID=\w+/i.test(refer?.headers ?? ''), `REFER: ${refer?.headers}`);
    },
  },
  {
    name: 'transfers: an agent asks at a second phone and joins the first with it, which takes its place there (REFER with Replaces)', async run(t) {
      const wire = await t.capture('port 5060');
      const kamailio = await t.start(Kamailio, t.peer());
      // baresip knows no Replaces.
      const [phone, other] = await Promise.all([{ user: '2001', tone: 500 }, { user: '2002', tone: 900 }].map((each) => t.start(Linphone, t.peer(), { ...each, registrar: kamailio })));
      await t.parley(sipSettings(t.lan, [kamailio.address]), mediaSettings(t.lan));
      const agent = await agentIn(t);
      await agent.fill('dial-number', '2001');
      await agent.click('dial');
      await agent.is('call', 'connected');
      await bothHear(agent, phone);
      await pass(agent, '2002', 'consult');
      await bothHear(agent, other);
      await agent.click('complete-transfer');
      await wasTransferred(agent);
      await Promise.all([phone.hearsTone(other.tone), other.hearsTone(phone.tone)]);
      await until('no call is left here', async () => (await t.stack.calls()).current.length === 0);
      await agent.is('availability', 'available');
      await wire.stop();
      const [first, asked] = ['2001', '2002'].map((number) => callId(inviteTo(wire, number, t.lan.host)));
      const refer = wire.messages(`sip.Method == "REFER" && ip.src == ${t.lan.host}`)[0];
      assert(callId(refer) === first && decodeURIComponent(/Refer-To: .*[?&]Replaces=([^&>]+)/i.exec(refer.headers)?.[1] ?? '').startsWith(`${asked};`), `REFER: ${refer?.headers}`);
      const taking = inviteTo(wire, '2002', phone.peer.address);
      assert(taking?.headers.includes(`Replaces: ${asked};`) && callId(taking) !== asked, `the first phone's INVITE: ${taking?.headers}`);
      const ended = wire.messages('sip.Method == "BYE"').map(callId);
      assert(ended.includes(first) && ended.includes(asked) && !ended.includes(callId(taking)), `BYEs: ${ended}`);
    },
  },
  {
    name: 'transfers: an agent passes a phone\'s call on to another phone, and the first takes no REFER', async run(t) {
      const wire = await t.capture('port 5060');
      const { phones: [phone, other] } = await stackWith(t, { user: '2001', account: 'call_transfer=no' }, { user: '2002', tone: 900 });
      const agent = await phoneAndAgent(t, phone);
      await pass(agent, '2002');
      await wasTransferred(agent);
      await Promise.all([other.hearsTone(phone.tone), phone.hearsTone(other.tone)]);
      await other.command('hangup');
      await phone.event('CALL_CLOSED');
      await wire.stop();
      assert(/From: .*sip:2001@/.test(inviteTo(wire, '2002', t.lan.host).headers), 'the caller\'s number is not kept');
    },
  },
  {
    name: 'transfers: a phone passes a customer\'s page on to an agent (its REFER)', async run(t) {
      const { phones: [phone] } = await stackWith(t, { user: '2001' });
      const agent = await agentIn(t);
      const customer = await pageCalls(t, '2001');
      await customer.is('call-panel', 'connected');
      await bothHear(customer, phone);
      await phone.command('transfer', `sip:agent1@${t.lan.host}`);
      await agent.appears('ringing');
      await agent.says('caller-name', /Ada Lovelace/);
      await agent.click('answer');
      await phone.event('CALL_CLOSED');
      await pageHears(customer, people.agent.tone);
      await pageHears(agent, people.consumer.tone);
      await agent.click('end');
      await customer.is('call-panel', 'ended');
    },
  },
  {
    name: 'transfers: a phone passes a customer\'s page on to another phone (its REFER)', async run(t) {
      const { phones: [phone, other] } = await stackWith(t, { user: '2001' }, { user: '2002', tone: 900 });
      const customer = await pageCalls(t, '2001');
      await customer.is('call-panel', 'connected');
      await bothHear(customer, phone);
      await phone.command('transfer', `sip:2002@${t.lan.host}`);
      await phone.event('CALL_CLOSED');
      await bothHear(customer, other);
      await customer.click('end');
      await other.event('CALL_CLOSED');
    },
  },
  {
    name: 'transfers: a customer\'s page hears what the target\'s network sends before it answers, and is back with the agent when it is busy', async run(t) {
      const server = t.peer();
      t.owns(new Sipp(t.scratch, server, 'early-media-then-busy', { echo: true }));
      await t.parley(sipSettings(t.lan, [server.address]), mediaSettings(t.lan));
      const { agent, customer } = await pageAndAgent(t);
      await pageHears(customer, people.agent.tone);
      await pass(agent, '2001');
      await agent.is('transfer-state', 'ringing');
      await pageHears(customer, people.consumer.tone);  // Its own, sent back.
      await agent.gone('transfer-state');
      await Promise.all([pageHears(customer, people.agent.tone), pageHears(agent, people.consumer.tone)]);
      await customer.click('end');
      await until('no call is left', async () => (await t.stack.calls()).current.length === 0);
    },
  },
];
