// A page without a browser: speaks /gateway/websocketcall by itself, with an SDP that could be a browser's.
import crypto from 'node:crypto';
import WebSocket from 'ws';
import { request } from './stack.mjs';

export const sdp = (setup, { ufrag = crypto.randomBytes(4).toString('hex') } = {}) => {
  const fingerprint = [...crypto.randomBytes(32)].map((b) => b.toString(16).padStart(2, '0').toUpperCase()).join(':');
  const ssrc = crypto.randomBytes(4).readUInt32BE() >>> 1;
  const media = (mid, kind, payloads, lines, id) => [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${payloads}`, 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0', `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${crypto.randomBytes(12).toString('hex')}`, `a=fingerprint:sha-256 ${fingerprint}`, `a=setup:${setup}`, `a=mid:${mid}`,
    'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid', 'a=sendrecv', 'a=rtcp-mux', ...lines, `a=ssrc:${id} cname:soak`];
  return ['v=0', `o=- ${Date.now()} 2 IN IP4 127.0.0.1`, 's=-', 't=0 0', 'a=group:BUNDLE 0 1',
    ...media(0, 'audio', '111 0', ['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1', 'a=rtpmap:0 PCMU/8000'], ssrc),
    ...media(1, 'video', '96 97', ['a=rtcp-rsize', 'a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 goog-remb', 'a=rtcp-fb:96 transport-cc', 'a=rtcp-fb:96 ccm fir',
      'a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96'], ssrc + 1), ''].join('\r\n');
};

export class Session {
  static async open(stack, token) {
    const s = new Session();
    s.seen = []; s.waiters = []; s.seq = 0; s.ack = 0;
    s.socket = new WebSocket(`${stack.url.replace('https', 'wss')}/gateway/websocketcall`, { rejectUnauthorized: false });
    s.socket.on('message', (data) => s.got(JSON.parse(String(data))));
    s.closed = new Promise((done) => s.socket.on('close', (code) => { s.code = code; for (const w of s.waiters) w.no(new Error(`closed ${code}`)); done(code); }));
    await new Promise((done, failed) => { s.socket.on('open', done); s.socket.on('error', failed); });
    s.raw({ type: 'hello', version: 1, token, client: { name: 'soak', version: '1' } });
    s.welcome = await s.wait((m) => m.type === 'welcome' || m.type === 'error');
    if (s.welcome.type !== 'welcome') throw new Error(JSON.stringify(s.welcome));
    return s;
  }
  raw(message) { this.socket.send(JSON.stringify(message)); }
  send(message) { this.raw({ ...message, seq: ++this.seq, ack: this.ack }); }
  got(message) {
    if (message.seq) { this.ack = message.seq; if (this.ack % 16 === 0) this.raw({ type: 'ack', ack: this.ack }); }
    const waiter = this.waiters.find((w) => w.match(message));
    if (waiter) { this.waiters.splice(this.waiters.indexOf(waiter), 1); waiter.yes(message); } else { this.seen.push(message); if (this.seen.length > 100) this.seen.shift(); }
  }
  wait(match, ms = 15000) {
    const at = this.seen.findIndex(match);
    if (at >= 0) return Promise.resolve(this.seen.splice(at, 1)[0]);
    return new Promise((yes, no) => {
      const timer = setTimeout(() => no(new Error(`nothing came; seen: ${JSON.stringify(this.seen).slice(0, 500)}`)), ms);
      this.waiters.push({ match, yes: (m) => { clearTimeout(timer); yes(m); }, no: (e) => { clearTimeout(timer); no(e); } });
    });
  }
  bye() { this.send({ type: 'bye' }); this.socket.close(1000); return this.closed; }
}

export async function consumerToken(stack, body = {}) {
  const answer = await request(`${stack.url}/assistserver/session`, { method: 'POST', body });
  if (answer.status !== 201) throw new Error(`session: ${answer.status} ${answer.text}`);
  return answer.json.token;
}

export async function agentToken(stack, user) {
  const login = await request(`${stack.url}/expertassist/agent/login`, { method: 'POST', body: { user, password: user } });
  if (login.status !== 200) throw new Error(`login: ${login.status} ${login.text}`);
  const cookie = login.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
  return (await request(`${stack.url}/expertassist/agent/token`, { headers: { cookie } })).json.token;
}
