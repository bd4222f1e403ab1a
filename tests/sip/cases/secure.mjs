// Trunks over TLS and WebSocket: Kamailio with a certificate of an authority that is, or is not, known here.
import path from 'node:path';
import { connect } from 'node:tls';
import { Baresip } from '../lib/baresip.mjs';
import { assert, bothHear, dial, endsWith, mediaSettings, pageCalls, pageHears, people, performancePage, reaches, signIn, sipSettings, trunksOf, until } from '../lib/call.mjs';
import { Authority, Kamailio } from '../lib/kamailio.mjs';
import { Program } from '../lib/program.mjs';
import { Sipp } from '../lib/sipp.mjs';

/** What is answered to an OPTIONS over TLS; `openssl` is the client. */
async function asksOverTls(t, peer, port) {
  const client = t.owns(new Program(t.scratch, peer, 'openssl', ['s_client', '-quiet', '-connect', `${t.lan.host}:${port}`]));
  const lines = [`OPTIONS sip:${t.lan.host}:${port};transport=tls SIP/2.0`, `Via: SIP/2.0/TLS ${peer.address}:${port};branch=z9hG4bK${port};rport`, `From: <sip:asks@${peer.address}>;tag=a${port}`,
    `To: <sip:${t.lan.host}>`, `Call-ID: ${port}@${peer.address}`, 'CSeq: 1 OPTIONS', 'Max-Forwards: 70', 'Content-Length: 0', '', ''];
  client.child.stdin.write(lines.join('\r\n'));
  return (await client.prints(/^SIP\/2\.0 .*$/m))[0].trim();
}

