// Where requests go: names of servers, and what is too large for UDP.
import { assert, dial, endsWith, mediaSettings, reaches, sipSettings } from '../lib/call.mjs';
import { Names } from '../lib/names.mjs';
import { Sipp } from '../lib/sipp.mjs';

export const cases = [
  {
    name: 'names: DNS leads to the second address of a server, which is asked again where it redirects to a name', async run(t) {
      const [dead, server] = [t.peer(), t.peer()];
      const names = await t.start(Names, t.lan.host);
      names.server('pbx.test', dead.address, server.address);
      const redirects = t.owns(new Sipp(t.scratch, server, 'moved-temporarily', { set: { other: 'moved.test' } }));
      await t.parley(sipSettings(t.lan, ['sip:pbx.test;transport=udp'], { 'sip.name_servers': names.address, 'sip.server_timeout_ms': 2000 }), mediaSettings(t.lan));
      const page = await dial(t.stack, '2001');
      const { call } = await reaches(page, ['connecting', 'connected']);
      page.send({ type: 'end', call });
      await reaches(page, ['ended']);
      await page.bye();
      await redirects.succeeded();
      assert(/^INVITE sip:2002@pbx\.test/m.test(redirects.messages()), 'the second INVITE is not for the number that the redirection named');
    },
  },
  {
    name: 'names: a large INVITE reaches a server that drops TCP', async run(t) {
      const wire = await t.capture();
      const server = t.peer();
      server.rules('table inet deaf {\n  chain in { type filter hook input priority 0; policy accept; meta l4proto tcp drop; }\n}\n');
      const busy = t.owns(new Sipp(t.scratch, server, 'busy'));
      await t.parley(sipSettings(t.lan, [server.address], { 'gateway.anonymous_consumer_access': 'trusted' }), mediaSettings(t.lan));
      const page = await dial(t.stack, '2001', {}, { uui: 'x'.repeat(200) });
      await endsWith(page, 'phone_busy');
      await busy.succeeded();
      await page.bye();
      await wire.stop();
      assert(wire.fields(`tcp.flags.syn == 1 && ip.dst == ${server.address} && tcp.dstport == 5060`, 'frame.number').length > 0, 'TCP was not tried');
      assert(wire.fields(`sip.Method == "INVITE" && udp && ip.dst == ${server.address}`, 'frame.number').length > 0, 'no INVITE over UDP');
    },
  },
];
