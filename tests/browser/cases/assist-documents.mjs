// Application events, documents, library and short codes against the real server, without a browser.
import http from 'node:http';
import https from 'node:https';
import WebSocket from 'ws';
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';
import { request } from '../lib/stack.mjs';

const same = (found, wanted, what) => assert(JSON.stringify(found) === JSON.stringify(wanted), `${what}: ${JSON.stringify(found)}`);
const kPdf = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(300_000, 'p')]);

/** A request with a body of bytes; the answer's body as bytes. */
const send = (url, { method = 'GET', body, headers = {} } = {}) => new Promise((done, failed) => {
  const call = https.request(url, { method, rejectUnauthorized: false, timeout: 15000, headers: { ...(body ? { 'content-length': body.length } : {}), ...headers } }, (answer) => {
    const parts = [];
    answer.on('data', (d) => parts.push(d));
    answer.on('end', () => {
      const bytes = Buffer.concat(parts);
      let json = null;
      try { json = JSON.parse(bytes.toString()); } catch { /* not JSON */ }
      done({ status: answer.statusCode, headers: answer.headers, bytes, json });
    });
  });
  call.on('error', failed);
  call.end(body);
});

async function signIn(stack, door, user) {
  const answer = await request(`${stack.url}/expertassist/${door}/login`, { method: 'POST', body: { user, password: user } });
  assert(answer.status === 200, `${user} at ${door}: ${answer.status} ${answer.text}`);
  return { cookie: answer.headers['set-cookie'][0].split(';')[0] };
}

/** A page at /gateway/aed. */
class EventsPage {
  constructor(stack, token) { Object.assign(this, { stack, token, id: `page${Math.random().toString(36).slice(2)}`, sent: 0, received: 0, pending: [], got: [], numbers: 0 }); }
  async open() {
    this.socket = new WebSocket(`${this.stack.url.replace('https', 'wss')}/gateway/aed`, { rejectUnauthorized: false });
    this.welcome = null;
    this.socket.on('error', () => {});
    this.socket.on('message', (data) => this.onMessage(JSON.parse(data)));
    await new Promise((done, failed) => { this.socket.on('open', done); this.socket.on('close', () => failed(new Error('refused'))); });
    this.socket.send(JSON.stringify({ type: 'hello', version: 1, token: this.token, client: { id: this.id },
      ...(this.key ? { resume: { party: this.party, key: this.key, ack: this.received } } : {}) }));
    await until('welcome', () => this.welcome);
    if (!this.welcome.resumed) { this.sent = this.received = 0; this.pending = []; }
    this.party = this.welcome.party;
    this.key = this.welcome.key;
    for (const each of this.pending) if (each.seq > this.welcome.ack) this.socket.send(JSON.stringify(each));
  }
  onMessage(message) {
    if (message.type === 'welcome') { this.welcome = message; return; }
    if (!message.seq || message.seq <= this.received) return;
    this.received = message.seq;
    this.got.push(message);
    this.socket.send(JSON.stringify({ type: 'ack', ack: this.received }));
  }
  say(message) {
    const whole = { ...message, seq: ++this.sent };
    this.pending.push(whole);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(whole));
  }
  async ask(message, again) {
    const id = again ?? `${this.id}-${++this.numbers}`;
    const from = this.got.length;
    this.say({ ...message, request: id });
    let answer;
    await until(`answer to ${message.type}`, () => (answer = this.got.slice(from).find((m) => m.request === id)));
    return { ...answer, asked: id };
  }
  /** The network goes, with whatever was on its way. */
  cut() { this.socket.terminate(); this.socket = null; }
}

