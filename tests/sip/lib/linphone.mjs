// A linphone console phone: plays a tone from a file, records what it hears (also after hold and resume, where baresip
// stops recording), is driven by its prompt.
import fs from 'node:fs';
import path from 'node:path';
import { until } from '../../browser/lib/browsers.mjs';
import { writeTone } from '../../browser/lib/media.mjs';
import { secretOf } from './kamailio.mjs';
import { Program } from './program.mjs';
import { listen, readWav } from './wav.mjs';

export class Linphone {
  static async start(scratch, peer, { user, tone = 900, answer = true, registrar = null, transport = 'udp' } = {}) {
    const phone = new Linphone();
    const folder = path.join(scratch, `linphone-${user}`);
    for (const at of ['.local/share/linphone', '.config/linphone']) fs.mkdirSync(path.join(folder, at), { recursive: true });
    Object.assign(phone, { peer, user, tone, file: path.join(folder, 'heard.wav'), uri: `sip:${user}@${peer.address}:5060` });
    writeTone(path.join(folder, 'tone.wav'), tone, 60, 8000);
    fs.writeFileSync(path.join(folder, 'rc'), `[sip]
sip_port=${transport === 'udp' ? 5060 : 0}
sip_tcp_port=${transport === 'tcp' ? 5060 : 0}
sip_tls_port=0
contact=sip:${user}@${peer.address}
[sound]
playback_dev_id=NULL: NULL
capture_dev_id=NULL: NULL
ringer_dev_id=NULL: NULL
echocancellation=0
[video]
device=StaticImage: Static picture
display=0
capture=0
[net]
mtu=1300
`);
    phone.program = new Program(folder, peer, 'linphonec', ['-c', path.join(folder, 'rc'), '-d', '0'], { env: { HOME: folder, XDG_DATA_HOME: path.join(folder, '.local/share'), XDG_CONFIG_HOME: path.join(folder, '.config') }, cwd: folder });
    await phone.program.prints(/linphonec>/);
    phone.program.say('soundcard use files');
    phone.program.say(`play ${path.join(folder, 'tone.wav')}`);
    phone.program.say(`record ${phone.file}`);
    if (answer) phone.program.say('autoanswer enable');
    if (registrar) {
      phone.program.say(`register sip:${user}@${registrar.domain} sip:${registrar.address};transport=${transport} ${secretOf(user)}`);
      await registrar.registered(user);
    }
    return phone;
  }
  dial(uri) { this.program.say(`call ${uri}`); }
  async hold() {
    this.program.say('pause');
    await this.program.prints(/is now paused/);
  }
  resume() { this.program.say('resume'); }
  hangUp() { this.program.say('terminate'); }
  /** The codec's rate is not known before the call ends: the one that makes a tone of it is right. */
  hears(seconds = 1) {
    return [8000, 16000, 48000].map((rate) => listen(readWav(this.file, rate), seconds)).reduce((best, one) => (one.share > best.share ? one : best));
  }
  hearsTone(hertz, ms = 15000) {
    return until(`${this.user} hears ${hertz} Hz`, () => {
      const heard = [8000, 16000, 48000].map((rate) => listen(readWav(this.file, rate)));
      return heard.find((one) => Math.abs(one.hertz - hertz) <= 6 && one.db > -50 && one.share > 0.6) ?? Promise.reject(new Error(JSON.stringify(heard)));
    }, ms);
  }
  /** Silence, or nothing at all. */
  hearsNothing(ms = 15000) {
    return until(`${this.user} hears nothing`, () => { const heard = this.hears(0.5); return heard.db < -50 || Promise.reject(new Error(JSON.stringify(heard))); }, ms);
  }
  async stop() { this.program.say('quit'); await this.program.stop(); }
}
