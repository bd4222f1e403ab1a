// What is on the wire: dumpcap listens at the bridge, tshark reads what it wrote.
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { until } from '../../browser/lib/browsers.mjs';
import { Program } from './program.mjs';
import { fromUlaw, listen } from './wav.mjs';

export class Capture {
  static async start(scratch, lan, filter = '') {
    const capture = new Capture();
    capture.lan = lan;
    capture.file = path.join(scratch, `${lan.device}.pcap`);
    fs.rmSync(capture.file, { force: true });
    capture.program = new Program(scratch, null, 'dumpcap', ['-q', '-P', '-i', lan.device, '-w', capture.file, ...(filter ? ['-f', `(${filter}) or udp port 9`] : [])]);
    await capture.program.prints(/File: /);
    return capture;
  }
  /** Everything up to now is in the file: a last packet of our own has come through. */
  async stop() {
    if (this.stopped) return;
    this.stopped = true;
    const mark = `end of capture ${process.pid}`, socket = dgram.createSocket('udp4');
    await new Promise((done) => socket.bind(0, this.lan.host, done));
    socket.setBroadcast(true);
    try {
      await until('the capture\'s last packet', async () => {
        await new Promise((done) => socket.send(mark, 9, `${this.lan.network}.255`, done));
        return fs.readFileSync(this.file).includes(mark);
      }, 10000);
    } finally {
      socket.close();
      await this.program.stop();
    }
  }
  /** One row per packet: the fields' texts. Everything sent to SIP's ports is read as SIP. */
  fields(filter, ...names) {
    const text = execFileSync('tshark', ['-r', this.file, '-o', 'rtp.heuristic_rtp:TRUE', '-Y', filter, '-T', 'fields', '-E', 'separator=/t',
      ...names.flatMap((n) => ['-e', n])], { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
    return text.split('\n').filter(Boolean).map((line) => line.split('\t'));
  }
  /** The same, when it is there: dumpcap writes with a delay. */
  sees(filter, ...names) { return until(`on the wire: ${filter}`, () => { const rows = this.fields(filter, ...(names.length ? names : ['frame.number'])); return rows.length > 0 && rows; }, 10000); }
  /** SIP messages as texts, each with where it came from and went to. */
  messages(filter = 'sip') {
    return this.fields(`sip && (${filter})`, 'ip.src', 'ip.dst', 'sip.Request-Line', 'sip.Status-Line', 'sip.msg_hdr', 'sip.msg_body')
      .map(([from, to, request, status, headers, body]) => ({ from, to, line: request || status, headers, body }));
  }
  /** All packets from one address to another, taken as RTP with G.711 µ-law: the tone that anybody could hear. Encrypted media is noise. */
  overheard(from, to) {
    const bytes = this.fields(`ip.src == ${from} && ip.dst == ${to} && udp && !sip && udp.length > 100 && udp.length < 260`, 'udp.payload')
      .map(([hex]) => Buffer.from(hex.replaceAll(':', ''), 'hex')).filter((b) => b[0] >> 6 === 2 && (b[1] & 0x7f) < 64).map((b) => b.subarray(12, 12 + 160));
    return { packets: bytes.length, ...listen(fromUlaw(Buffer.concat(bytes)), 2) };
  }
}