/** Where documents come from: good ones, and traps. */
async function documentServer(t) {
  const server = http.createServer((ask, answer) => {
    const say = (type, body) => { answer.writeHead(200, { 'content-type': type }); answer.end(body); };
    if (ask.url === '/good.pdf') say('application/pdf', kPdf);
    else if (ask.url === '/page.pdf') say('text/html', '<script>alert(1)</script>');
    else if (ask.url === '/to-inside') { answer.writeHead(302, { location: 'http://127.0.0.1:9990/' }); answer.end(); }
    else if (ask.url === '/to-metadata') { answer.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }); answer.end(); }
    else { answer.writeHead(200, { 'content-type': 'application/pdf' }); const more = () => { while (answer.write(kPdf)); }; answer.on('drain', more); answer.on('error', () => {}); more(); }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.owns({ remove: () => { server.closeAllConnections(); server.close(); } });
  return server.address().port;
}

export const cases = [{
  name: 'application events: data shared, kept over broken connections and a new process, nothing lost or doubled', async run(t) {
    const session = (await request(`${t.stack.url}/assistserver/session`, { method: 'POST', body: { name: 'Ada' } })).json;
    const topic = session.assist.cid;
    const agentToken = (await request(`${t.stack.url}/expertassist/agent/token?for=assist`, { headers: await signIn(t.stack, 'agent', 'agent1') })).json.token;
    const a = new EventsPage(t.stack, session.aed.token), b = new EventsPage(t.stack, agentToken);
    for (const page of [a, b]) {
      await page.open();
      same((await page.ask({ type: 'topic-connect', topic, create: true })).data, [], 'a new topic');
    }
    const made = await a.ask({ type: 'data-submit', topic, id: 'cart', value: { sum: 12 } });
    await until('the agent hears of it', () => b.got.find((m) => m.type === 'data' && m.value?.sum === 12));
    const conflict = await b.ask({ type: 'data-submit', topic, id: 'cart', value: { sum: 1 } });
    same([conflict.reason, conflict.item.version, conflict.item.value], ['aed.conflict', made.version, { sum: 12 }], 'conflict');
    b.say({ type: 'message', topic, value: 'look here' });
    await until('message', () => a.got.find((m) => m.type === 'message' && m.value === 'look here' && m.by.role === 'agent'));
    assert((await a.ask({ type: 'topic-connect', topic: 'others', create: true })).reason === 'aed.not_allowed', 'a stranger in a topic');

    a.cut();
    let version = made.version;
    for (let i = 0; i < 20; i++) ({ version } = await b.ask({ type: 'data-submit', topic, id: 'cart', version, value: { sum: i } }));
    a.say({ type: 'data-submit', topic, id: 'late', value: 'said while away' });
    const before = a.got.length;
    await a.open();
    assert(a.welcome.resumed, 'resumed');
    await until('all there again', () => a.got.some((m) => m.version === version) && b.got.some((m) => m.id === 'late'));
    assert(a.got.slice(before).filter((m) => m.id === 'cart').length < 20, 'only the last of each item');
    assert(b.got.filter((m) => m.id === 'late').length === 1, 'once');

    const last = await a.ask({ type: 'data-submit', topic, value: 'once' });
    t.stack.server.expectKilled = true;
    t.stack.server.kill('SIGKILL');
    await t.stack.server.ended;
    await t.stack.startServer();
    await a.open();
    assert(!a.welcome.resumed, 'a new process knows no sessions');
    const there = await a.ask({ type: 'topic-connect', topic });
    same(there.data.map((item) => item.value).sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1)), ['once', 'said while away', { sum: 19 }], 'data after the restart');
    const again = await a.ask({ type: 'data-submit', topic, value: 'once' }, last.asked);
    assert(again.version === last.version, `done twice: ${JSON.stringify(again)}`);
    a.cut();
  },
}, {
  name: 'documents: uploaded, fetched, in the library; nothing from inside, nothing that is no document', settings: { 'assist.fetch_allow': 'localhost', 'assist.max_document_bytes': 1_000_000 }, async run(t) {
    const { url } = t.stack;
    const agent = await signIn(t.stack, 'agent', 'agent1');
    const supervisor = await signIn(t.stack, 'supervisor', 'supervisor1');
    const refused = await request(`${url}/expertassist/supervisor/login`, { method: 'POST', body: { user: 'agent1', password: 'agent1' } });
    assert(refused.status === 401, 'an agent is no supervisor');
    same((await request(`${url}/expertassist/supervisor/me`, { headers: supervisor })).json.roles, ['Supervisor'], 'roles');

    const upload = (body, headers) => send(`${url}/assistserver/content?name=Price%20list.pdf&cid=c1`, { method: 'POST', body, headers });
    assert((await upload(kPdf, {})).status === 413, 'a stranger may not send so much');
    assert((await upload(Buffer.from('%PDF-1.7'), {})).status === 401, 'a stranger may not send anything');
    const kept = await upload(kPdf, agent);
    same([kept.status, kept.json.name, kept.json.kind, kept.json.size], [201, 'Price list.pdf', 'document', kPdf.length], 'upload');
    const whole = await send(url + kept.json.src);
    assert(whole.bytes.equals(kPdf) && whole.headers['content-type'] === 'application/pdf', 'the document');
    same([whole.headers['content-security-policy'], whole.headers['x-content-type-options'], whole.headers['accept-ranges']], ["sandbox; default-src 'none'", 'nosniff', 'bytes'], 'headers');
    const part = await send(url + kept.json.src, { headers: { range: 'bytes=0-8' } });
    same([part.status, part.bytes.toString(), part.headers['content-range']], [206, '%PDF-1.7\n', `bytes 0-8/${kPdf.length}`], 'a part');
    assert((await send(`${url}/assistserver/content/${'x'.repeat(24)}`)).status === 404, 'a guessed id');
    for (const bad of ['<svg onload="alert(1)"/>', '<html></html>']) assert((await upload(Buffer.from(bad), agent)).json.error.reason === 'content.unsupported', bad);
    assert((await upload(Buffer.alloc(1_000_001, '%PDF-1.7'), agent)).status === 413, 'too large');

    const port = await documentServer(t);
    const fetched = async (address) => { const a = await request(`${url}/expertassist/agent/fetch`, { method: 'POST', headers: agent, body: { url: address } }); return a.json.error?.reason ?? a.json; };
    const good = await fetched(`http://localhost:${port}/good.pdf`);
    same([good.name, good.size], ['good.pdf', kPdf.length], 'fetched');
    for (const [address, reason] of [[`http://127.0.0.1:${port}/good.pdf`, 'fetch.address_refused'], [`http://[::ffff:127.0.0.1]:${port}/good.pdf`, 'fetch.address_refused'],
      [`http://2130706433:${port}/good.pdf`, 'fetch.address_refused'], ['http://169.254.169.254/latest/meta-data/', 'fetch.address_refused'], ['http://10.0.0.1/', 'fetch.address_refused'],
      [`http://localhost:${port}/to-inside`, 'fetch.address_refused'], [`http://localhost:${port}/to-metadata`, 'fetch.address_refused'], ['file:///etc/passwd', 'fetch.bad_scheme'],
      [`http://localhost:${port}/page.pdf`, 'content.unsupported'], [`http://localhost:${port}/endless`, 'fetch.too_large']]) {
      const found = await fetched(address);
      // A resolver may call a number no name at all.
      assert(found === reason || (address.includes('2130706433') && found === 'fetch.unresolved'), `${address}: ${JSON.stringify(found)}`);
    }

    const api = `${url}/expertassist/supervisor/api/library`;
    const list = async (who) => (await request(api, { headers: who })).json.items.map((item) => item.name);
    const document = (await send(`${api}?name=Terms.pdf`, { method: 'POST', body: kPdf, headers: { ...supervisor, 'content-type': 'application/pdf' } })).json;
    const link = (await request(api, { method: 'POST', headers: supervisor, body: { kind: 'link', name: 'Shop', url: 'https://shop.example/' } })).json;
    assert((await request(api, { method: 'POST', headers: supervisor, body: { kind: 'link', name: 'Bad', url: 'javascript:alert(1)' } })).json.error.reason === 'fetch.bad_scheme', 'a script as a link');
    assert((await request(api, { method: 'POST', headers: agent, body: { kind: 'link', name: 'X', url: 'https://x.example/' } })).json.error.reason === 'role.missing', 'an agent changes the library');
    assert((await request(api)).status === 401, 'strangers see nothing');
    same(await list(agent), ['Terms.pdf', 'Shop'], 'library');
    await request(api, { method: 'PUT', headers: supervisor, body: { order: [link.id, document.id] } });
    await request(`${api}/${link.id}`, { method: 'PUT', headers: supervisor, body: { enabled: false, name: 'Old shop' } });
    same([await list(agent), await list(supervisor)], [['Terms.pdf'], ['Old shop', 'Terms.pdf']], 'enabled ones in order');
    const shared = await request(`${url}/expertassist/agent/library/${document.id}/share`, { method: 'POST', headers: agent, body: { cid: 'c1' } });
    assert((await send(url + shared.json.src)).bytes.equals(kPdf), 'shared from the library');

    t.stack.server.kill('SIGTERM');
    await t.stack.server.ended;
    await t.stack.startServer();
    same(await list(supervisor), ['Old shop', 'Terms.pdf'], 'library after a restart');
    assert((await send(url + document.preview, { headers: agent })).bytes.equals(kPdf), 'content after a restart');
    assert((await request(`${api}/${document.id}`, { method: 'DELETE', headers: supervisor })).status === 204, 'removed');
    same(await list(agent), [], 'nothing enabled is left');
  },
}, {
  name: 'short codes: good once for each side, over after a while, not to be guessed', async run(t) {
    const { url } = t.stack;
    const agent = await signIn(t.stack, 'agent', 'agent1');
    const create = (body) => request(`${url}/assistserver/shortcode/create`, { method: 'PUT', body });
    const redeem = (side, code, headers) => request(`${url}/assistserver/shortcode/${side}?appkey=${code}`, { headers });
    const fresh = (await create({})).json;
    assert(/^\d{6}$/.test(fresh.shortCode), fresh.shortCode);
    assert((await redeem('agent', fresh.shortCode)).status === 401, 'only agents');
    const consumer = (await redeem('consumer', fresh.shortCode)).json;
    same([consumer.cid, (await redeem('agent', fresh.shortCode, agent)).json.cid], [fresh.cid, fresh.cid], 'both find the session');
    for (const side of ['consumer', 'agent']) assert((await redeem(side, fresh.shortCode, agent)).json.error.reason === 'shortcode.unknown', `${side} once`);
    const events = new EventsPage(t.stack, consumer['session-token']);
    await events.open();
    assert((await events.ask({ type: 'topic-connect', topic: fresh.cid, create: true })).type === 'topic', 'the token is a session token');
    events.cut();
    const session = (await request(`${url}/assistserver/session`, { method: 'POST', body: {} })).json.assist;
    const known = (await create({ token: session.token })).json;
    assert(known.cid === session.cid, 'a code for a running session');
    assert((await redeem('consumer', known.shortCode)).status === 404, 'its page is there already');
    assert((await create({ cid: 'nobody' })).status === 404, 'a session that is not open');
    let locked;
    for (let i = 0; i < 12 && !locked; i++) {
      const guess = await redeem('agent', '000000', agent);
      if (guess.status === 429) locked = guess;
    }
    assert(locked?.json.error.reason === 'shortcode.locked' && Number(locked.headers['retry-after']) > 0, 'guessing is stopped');
    assert((await redeem('agent', known.shortCode, agent)).status === 429, 'even the right one has to wait');
    assert(await t.stack.metric('parley_assist_short_codes_total', '{what="locked"}') >= 2, 'counted');
  },
}];
