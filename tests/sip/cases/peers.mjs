// The peers among themselves: if these fail, the test bench is broken, not Parley.
import { Baresip } from '../lib/baresip.mjs';
import { Kamailio } from '../lib/kamailio.mjs';
import { Linphone } from '../lib/linphone.mjs';
import { Sipp } from '../lib/sipp.mjs';

const assert = (condition, message) => { if (!condition) throw new Error(message); };

export const cases = [
  {
    name: 'bench: baresip and linphone, registered with digest, hear each other through Kamailio', async run(t) {
      const wire = await t.capture();
      const kamailio = await t.start(Kamailio, t.peer());
      const [alice, bob] = await Promise.all([t.start(Baresip, t.peer(), { user: 'alice', tone: 500, registrar: kamailio }),
        t.start(Linphone, t.peer(), { user: 'bob', tone: 900, registrar: kamailio })]);
      await alice.dial(`sip:bob@${kamailio.domain}`);
      await alice.event('CALL_ESTABLISHED');
      await Promise.all([alice.hearsTone(900), bob.hearsTone(500)]);
      await alice.command('hangup');
      await wire.sees('sip.Method == "REGISTER" && sip.auth.digest.response');
      const bye = await wire.sees(`sip.Method == "BYE" && ip.dst == ${bob.peer.address}`);
      assert(bye.length > 0, 'no BYE at linphone');
      await wire.stop();
      const plain = wire.overheard(alice.peer.address, bob.peer.address);
      assert(plain.hertz === 500 && plain.share > 0.8, `plain RTP is not overheard: ${JSON.stringify(plain)}`);
    },
  },
  {
    name: 'bench: what SDES encrypts is not overheard', async run(t) {
      const wire = await t.capture();
      const alice = await t.start(Baresip, t.peer(), { user: 'alice', tone: 500, encryption: 'srtp-mand' });
      const bob = await t.start(Baresip, t.peer(), { user: 'bob', tone: 700, encryption: 'srtp-mand' });
      await alice.dial(bob.uri);
      await Promise.all([alice.hearsTone(700), bob.hearsTone(500)]);
      await wire.stop();
      const cipher = wire.overheard(alice.peer.address, bob.peer.address);
      assert(cipher.packets > 10 && cipher.share < 0.2, `encrypted media is readable: ${JSON.stringify(cipher)}`);
    },
  },
  {
    name: 'bench: SIPp calls SIPp, and a link loses packets when it is told to', async run(t) {
      const server = t.peer(), client = t.peer();
      const waits = t.owns(new Sipp(t.scratch, server, 'answer-and-wait-for-bye', { calls: 20 }));
      const pings = t.owns(new Sipp(t.scratch, client, 'ask-for-options', { remote: `${server.address}:5060`, calls: 3, port: 5080 }));
      await pings.succeeded();
      const calls = t.owns(new Sipp(t.scratch, client, 'call-and-hang-up', { remote: `${server.address}:5060`, calls: 20, user: 'bob' }));
      await calls.succeeded();
      await waits.succeeded();
      client.lose(50);
      const probes = t.owns(new Sipp(t.scratch, client, 'ask-for-options', { remote: `${t.lan.host}:5060`, calls: 30, rate: 100, port: 5070, seconds: 5 }));
      await probes.program.exit(30000);
      assert(client.lost() > 20, `only ${client.lost()} packets were lost`);
    },
  },
];
