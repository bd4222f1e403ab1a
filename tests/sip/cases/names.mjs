// Where requests go: names of servers, and what is too large for UDP.
import { assert, dial, endsWith, mediaSettings, sipSettings } from '../lib/call.mjs';
import { Names } from '../lib/names.mjs';
import { Sipp } from '../lib/sipp.mjs';

export const cases = [
  {
    name: 'names: DNS leads to the second address of a server, whose redirection to a name is followed', async run(t) {
      const [dead, server, phone] = [t.peer(), t.peer(), t.peer()];
      const names = await t.start(Names, t.lan.host);
      names.server('pbx.test', dead.address, server.address);
      names.server('moved.test', phone.address);
      const redirects = t.owns(new Sipp(t.scratch, server, 'redirect', { set: { moved: 'moved.test' } }));
      const busy = t.owns(new Sipp(t.scratch, phone, 'busy'));
      await t.parley(sipSettings(t.lan, ['sip:pbx.test;transport=udp'], { 'sip.name_servers': names.address, 'sip.server_timeout_ms': 2000 }), mediaSettings(t.lan));
      const page = await dial(t.stack, '2001');
      await endsWith(page, 'phone_busy');
      await Promise.all([redirects.succeeded(), busy.succeeded()]);
      assert(/^INVITE sip:2001@moved\.test/m.test(busy.messages()), 'the INVITE names whom the redirection named');
      await page.bye();
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
