// From a page to a telephone behind a trunk.
import { keepOwnSound } from '../../browser/lib/measure.mjs';
import { request } from '../../browser/lib/stack.mjs';
import { Baresip } from '../lib/baresip.mjs';
import {
  agentToken, assert, assist, bothHear, dial, endsWith, mediaSettings, pageCalls, pageHears, people, performancePage, reaches, sdp, Session, signIn,
  sipSettings, trunksOf, until,
} from '../lib/call.mjs';
import { Kamailio, secretOf } from '../lib/kamailio.mjs';
import { Linphone } from '../lib/linphone.mjs';
import { Sipp } from '../lib/sipp.mjs';

/** A server whose trunk is this phone itself; a page has called it and both hear each other. */
async function connected(t, { phone = {}, settings = {} } = {}) {
  const wire = await t.capture();
  const telephone = await t.start(Baresip, t.peer(), { user: '2001', ...phone });
  await t.parley(sipSettings(t.lan, [telephone.peer.address], settings), mediaSettings(t.lan));
  const page = await pageCalls(t, '2001');
  await page.is('call-panel', 'connected');
  await bothHear(page, telephone);
  return { page, telephone, wire };
}

/** A page's call with a phone is in the performance log (GW-11), for programs and on the page. */
async function counted(t, page, telephone) {
  const { stack } = t;
  const log = async (minutes) => (await request(`${stack.url}/web_plugin_framework/webcontroller/api/performance?minutes=${minutes}`, { headers: await stack.admin() })).json;
  const sum = (rows, key) => rows.reduce((all, row) => all + row[key], 0);
  const { seconds } = await until('the call is counted', async () => { const now = await log(2); return sum(now.seconds, 'ended') > 0 && now; });
  assert(sum(seconds, 'started') === 1 && sum(seconds, 'ended') === 1 && sum(seconds, 'failed') === 0, JSON.stringify(seconds.slice(-3)));
  assert(seconds.some((row) => row.calls === 1) && seconds.at(-1).calls === 0 && seconds.some((row) => row.sessions === 1), 'calls and sessions at a time');
  // INVITE, ACK out, 200 in; OPTIONS and BYE have answers. What is repeated on a busy machine comes on top.
  assert(sum(seconds, 'sipOut') >= 4 && sum(seconds, 'sipIn') >= 3, `${sum(seconds, 'sipIn')} SIP messages in, ${sum(seconds, 'sipOut')} out`);
  const brokers = Object.keys(seconds.at(-1).brokerLoad);
  assert(brokers.length === 1 && brokers[0].endsWith(`:${stack.controlPort}`), `load of ${brokers}`);
  assert(seconds.at(-1).sipServersUp === 1 && seconds.at(-1).sipServersDown === 0, JSON.stringify(seconds.at(-1)));
  await performancePage(page, stack);
  const tile = (name) => page.evaluate((n) => document.querySelector(`[data-test=tile][data-name="${n}"] dd`)?.textContent, name);
  await until('the tiles count it', async () => (await tile('Calls begun')) === '1' && (await tile('Calls that failed')) === '0' && (await tile('Calls')) === '0' && (await tile('SIP servers up')) === '1 of 1');
  const row = await page.evaluate(() => document.querySelector('[data-test=trunk-row]').innerText);
  assert((await page.attribute('trunk-row', 'data-state')) === 'up' && row.includes(telephone.peer.address), row);
  const charts = await page.evaluate(() => [...document.querySelectorAll('[data-test=chart]')].map((each) => {
    const heights = [...each.querySelectorAll('polyline')].map((line) => new Set(line.getAttribute('points').split(' ').map((at) => at.split(',')[1])).size);
    return { name: each.dataset.name, points: Number(each.dataset.points), moves: heights.some((count) => count > 1) };
  }));
  assert(charts.length >= 3 && charts.every(({ points }) => points > 1) && charts.some(({ moves }) => moves), JSON.stringify(charts));
  assert(charts.find(({ name }) => name === 'Load of the media brokers')?.points > 1, JSON.stringify(charts));
  await t.shots(page, 'sip-performance', true);
  await tellsTheCall(t, page);
}

