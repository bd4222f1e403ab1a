// A baresip phone: sends a steady tone (and a picture), records what it hears, takes pictures of what it sees, is driven
// through its control socket (netstrings with JSON).
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { until } from '../../browser/lib/browsers.mjs';
import { near } from '../../browser/lib/measure.mjs';
import { secretOf } from './kamailio.mjs';
import { patternOf, readPng } from './png.mjs';
import { Program } from './program.mjs';
import { amplitude, listen, readWav } from './wav.mjs';

export class Baresip {
  /**
   * `user@domain` with `registrar` (a Kamailio) or without one; `answer`: auto or manual; `codecs`: "pcmu/8000/1" …;
   * `encryption`: "srtp-mand" (SDES), "dtls_srtp" …; `account`: more of its parameters;
   * `v6`: over IPv6 and nothing else (its control stays where it is);
   * `video`: { codec: "vp8" or "h264", file: a Y4M that it shows over and over }.
   */
  static async start(scratch, peer, { user, tone = 500, answer = 'auto', registrar = null, transport = 'udp', codecs = 'pcmu/8000/1', encryption = '', account = '', v6 = false, video = null } = {}) {
    const phone = new Baresip();
    const folder = path.join(scratch, `baresip-${user}-${peer.address}`), records = path.join(folder, 'records');
    fs.mkdirSync(records, { recursive: true });
    Object.assign(phone, { peer, user, tone, folder, records, events: [], waiting: [], pictures: 0 });
    const host = v6 ? `[${peer.v6()}]` : peer.address;
    phone.aor = `sip:${user}@${registrar?.domain ?? host}`;
    phone.uri = `sip:${user}@${host}:5060`;
    fs.writeFileSync(path.join(folder, 'config'), `sip_listen ${host}:5060
net_interface eth0
rtp_timeout 0
call_local_timeout 60
call_max_calls 4
audio_source ausine,${tone}
audio_player aubridge,sink
audio_alert nil,nil
ausrc_srate 48000
ausrc_channels 2
auplay_channels 1
audio_level no
rtp_stats yes
snd_path ${records}
ctrl_tcp_listen ${peer.address}:4444
module_path /usr/lib/baresip/modules
module g711.so
module g722.so
module opus.so
module ausine.so
module aubridge.so
module sndfile.so
${video ? `video_source avformat,${video.file}
video_display fakevideo,nil
video_size 320x240
video_fps 20
video_bitrate 500000
video_fullscreen no
module vp8.so
module avcodec.so
module avformat.so
module fakevideo.so
module snapshot.so
` : ''}module srtp.so
module dtls_srtp.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
`);
    fs.writeFileSync(path.join(folder, 'accounts'), `<${phone.aor};transport=${transport}>;answermode=${answer};audio_codecs=${codecs}${video ? `;video_codecs=${video.codec}` : ''};${registrar
      ? `auth_user=${user};auth_pass=${secretOf(user)};outbound="sip:${registrar.address}${transport === 'tls' ? ':5061' : ''};transport=${transport}";regint=120` : 'regint=0'}${encryption ? `;mediaenc=${encryption}` : ''}${account ? `;${account}` : ''}\n`);
    phone.program = new Program(folder, peer, 'baresip', ['-f', folder, '-v', ...(v6 ? ['-6'] : [])], { cwd: folder });
    await phone.program.prints(/baresip is ready/);
    await phone.connect();
    if (registrar) await registrar.registered(user);
    return phone;
  }
  async connect() {
    this.socket = await until('baresip control', () => new Promise((yes, no) => {
      const socket = net.connect(4444, this.peer.address, () => yes(socket));
      socket.on('error', no);
    }));
    this.socket.on('error', () => {});
    let rest = '';
    this.socket.on('data', (data) => {
      rest += data;
      for (;;) {
        const colon = rest.indexOf(':'), length = Number(rest.slice(0, colon));
        if (colon < 0 || rest.length < colon + 2 + length) break;
        const message = JSON.parse(rest.slice(colon + 1, colon + 1 + length));
        rest = rest.slice(colon + 2 + length);
        if (message.event) this.events.push(message);
        else this.waiting.shift()?.(message);
      }
    });
  }
  /** One of the menu's commands: dial, accept, hangup, hold, resume, sndcode … */
  command(command, params) {
    const text = JSON.stringify(params === undefined ? { command } : { command, params });
    return new Promise((done) => { this.waiting.push(done); this.socket.write(`${Buffer.byteLength(text)}:${text},`); });
  }
  dial(uri) { return this.command('dial', uri); }
  /** The event has come, after those that forget() dropped. */
  event(type, ms = 15000) { return until(`${this.user}: ${type}`, () => this.events.find((e) => e.type === type) ?? Promise.reject(new Error(this.events.map((e) => `${e.type} ${e.param ?? ''}`).join(', '))), ms); }
  forget() { this.events.length = 0; }
  recording(direction = 'dec') {
    const files = fs.readdirSync(this.records).filter((f) => f.endsWith(`-${direction}.wav`)).sort();
    return readWav(path.join(this.records, files.at(-1) ?? 'none'));
  }
  /** What it hears right now: the last second of the newest recording. */
  hears(seconds = 1) { return listen(this.recording(), seconds); }
  /** Level of each of these tones in the last half second (dB of full scale). */
  levels(tones) {
    const { rate, samples } = this.recording(), from = Math.max(0, samples.length - Math.round(rate / 2));
    return tones.map((hertz) => samples.length - from < rate / 4 ? -200 : 20 * Math.log10(Math.max(1e-10, amplitude(samples, from, samples.length, rate, hertz))));
  }
  hearsTone(hertz, ms = 15000) {
    return until(`${this.user} hears ${hertz} Hz`, () => {
      const heard = this.hears();
      return Math.abs(heard.hertz - hertz) <= 6 && heard.db > -50 && heard.share > 0.6 ? heard : Promise.reject(new Error(JSON.stringify(heard)));
    }, ms);
  }
  /** The pattern in a picture that it decodes now. Its name is short: baresip takes no more than 99 characters of a path. */
  async sees() {
    const name = `seen-${++this.pictures}.png`;
    await this.command('snapshot_recv', name);
    return patternOf(await until(`${this.user}'s picture`, () => readPng(path.join(this.folder, name)), 3000));
  }
  /** It sees this colour beside a counter that moves. */
  seesPattern(colour, ms = 30000) {
    const counters = new Set();
    return until(`${this.user} sees ${colour} and a picture that moves`, async () => {
      const seen = await this.sees();
      if (near(seen.colour, colour)) counters.add(seen.counter);
      return (near(seen.colour, colour) && counters.size >= 3) || Promise.reject(new Error(`${JSON.stringify(seen)} after ${[...counters]}`));
    }, ms);
  }
  /** Silence, or nothing at all. */
  hearsNothing(ms = 15000) {
    return until(`${this.user} hears nothing`, () => { const heard = this.hears(0.5); return heard.db < -50 || Promise.reject(new Error(JSON.stringify(heard))); }, ms);
  }
  async stop() { this.socket?.destroy(); await this.program.stop(); }
}
