// A party of a shared session without a browser: speaks /assistserver/topic by itself.
import WebSocket from 'ws';
import { request } from './stack.mjs';

/** A picture of 100x80 pixels with one part of `bytes` bytes. */
export function picture(frame, { whole = false, bytes = 200, epoch = 1, width = 100 } = {}) {
  const out = Buffer.alloc(28 + 15 + bytes);
  out.set([1, 1, whole ? 1 : 0, 0]);
  out.writeUInt32BE(frame, 4);
  out.writeUInt32BE(epoch, 8);
  out.writeUInt16BE(100, 12);
  out.writeUInt16BE(80, 14);
  out.writeFloatBE(1, 16);
  out[28] = 2;
  out.writeUInt16BE(width, 33);
  out.writeUInt16BE(80, 35);
  out.set([1, 1], 37);
  out.writeUInt32BE(bytes, 39);
  return out;
}
export const frameOf = (bytes) => bytes.readUInt32BE(4);

export class Topic {
  static async open(stack, token, { cid, resume, acks = true, from } = {}) {
    const t = new Topic();
    Object.assign(t, { stack, token, cid, acks, seen: [], waiters: [], pictures: [], seq: 0, ack: 0 });
    t.socket = new WebSocket(`${stack.url.replace('https', 'wss')}/assistserver/topic`, { rejectUnauthorized: false, ...(from ? { localAddress: from, family: 4 } : {}) });
    t.socket.on('message', (data, binary) => (binary ? t.gotPicture(data) : t.got(JSON.parse(String(data)))));
    t.closed = new Promise((done) => t.socket.on('close', (code) => {
      t.code = code;
      for (const w of t.waiters.splice(0)) w.no(new Error(`closed ${code}; seen: ${JSON.stringify(t.seen).slice(-600)}`));
      done(code);
    }));
    await new Promise((done, failed) => { t.socket.on('open', done); t.socket.on('error', failed); });
    t.raw({ type: 'hello', version: 1, token, ...(cid ? { cid } : {}), client: { name: 'test', version: '1' }, ...(resume ? { resume } : {}) });
    t.welcome = await t.wait((m) => m.type === 'welcome' || (m.type === 'error' && m.fatal));
    t.refused = t.welcome.type === 'error' ? t.welcome.reason : null;
    t.party = t.welcome.party;
    if (t.welcome.resumed) Object.assign(t, { seq: t.welcome.ack });
    return t;
  }
  /** The same party again, after its connection broke. */
  async again() {
    const next = await Topic.open(this.stack, this.token, { cid: this.cid, acks: this.acks, resume: { party: this.party, key: this.welcome.key, ack: this.ack } });
    next.ack = Math.max(next.ack, this.ack);
    return next;
  }
  raw(message) { this.socket.send(JSON.stringify(message)); }
  send(type, fields = {}) { this.raw({ type, ...fields, seq: ++this.seq, ack: this.ack }); }
  picture(...args) { this.socket.send(picture(...args)); }
  gotPicture(data) {
    this.pictures.push(frameOf(data));
    if (this.acks) this.raw({ type: 'seen', frame: frameOf(data) });
    this.look({ type: 'picture', frame: frameOf(data) });
  }
  got(message) {
    if (message.seq) { this.ack = message.seq; if (this.ack % 16 === 0) this.raw({ type: 'ack', ack: this.ack }); }
    if (message.type === 'session') this.state = message;
    this.look(message);
  }
  look(message) {
    const waiter = this.waiters.find((w) => w.match(message));
    if (waiter) { this.waiters.splice(this.waiters.indexOf(waiter), 1); waiter.yes(message); } else { this.seen.push(message); if (this.seen.length > 300) this.seen.shift(); }
  }
  wait(match, ms = 15000) {
    const fits = typeof match === 'string' ? (m) => m.type === match : match;
    const at = this.seen.findIndex(fits);
    if (at >= 0) return Promise.resolve(this.seen.splice(at, 1)[0]);
    return new Promise((yes, no) => {
      const timer = setTimeout(() => no(new Error(`nothing came for ${match}; seen: ${JSON.stringify(this.seen).slice(-600)}`)), ms);
      this.waiters.push({ match: fits, yes: (m) => { clearTimeout(timer); yes(m); }, no: (e) => { clearTimeout(timer); no(e); } });
    });
  }
  /** Asks and expects to be refused with that reason. */
  async refusedWith(reason, type, fields = {}) {
    const id = `r${this.seq + 1}`;
    this.send(type, { ...fields, request: id });
    const error = await this.wait((m) => m.type === 'error' && m.request === id);
    if (error.reason !== reason) throw new Error(`${type}: ${error.reason} instead of ${reason}`);
  }
  sharing(state) { return this.state?.sharing === state ? this.state : this.wait((m) => m.type === 'session' && m.sharing === state); }
  async consents(grant = true) {
    const asked = await this.wait('consent-request');
    this.send('consent', { id: asked.id, grant });
    return asked;
  }
  breakOff() { this.socket.terminate(); return this.closed; }
}

export async function consumerTopic(stack, body = {}) {
  const answer = await request(`${stack.url}/assistserver/session`, { method: 'POST', body });
  if (answer.status !== 201) throw new Error(`session: ${answer.status} ${answer.text}`);
  return answer.json;
}

export async function agentTopicToken(stack, user = 'agent1') {
  const login = await request(`${stack.url}/expertassist/agent/login`, { method: 'POST', body: { user, password: user } });
  if (login.status !== 200) throw new Error(`login: ${login.status} ${login.text}`);
  const cookie = login.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
  return (await request(`${stack.url}/expertassist/agent/token?for=assist`, { headers: { cookie } })).json.token;
}
