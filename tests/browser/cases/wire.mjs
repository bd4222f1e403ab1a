// What is on the wire of a call, seen by tshark: STUN, DTLS and encrypted media on one port, nothing else.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { until } from '../lib/browsers.mjs';
import { assert, establish, perceives, signIn } from '../lib/call.mjs';

export const cases = [{
  name: 'on the wire: ICE with integrity, DTLS 1.2 with SRTP, encrypted media, one port', mediaSettings: { 'media.workers': 1 }, async run(t) {
    const file = path.join(t.stack.scratch, 'call.pcap');
    const port = t.stack.mediaSettings['media.first_port'];
    const capture = spawn('tshark', ['-q', '-i', 'any', '-f', `udp port ${port}`, '-w', file], { stdio: 'ignore' });
    try {
      await until('capture runs', () => fs.existsSync(file) && fs.statSync(file).size > 0);
      const consumer = await t.browser('chromium', 'consumer'), agent = await t.browser('chromium', 'agent');
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      await perceives(agent, consumer);
      await consumer.click('end');
      await agent.appears('last-call');
    } finally {
      capture.kill('SIGINT');
      await new Promise((done) => capture.on('exit', done));
    }
    const fields = (filter, ...names) => execFileSync('tshark', ['-r', file, '-d', `udp.port==${port},stun`, '-Y', filter, '-T', 'fields', ...names.flatMap((n) => ['-e', n])],
      { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 }).toString().split('\n').filter(Boolean);
    const requests = fields('stun.type == 0x0001', 'stun.att.hmac');
    assert(requests.length > 2 && requests.every((r) => r.length > 10), `binding requests with integrity: ${requests.length}`);
    assert(fields('stun.type == 0x0101', 'stun.att.ipv4-xord').length > 2, 'no answers with XOR-MAPPED-ADDRESS');
    const versions = fields('dtls.handshake.type == 2', 'dtls.handshake.version');
    assert(versions.length >= 2 && versions.every((v) => v.includes('0xfefd')), `DTLS ServerHello: ${versions}`);
    const payloads = fields('udp', 'udp.payload').map((hex) => Buffer.from(hex.replaceAll(':', ''), 'hex')).filter((p) => p.length > 0);
    const kinds = { stun: 0, dtls: 0, rtp: 0, rtcp: 0, other: 0 };
    const clearTones = [];
    for (const p of payloads) {
      const b = p[0];
      if (b <= 3) kinds.stun++;
      else if (b >= 20 && b <= 63) kinds.dtls++;
      else if (b >= 128 && b <= 191) { if (p[1] >= 192 && p[1] <= 223) kinds.rtcp++; else { kinds.rtp++; clearTones.push(p.subarray(-24).toString('hex')); } } else kinds.other++;
    }
    assert(kinds.other === 0, `unknown datagrams: ${JSON.stringify(kinds)}`);
    assert(kinds.rtp > 100 && kinds.rtcp > 2 && kinds.dtls >= 4, JSON.stringify(kinds));
    // Authentication tags differ for every packet: a repeated tail would be clear media or a reused key stream.
    assert(new Set(clearTones).size > clearTones.length * 0.45, 'packet tails repeat');
  },
}];
