// The consumer's side of an assist session without a page: speaks docs/protocols/topic.md over a WebSocket and sends pictures
// that it is given. For pictures of the consoles and for tests.
import { deflateSync } from 'node:zlib';
import WebSocket from 'ws';

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A PNG of one colour. */
export function plainPng(w, h, [r, g, b]) {
  const chunk = (name, data) => {
    const out = Buffer.alloc(12 + data.length);
    out.writeUInt32BE(data.length, 0);
    out.write(name, 4, 'latin1');
    data.copy(out, 8);
    out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
    return out;
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  head.writeUInt32BE(w, 0);
  head.writeUInt32BE(h, 4);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(w * 3).map((_, i) => [r, g, b][i % 3])]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(Array(h).fill(line)))), chunk('IEND', Buffer.alloc(0))]);
}

/** One frame with one PNG that covers the whole picture (docs/protocols/topic.md, Pictures). */
export function pngFrame(png, { frame = 1, epoch = 1, scale = 1, scrollX = 0, scrollY = 0, lossless = true } = {}) {
  const [w, h] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const head = Buffer.alloc(28 + 15);
  head.writeUInt8(1, 0);
  head.writeUInt8(1, 1);
  head.writeUInt8(1 | (lossless ? 2 : 0) | 4, 2);
  head.writeUInt32BE(frame, 4);
  head.writeUInt32BE(epoch, 8);
  head.writeUInt16BE(w, 12);
  head.writeUInt16BE(h, 14);
  head.writeFloatBE(scale, 16);
  head.writeInt32BE(scrollX, 20);
  head.writeInt32BE(scrollY, 24);
  head.writeUInt8(2, 28);
  head.writeUInt16BE(0, 29);
  head.writeUInt16BE(0, 31);
  head.writeUInt16BE(w, 33);
  head.writeUInt16BE(h, 35);
  head.writeUInt8(3, 37);
  head.writeUInt8(1, 38);
  head.writeUInt32BE(png.length, 39);
  return Buffer.concat([head, png]);
}

export class MockConsumer {
  /** `token`: an assist token of a consumer. */
  static async open(url, { token, cid, options = {} }) {
    const consumer = new MockConsumer();
    Object.assign(consumer, { seq: 0, ack: 0, frame: 0, seen: [], waiters: [], answers: {} });
    consumer.socket = new WebSocket(url.replace(/^http/, 'ws') + '/assistserver/topic', options);
    consumer.socket.on('message', (data, binary) => !binary && consumer.got(JSON.parse(String(data))));
    await new Promise((done, failed) => consumer.socket.on('open', done).on('error', failed));
    consumer.raw({ type: 'hello', version: 1, token, cid, client: { name: 'test', version: '1' } });
    consumer.welcome = await consumer.wait((m) => m.type === 'welcome' || m.type === 'error');
    if (consumer.welcome.type !== 'welcome') throw new Error(JSON.stringify(consumer.welcome));
    return consumer;
  }
  raw(message) {
    this.socket.send(JSON.stringify(message));
  }
  send(message) {
    this.raw({ ...message, seq: ++this.seq, ack: this.ack });
  }
  /** Answers messages of a type by itself: `answer('form-get', (m) => ({…}))`. */
  answer(type, fn) {
    this.answers[type] = fn;
  }
  got(message) {
    if (message.seq) {
      this.ack = message.seq;
      this.raw({ type: 'ack', ack: this.ack });
    }
    const reply = this.answers[message.type]?.(message);
    if (reply) this.send(reply);
    const waiter = this.waiters.find((w) => w.match(message));
    if (!waiter) return void (this.seen.push(message), this.seen.splice(0, this.seen.length - 300));
    this.waiters.splice(this.waiters.indexOf(waiter), 1);
    waiter.done(message);
  }
  wait(match, ms = 15000) {
    const wanted = typeof match === 'string' ? (m) => m.type === match : match;
    const at = this.seen.findIndex(wanted);
    if (at >= 0) return Promise.resolve(this.seen.splice(at, 1)[0]);
    return new Promise((done, failed) => {
      const timer = setTimeout(() => failed(new Error(`nothing came; last: ${JSON.stringify(this.seen.slice(-8)).slice(0, 800)}`)), ms);
      this.waiters.push({ match: wanted, done: (m) => (clearTimeout(timer), done(m)) });
    });
  }
  async grant(what = 'view', grant = true) {
    const request = await this.wait((m) => m.type === 'consent-request' && m.what === what);
    this.send({ type: 'consent', id: request.id, grant });
    return request;
  }
  view({ w, h, scale = 1, title = '', path = '/', unsupported = [], fidelity = 'painter' }) {
    this.send({ type: 'view', w, h, scale, title, path, fidelity, unsupported });
  }
  picture(png, options = {}) {
    this.socket.send(pngFrame(png, { frame: ++this.frame, ...options }));
  }
  close() {
    this.socket.close();
  }
}

/** A form such as a customer's page has, with everything that the editor shows. */
export const sampleForm = [
  { id: 'f1', label: 'First and last name', type: 'text', value: 'Ada Marlow', masked: false, required: true, valid: true, x: 40, y: 200, w: 300, h: 40 },
  { id: 'f2', label: 'E-mail', type: 'email', value: 'ada@', masked: false, required: true, valid: false, message: 'Please enter a part following ‘@’.', x: 40, y: 260, w: 300, h: 40 },
  { id: 'f3', label: 'Date of the damage', type: 'date', value: '2026-11-20', masked: false, valid: true, x: 40, y: 320, w: 300, h: 40 },
  { id: 'f4', label: 'What happened', type: 'select', value: 'water', masked: false, valid: true, options: [{ value: '', label: 'Please choose' }, { value: 'water', label: 'Water damage', selected: true }, { value: 'fire', label: 'Fire' }, { value: 'glass', label: 'Broken glass', disabled: true }], x: 40, y: 380, w: 300, h: 40 },
  { id: 'f5', label: 'Describe it in a few words', type: 'textarea', value: '', masked: false, required: true, valid: false, message: 'Please fill in this field.', x: 40, y: 440, w: 300, h: 90 },
  { id: 'f6', label: 'Card number', type: 'text', masked: true, barred: true, required: true, valid: true, x: 40, y: 560, w: 300, h: 40 },
  { id: 'f7', label: 'Policy number', type: 'text', value: 'LH-2093-118', masked: false, readonly: true, valid: true, x: 40, y: 620, w: 300, h: 40 },
  { id: 'f8', label: 'I have read the terms', type: 'checkbox', checked: false, masked: false, required: true, valid: true, x: 40, y: 680, w: 20, h: 20 },
  { id: 'f9', label: 'Account for the payment', type: 'select', masked: true, valid: true, x: 40, y: 720, w: 300, h: 40 },
  { id: 'f10', label: 'Date of birth', type: 'date', masked: true, valid: true, x: 40, y: 780, w: 300, h: 40 },
  { id: 'f11', label: 'Disabled person', type: 'checkbox', masked: true, valid: true, x: 40, y: 840, w: 20, h: 20 },
  { id: 'f12', label: 'Diagnosis', type: 'textarea', masked: true, maxLength: 200, valid: true, x: 40, y: 880, w: 300, h: 90 },
  { id: 'f13', label: 'Earlier illnesses', type: 'select', masked: true, multiple: true, valid: true, x: 40, y: 990, w: 300, h: 90 },
];
