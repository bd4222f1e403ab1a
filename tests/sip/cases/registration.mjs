// Our registration client against Kamailio as registrar.
import fs from 'node:fs';
import path from 'node:path';
import { until } from '../../browser/lib/browsers.mjs';
import { Kamailio, secretOf } from '../lib/kamailio.mjs';
import { Program } from '../lib/program.mjs';

const assert = (condition, message) => { if (!condition) throw new Error(message); };
const top = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../../..');
const client = path.join(process.env.PARLEY_BUILD ?? path.join(top, 'build/release/src'), '../tests/sip-registration-client');

const registers = (algorithm) => ({
  name: `registration: Kamailio with ${algorithm || 'MD5'}: bound, refreshed beforehand authorised, removed`, async run(t) {
    assert(fs.existsSync(client), `${client} is not built`);
    const wire = await t.capture('udp port 5060');
    const kamailio = await t.start(Kamailio, t.peer(), { algorithm });
    const at = t.peer();
    const phone = t.owns(new Program(t.scratch, at, client, [at.address, kamailio.address, '3001', secretOf('3001'), '120']));
    await phone.prints(/registered 120 cseq 2/);
    // The refresh is authorised beforehand: one request, nc counts on.
    phone.say('refresh');
    await phone.prints(/registered 120 cseq 3/);
    phone.say('stop');
    await phone.prints(/stopped/);
    await until('the binding is removed', () => /saved 3001 0 /.test(kamailio.program.output()));
    assert(await phone.exit(5000) === 0, 'it did not end well');
    await wire.stop();
    const requests = wire.fields('sip.Method == "REGISTER"', 'sip.Expires', 'sip.auth.nc', 'sip.auth.algorithm');
    assert(JSON.stringify(requests.map((r) => [r[0], r[1] ?? ''])) === JSON.stringify([['120', ''], ['120', '00000001'], ['120', '00000002'], ['0', '00000003']]), JSON.stringify(requests));
    // A challenge that names no algorithm is answered without the word.
    assert(requests.slice(1).every((r) => (r[2] ?? '').replaceAll('"', '') === algorithm), JSON.stringify(requests));
  },
});

export const cases = [
  registers(''),
  registers('SHA-256'),
  {
    name: 'registration: 423 of Kamailio is followed', async run(t) {
      const kamailio = await t.start(Kamailio, t.peer());
      const at = t.peer();
      const phone = t.owns(new Program(t.scratch, at, client, [at.address, kamailio.address, '3001', secretOf('3001'), '30']));
      await phone.prints(/registered 60 /);
    },
  },
  {
    name: 'registration: a wrong password is tried once and no more', async run(t) {
      const kamailio = await t.start(Kamailio, t.peer());
      const at = t.peer();
      const phone = t.owns(new Program(t.scratch, at, client, [at.address, kamailio.address, '3001', 'wrong', '120']));
      await phone.prints(/waiting sip.auth_rejected/);
      const asked = kamailio.requests().filter((r) => r.method === 'REGISTER').length;
      assert(asked === 2, `${asked} requests`);
    },
  },
];