/** The page of the call: what was said to the phone, in order, and its leg. */
async function tellsTheCall(t, page) {
  await page.click('nav-list');
  await page.click('call-link');
  await page.appears('ladder-entry');
  const told = await page.evaluate(() => ({
    entries: [...document.querySelectorAll('[data-test=ladder-entry]')].map((each) => each.innerText.replace(/\s+/g, ' ')), legs: [...document.querySelectorAll('[data-test=leg]')].map((each) => each.dataset.kind),
  }));
  assert(told.entries.some((text) => /INVITE/.test(text)) && told.legs.includes('rtp') && told.legs.includes('webrtc'), JSON.stringify(told));
  await t.shots(page, 'sip-call', true);
}

const refused = (scenario, status, reason) => ({
  name: `trunk: ${status} is told to the page as ${reason}`, async run(t) {
    const server = t.peer();
    const phone = t.owns(new Sipp(t.scratch, server, scenario));
    await t.parley(sipSettings(t.lan, [server.address]), mediaSettings(t.lan));
    const page = await dial(t.stack, '2001');
    await endsWith(page, reason);
    await phone.succeeded();
    await page.bye();
  },
});

export const cases = [
  {
    name: 'trunk: a page calls a phone, both hear each other, the page hangs up', async run(t) {
      const { page, telephone, wire } = await connected(t);
      await page.click('end');
      await telephone.event('CALL_CLOSED');
      await page.is('call-panel', 'ended');
      await wire.stop();
      const invite = wire.messages(`sip.Method == "INVITE" && ip.dst == ${telephone.peer.address}`)[0];
      assert(/^INVITE sip:2001@/.test(invite.line), `called as ${invite.line}`);
      const bye = wire.messages('sip.Method == "BYE"');
      assert(bye.length === 1 && bye[0].from === t.lan.host, `BYE: ${JSON.stringify(bye.map((b) => b.from))}`);
      assert(/Reason: Q\.850;cause=16;text=.?"Normal call clearing/.test(bye[0].headers), `BYE with ${bye[0].headers}`);
    },
  },
  {
    name: 'trunk: the phone hangs up', async run(t) {
      const { page, telephone } = await connected(t);
      await telephone.command('hangup');
      await page.is('call-panel', 'ended');
      assert(await page.attribute('call-panel', 'data-reason') === 'hung_up', `ended with ${await page.attribute('call-panel', 'data-reason')}`);
      await counted(t, page, telephone);
    },
  },
  {
    name: 'trunk: emergency numbers are refused in words, as it is shipped; nothing of them is sent', async run(t) {
      const wire = await t.capture('udp port 5060');
      const server = t.peer();
      t.owns(new Sipp(t.scratch, server, 'busy', { calls: 2 }));
      await t.parley(sipSettings(t.lan, [server.address]), mediaSettings(t.lan));
      const page = await pageCalls(t, '112');
      await page.is('call-panel', 'ended');
      assert((await page.attribute('call-panel', 'data-reason')) === 'number.refused', `ended with ${await page.attribute('call-panel', 'data-reason')}`);
      await page.says('call-state', /In an emergency/);
      await t.shots(page, 'sip-refused-112');
      for (const number of ['112', 'tel:911', 'sip:110@example.org', '999']) {
        const session = await dial(t.stack, number);
        await endsWith(session, 'number_refused');
        await session.bye();
      }
      const agent = await Session.open(t.stack, await agentToken(t.stack, 'agent1'));
      agent.send({ type: 'dial', destination: '112', sdp: sdp('actpass'), media: { audio: true, video: false } });
      await endsWith(agent, 'number_refused');
      await agent.bye();
      // Beside them: a number that only begins like one.
      const other = await dial(t.stack, '1125');
      await endsWith(other, 'phone_busy');
      await other.bye();
      await wire.stop();
      const called = wire.messages(`sip.Method == "INVITE" && ip.dst == ${server.address}`).map((m) => m.line);
      assert(called.length > 0 && called.every((line) => /^INVITE sip:1125@/.test(line)), `called: ${called}`);
    },
  },
  {
    name: 'trunk: a key that the person presses reaches the phone (RFC 4733)', async run(t) {
      const { page, telephone, wire } = await connected(t);
      await page.click('keypad-toggle');
      await page.click('key-5');
      await wire.sees(`ip.src == ${t.lan.host} && ip.dst == ${telephone.peer.address} && rtpevent.event_id == 5`);
      const start = await telephone.event('CALL_DTMF_START');
      assert(start.param === '5', `the phone understood ${start.param}`);
      await telephone.event('CALL_DTMF_END');
    },
  },
  {
    name: 'trunk: linphone answers, both hear each other; it holds, resumes, hangs up', async run(t) {
      const telephone = await t.start(Linphone, t.peer(), { user: '2001' });
      await t.parley(sipSettings(t.lan, [telephone.peer.address]), mediaSettings(t.lan));
      const page = await pageCalls(t, '2001');
      await page.is('call-panel', 'connected');
      await bothHear(page, telephone);
      await telephone.hold();
      // It plays its file to who is on hold, and hears nothing.
      await until('the page knows that it is on hold', async () => (await page.attribute('call-state', 'data-hold')) === 'peer');
      await until('linphone no longer hears the person', async () => telephone.hearsTone(people.consumer.tone, 300).then(() => false, () => true));
      telephone.resume();
      await until('the page knows that it is not any more', async () => (await page.attribute('call-state', 'data-hold')) === 'no');
      await bothHear(page, telephone);
      telephone.hangUp();
      await page.is('call-panel', 'ended');
    },
  },
  {
    name: 'trunk: through Kamailio, which asks for a password, to a phone that is registered there', async run(t) {
      const wire = await t.capture();
      const kamailio = await t.start(Kamailio, t.peer(), { callsNeedDigest: true });
      const telephone = await t.start(Baresip, t.peer(), { user: '2001', registrar: kamailio });
      await t.parley(sipSettings(t.lan, [kamailio.address], { 'sip.trunk_user': 'parley', 'sip.trunk_password': secretOf('parley') }), mediaSettings(t.lan));
      const page = await pageCalls(t, '2001');
      await page.is('call-panel', 'connected');
      await bothHear(page, telephone);
      await telephone.command('hangup');
      await page.is('call-panel', 'ended');
      await wire.stop();
      assert(wire.fields('sip.Method == "INVITE" && sip.Proxy-Authorization', 'frame.number').length > 0, 'no credentials on the wire');
    },
  },
  {
    name: 'trunk: PCMA, G.722 and Opus: a page calls such phones and they call an agent\'s page', async run(t) {
      const kamailio = await t.start(Kamailio, t.peer());
      const kinds = [['PCMA', 'pcma/8000/1'], ['G722', 'g722/16000/1'], ['opus', 'opus/48000/2']];
      const phones = await Promise.all(kinds.map(async ([codec, codecs], i) => Object.assign(
        await t.start(Baresip, t.peer(), { user: `200${i + 1}`, tone: 500 + 100 * i, registrar: kamailio, codecs }), { codec })));
      await t.parley(sipSettings(t.lan, [kamailio.address]), mediaSettings(t.lan));
      const [page, agent] = [await t.browser('chromium', 'consumer'), await t.browser('chromium', 'agent')];
      await signIn(agent, t.stack);
      const calls = {
        page: async (phone) => {
          await assist(page, t.stack, { destination: phone.user });
          await page.is('call-panel', 'connected');
          return page;
        },
        agent: async (phone) => {
          await phone.dial(`sip:agent1@${t.lan.host}`);
          await agent.appears('ringing');
          await agent.click('answer');
          await agent.is('call', 'connected');
          return agent;
        },
      };
      // Two calls at a time, of different phones.
      for (let i = 0; i < phones.length; i++) {
        const pairs = [[calls.page, phones[i]], [calls.agent, phones[(i + 1) % phones.length]]];
        await Promise.all(pairs.map(async ([call, phone]) => bothHear(await call(phone), phone)));
        const reports = await Promise.all((await t.stack.calls()).current.map((one) => t.stack.call(one.call)));
        for (const [, phone] of pairs) {
          const sections = reports.flatMap((report) => report.media.legs).filter((leg) => leg.kind === 'rtp')
            .flatMap((leg) => leg.sections).filter((section) => section.kind === 'audio');
          const section = sections.find((one) => one.codec === phone.codec);
          assert(section && section.toPeer.packets > 20 && section.fromPeer.packets > 20, `${phone.codec}: ${JSON.stringify(sections)}`);
        }
        await Promise.all(pairs.map(([, phone]) => phone.command('hangup')));
        await page.is('call-panel', 'ended');
        await agent.appears('last-call');
        phones.forEach((phone) => phone.forget());
      }
    },
  },
  {
    name: 'trunk: over TCP', async run(t) {
      const telephone = await t.start(Baresip, t.peer(), { user: '2001', transport: 'tcp' });
      await t.parley(sipSettings(t.lan, [`sip:${telephone.peer.address};transport=tcp`]), mediaSettings(t.lan));
      const page = await pageCalls(t, '2001');
      await page.is('call-panel', 'connected');
      await bothHear(page, telephone);
      await page.click('end');
      await telephone.event('CALL_CLOSED');
    },
  },
  {
    name: 'trunk: over IPv6, signalling and media; the phone calls, too', async run(t) {
      const wire = await t.capture();
      const [peer, host] = [t.peer(), t.lan.v6()];
      const telephone = await t.start(Baresip, peer, { user: '2001', v6: true });
      await t.parley(sipSettings(t.lan, [`sip:[${peer.v6()}]`], { 'sip.listen': `udp:[${host}]:5060` }), { mediaSettings: { 'media.rtp_address': host } });
      const page = await pageCalls(t, '2001');
      await page.is('call-panel', 'connected');
      await bothHear(page, telephone);
      await page.click('end');
      await telephone.event('CALL_CLOSED');
      telephone.forget();
      await telephone.dial(`sip:agent1@[${host}]`);
      const told = await telephone.event('CALL_CLOSED');
      assert(told.param.startsWith('480'), `nobody is signed in, but the phone was told ${told.param}`);
      await wire.stop();
      for (const [from, to] of [[host, peer.v6()], [peer.v6(), host]]) {
        const packets = wire.fields(`ipv6.src == ${from} && ipv6.dst == ${to} && rtp`, 'frame.number').length;
        assert(packets > 20, `${packets} packets of media from ${from} to ${to}`);
      }
    },
  },
  {
    name: 'trunk: a key that is sent by INFO reaches the phone', async run(t) {
      const telephone = await t.start(Baresip, t.peer(), { user: '2001' });
      await t.parley(sipSettings(t.lan, [telephone.peer.address]), mediaSettings(t.lan));
      const page = await dial(t.stack, '2001');
      const { call } = await reaches(page, ['connecting', 'connected']);
      page.send({ type: 'dtmf', call, digits: '7', method: 'info' });
      const start = await telephone.event('CALL_DTMF_START');
      assert(start.param === '7', `the phone understood ${start.param}`);
      page.send({ type: 'end', call });
      await telephone.event('CALL_CLOSED');
      await page.bye();
    },
  },
  {
    name: 'trunk: with SDES nobody on the way hears the call', async run(t) {
      const { page, telephone, wire } = await connected(t, { phone: { encryption: 'srtp-mand' }, settings: { 'sip.media_security': 'sdes' } });
      await wire.stop();
      for (const [from, to] of [[t.lan.host, telephone.peer.address], [telephone.peer.address, t.lan.host]]) {
        const heard = wire.overheard(from, to);
        assert(heard.packets > 10 && heard.share < 0.2, `${from} → ${to} is readable: ${JSON.stringify(heard)}`);
      }
      await page.click('end');
      await telephone.event('CALL_CLOSED');
    },
  },
  {
    name: 'trunk: a page rings by itself while the phone only says that it does; early media is heard instead of it, before the answer', async run(t) {
      const server = t.peer();
      t.owns(new Sipp(t.scratch, server, 'ring-then-early-media', { echo: true }));
      await t.parley(sipSettings(t.lan, [server.address]), mediaSettings(t.lan));
      const page = await t.browser('chromium', 'consumer');
      await page.raw.addInitScript(keepOwnSound);
      await assist(page, t.stack, { to: 'agent', destination: `sip:2001@${server.address}` });
      await until('the page rings: a second of 425 Hz', async () => { const ms = await page.sounded([425]); return ms >= 800 || Promise.reject(new Error(`${ms} ms`)); });
      assert((await page.hear('remote-video', 200)).db < -85, 'the phone is heard while it only rings');
      // The phone sends back what it gets: the person hears their own tone.
      await pageHears(page, people.consumer.tone);
      const since = await page.evaluate(() => performance.now());
      assert(await page.attribute('call-panel', 'data-state') === 'calling', 'the call is not calling any more');
      await page.is('call-panel', 'ended');
      assert(await page.attribute('call-panel', 'data-reason') === 'phone_busy', `ended with ${await page.attribute('call-panel', 'data-reason')}`);
      const rang = await page.sounded([425]);
      assert(rang <= 1300 && (await page.sounded([425], since)) === 0, `it rang for ${rang} ms, also over the early media`);
    },
  },
  {
    name: 'trunk: a stranger\'s page calls no phone unless an administrator allows it', async run(t) {
      const server = t.peer();
      const wire = await t.capture('port 5060');
      t.owns(new Sipp(t.scratch, server, 'busy'));
      await t.parley(sipSettings(t.lan, [server.address], { 'gateway.consumer_access_number_regex': '', 'gateway.application_ids': 'shop' }), mediaSettings(t.lan));
      const page = await dial(t.stack, '2001');
      await endsWith(page, 'phones_not_allowed');
      await page.bye();
      const shop = await dial(t.stack, '2001', {}, { applicationId: 'shop' });
      await endsWith(shop, 'phone_busy');
      await shop.bye();
      await wire.stop();
      const invites = wire.messages(`sip.Method == "INVITE" && ip.dst == ${server.address}`);
      assert(new Set(invites.map((m) => m.headers.match(/Call-ID: (\S+)/i)?.[1])).size === 1, `${invites.length} INVITEs`);
    },
  },
  refused('busy', 486, 'phone_busy'),
  refused('not-found', 404, 'phone_not_found'),
  refused('decline', 603, 'phone_declined'),
  {
    name: 'trunk: nobody answers, the caller gives up: CANCEL', async run(t) {
      const server = t.peer();
      const phone = t.owns(new Sipp(t.scratch, server, 'ring-until-cancelled'));
      await t.parley(sipSettings(t.lan, [server.address]), mediaSettings(t.lan));
      const page = await dial(t.stack, '2001');
      const call = await reaches(page, ['ringing']);
      await until('it rings', () => phone.messages().includes('180 Ringing'));
      page.send({ type: 'end', call: call.call });
      await phone.succeeded();
      assert(phone.messages().includes('Reason: SIP;cause=487;text="Request Terminated"'), 'the CANCEL says why');
      await page.bye();
    },
  },
  {
    name: 'trunk: 503 and silence lead to the next server', async run(t) {
      const [silent, busy, good] = [t.peer(), t.peer(), t.peer()];
      const wire = await t.capture('udp port 5060');
      for (const server of [silent, busy]) t.owns(new Sipp(t.scratch, server, 'unavailable', { calls: 50 }));
      const telephone = await t.start(Baresip, good, { user: '2001' });
      await t.parley(sipSettings(t.lan, [silent.address, busy.address, good.address], { 'sip.server_timeout_ms': 1000 }), mediaSettings(t.lan));
      await until('all three are up', async () => (await trunksOf(t.stack)).trunks.every((one) => one.state === 'up'));
      silent.cut();
      const asked = (server) => wire.fields(`sip.Method == "INVITE" && ip.dst == ${server.address}`, 'sip.Call-ID').length > 0;
      // In random order: after some of these each of the others was asked first.
      for (let i = 0; i < 12 && !(asked(silent) && asked(busy)); i++) {
        const page = await dial(t.stack, '2001');
        const call = await reaches(page, ['connecting', 'connected'], 20000);
        page.send({ type: 'end', call: call.call });
        await page.bye();
        await telephone.event('CALL_CLOSED');
        telephone.forget();
      }
      await wire.stop();
      const first = (server) => wire.messages(`sip.Method == "INVITE" && ip.dst == ${server.address}`).map((m) => m.line);
      for (const server of [silent, busy]) assert(first(server).some((line) => line.startsWith(`INVITE sip:2001@${server.address}`)), `${server.address} was never asked: ${first(server)}`);
      const { trunks } = await trunksOf(t.stack);
      assert(trunks.find((one) => one.uri.includes(silent.address)).state === 'down', JSON.stringify(trunks));
    },
  },
  {
    name: 'trunk: without any server that answers the page is told', async run(t) {
      const silent = t.peer();
      silent.cut();
      await t.parley(sipSettings(t.lan, [silent.address], { 'sip.server_timeout_ms': 500 }), mediaSettings(t.lan));
      const page = await dial(t.stack, '2001');
      await endsWith(page, 'trunk_down');
      await page.bye();
    },
  },
  {
    name: 'trunk: what the page knows of the customer is on the wire, hex-encoded (RFC 7433)', async run(t) {
      const wire = await t.capture('udp port 5060');
      const server = t.peer();
      t.owns(new Sipp(t.scratch, server, 'busy'));
      await t.parley(sipSettings(t.lan, [server.address], { 'gateway.anonymous_consumer_access': 'trusted' }), mediaSettings(t.lan));
      const id = 'ab12'.repeat(8);
      const page = await dial(t.stack, '2001', {}, { uui: 'order 4711', name: 'Ada', correlationId: id });
      await endsWith(page, 'phone_busy');
      await page.bye();
      await wire.stop();
      const invite = wire.messages(`sip.Method == "INVITE" && ip.dst == ${server.address}`)[0];
      const hex = Buffer.from('order 4711').toString('hex');
      assert(new RegExp(`User-to-User: *${hex};encoding=hex`, 'i').test(invite.headers), `no User-to-User: ${invite.headers}`);
      // So that what others log of the call is found: the id of the page's call, and of the session (RFC 7989).
      const { correlationId } = (await t.stack.calls()).recent[0];
      assert(correlationId === id && new RegExp(`X-Correlation-ID: *${id}`).test(invite.headers), `not ${correlationId}: ${invite.headers}`);
      assert(new RegExp(`Session-ID: *${id};remote=0{32}`).test(invite.headers), `no Session-ID: ${invite.headers}`);
    },
  },
  {
    name: 'trunk: the exchange leads a page\'s call back to an agent\'s page, which finds the shared session', async run(t) {
      const kamailio = await t.start(Kamailio, t.peer(), { routes: { 8000: `sip:agent1@${t.lan.host}` } });
      await t.parley(sipSettings(t.lan, [kamailio.address]), mediaSettings(t.lan));
      const agent = await Session.open(t.stack, await agentToken(t.stack, 'agent1'));
      const page = await dial(t.stack, '8000', {}, { name: 'Ada' });
      const ringing = await reaches(page, ['ringing']);
      const incoming = await agent.wait((m) => m.type === 'incoming');
      assert(incoming.peer.kind === 'phone' && incoming.call !== ringing.call, `not by the exchange: ${JSON.stringify(incoming.peer)}`);
      assert(incoming.correlationId === ringing.correlationId, `${incoming.correlationId} is not ${ringing.correlationId}`);
      page.send({ type: 'assist', call: ringing.call, cid: 'ada-1', request: 's' });
      await page.wait((m) => m.type === 'call' && m.request === 's');
      const again = await Session.open(t.stack, await agentToken(t.stack, 'agent1')); // The agent's page, loaded anew.
      const [shared] = again.welcome.calls;
      assert(shared.call === incoming.call && shared.assist?.cid === 'ada-1', `told ${JSON.stringify(shared)}`);
      page.send({ type: 'end', call: ringing.call });
      await endsWith(again, 'cancelled');
      await Promise.all([page.bye(), again.bye()]);
    },
  },
];