export const cases = [
  {
    name: 'secure: as it is shipped it is asked at 5060 (UDP, TCP), 5061 and 5081 (TLS)', async run(t) {
      const trunk = t.peer();
      const { 'sip.listen': ours, ...asShipped } = sipSettings(t.lan, [trunk.address]);
      await t.parley(asShipped, mediaSettings(t.lan));
      assert(ours, 'the other cases set where it listens');
      const asked = await Promise.all([5061, 5081].map((port) => asksOverTls(t, trunk, port)));
      assert(asked.every((line) => line.startsWith('SIP/2.0 200')), `answered: ${asked}`);
      const pings = [['u1', 5070], ['t1', 5072]].map(([transport, port]) => t.owns(new Sipp(t.scratch, trunk, 'ask-for-options', { remote: `${t.lan.host}:5060`, transport, port, seconds: 10 })));
      await Promise.all(pings.map((each) => each.succeeded()));
    },
  },
  {
    name: 'secure: a trunk over TLS with our authority: calls both ways, and nothing of them is readable', async run(t) {
      const wire = await t.capture('port 5060 or port 5061');
      const authority = await t.start(Authority);
      const kamailio = await t.start(Kamailio, t.peer(), { tls: authority });
      const phone = await t.start(Baresip, t.peer(), { user: '2001', registrar: kamailio });
      await t.parley(sipSettings(t.lan, [`sip:${kamailio.address}:5061;transport=tls`], { 'sip.authorities': authority.file }), mediaSettings(t.lan));
      const page = await pageCalls(t, '2001');
      await page.is('call-panel', 'connected');
      await bothHear(page, phone);
      await phone.command('hangup');
      await page.is('call-panel', 'ended');
      const agent = await t.browser('chromium', 'agent');
      await signIn(agent, t.stack);
      await phone.dial(`sip:agent1@${t.lan.host}`);
      await agent.appears('ringing');
      await agent.click('answer');
      await bothHear(agent, phone);
      await agent.click('end');
      await until('the phone is told', () => phone.events.filter((e) => e.type === 'CALL_CLOSED').length === 2);
      await wire.stop();
      // The bench itself asks Kamailio by OPTIONS whether it is there.
      assert(wire.messages(`ip.addr == ${t.lan.host} && sip.CSeq.method != "OPTIONS"`).length === 0, 'SIP of ours is readable');
      assert(wire.fields(`ip.addr == ${t.lan.host} && tls.app_data`, 'frame.number').length > 10, 'nothing was sent over TLS');
    },
  },
  {
    name: 'secure: both sides of a trunk ask for a certificate and show theirs (mutual TLS)', async run(t) {
      const authority = await t.start(Authority);
      const peer = t.peer();
      await t.parley(sipSettings(t.lan, [`sip:${peer.address}:5061;transport=tls`], { 'sip.authorities': authority.file, 'sip.client_certificates': 'required' }), mediaSettings(t.lan));
      const kamailio = await t.start(Kamailio, peer, { tls: authority, peers: path.join(t.stack.state, 'ca.pem') });
      const phone = await t.start(Baresip, t.peer(), { user: '2001', registrar: kamailio });
      const page = await dial(t.stack, '2001');
      await reaches(page, ['connecting', 'connected']);
      await phone.command('hangup');
      await reaches(page, ['ended']);
      await page.bye();
      // The other way Kamailio connects, and is let in: nobody is signed in, which it is told.
      phone.forget();
      await phone.dial(`sip:agent1@${t.lan.host}`);
      const told = await phone.event('CALL_CLOSED');
      assert(told.param.startsWith('480'), `the phone was told ${told.param}`);
      // Without a certificate nothing is said to either of them.
      const tls = { rejectUnauthorized: false, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
      for (const host of [peer.address, t.lan.host]) {
        const shut = await new Promise((done) => connect({ host, port: 5061, ...tls }, () => done('open')).on('error', (error) => done(error.code)));
        assert(shut !== 'open', `${host} speaks to who shows no certificate`);
      }
    },
  },
  {
    name: 'secure: a trunk whose certificate nobody vouches for, or which is another\'s, is not called; the page of trunks says why', async run(t) {
      const [known, unknown] = [await t.start(Authority), await t.start(Authority)];
      const strange = await t.start(Kamailio, t.peer(), { tls: unknown });
      const other = await t.start(Kamailio, t.peer(), { tls: known.naming('192.0.2.1') });
      await t.parley(sipSettings(t.lan, [strange, other].map((k) => `sip:${k.address}:5061;transport=tls`), { 'sip.authorities': known.file }), mediaSettings(t.lan));
      const page = await dial(t.stack, '2001');
      await endsWith(page, 'trunk_down');
      await page.bye();
      const seen = (await trunksOf(t.stack)).trunks;
      assert(seen.length === 2 && seen.every((one) => one.state === 'down' && one.lastReason === 'sip.transport_tls_failed'), JSON.stringify(seen));
      assert([...strange.requests(), ...other.requests()].every((r) => r.transport !== 'tls'), 'a request went there');
      const admin = await t.browser('chromium', 'agent');
      await performancePage(admin, t.stack);
      await admin.says('trunks', /certificate/i);
    },
  },
  {
    name: 'secure: a trunk over a secure WebSocket at a path of its own: a page calls a phone, which hangs up', async run(t) {
      const authority = await t.start(Authority);
      const kamailio = await t.start(Kamailio, t.peer(), { tls: authority });
      const phone = await t.start(Baresip, t.peer(), { user: '2001', registrar: kamailio });
      await t.parley(sipSettings(t.lan, [`sip:${kamailio.address}:5061;transport=wss;path=/sip`], { 'sip.authorities': authority.file }), mediaSettings(t.lan));
      const page = await pageCalls(t, '2001');
      await page.is('call-panel', 'connected');
      await pageHears(page, phone.tone);
      await phone.hearsTone(people.consumer.tone);
      await phone.command('hangup');
      await page.is('call-panel', 'ended');
      assert(kamailio.requests().some((r) => r.transport === 'wss' && r.method === 'INVITE'), 'the call did not come by WebSocket');
    },
  },
];
