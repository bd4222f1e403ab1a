// Expert Assist for the mock server: docs/protocols/topic.md as far as pages need it, in memory. `consumers` of tests and of
// pictures are WebSockets that speak the consumer's part by themselves (dev/mock-consumer.mjs).
import { randomInt, randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { plainPng } from './mock-consumer.mjs';

const kColors = ['#c2410c', '#1d4ed8', '#15803d'];
const kFeatures = ['view', 'pointer', 'control', 'forms', 'annotate', 'push_document', 'push_link', 'spotlight', 'capture'];
const kSniff = [['%PDF', 'application/pdf', 'document'], ['\x89PNG', 'image/png', 'image'], ['\xff\xd8', 'image/jpeg', 'image'], ['GIF8', 'image/gif', 'image'], ['RIFF', 'image/webp', 'image']];
const kStreams = new Set(['seen', 'ack', 'refresh']);
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
const failure = (status, reason, text) => [status, { error: { reason, text } }];

export function makeAssist({ features = kFeatures } = {}) {
  const sessions = new Map();
  const tokens = new Map();
  const codes = new Map();
  const contents = new Map();
  let library = [];
  const state = { features };

  // ---- sessions

  class Party {
    constructor(session, who) {
      Object.assign(this, who, { session, id: `p${session.next++}`, key: randomUUID(), seq: 1, received: 0, kept: [], socket: null, shape: who.role === 'consumer' ? 'joined' : 'asking' });
      this.color = kColors[(session.parties.length + 2) % kColors.length]; // The first agent has the first one.
      session.parties.push(this);
    }
    send(message) {
      const numbered = { ...message, seq: this.seq++ };
      this.kept.push(numbered);
      this.write(numbered);
    }
    write(message) {
      if (this.socket?.readyState === 1) this.socket.send(JSON.stringify({ ...message, ack: this.received }));
    }
    error(reason, text, request) {
      this.send({ type: 'error', reason, text, request });
    }
  }

  class Session {
    constructor(cid) {
      Object.assign(this, { cid, parties: [], next: 1, sharing: 'off', control: 'none', view: { w: 0, h: 0, scale: 1, title: '', path: '' }, fidelity: 'painter', quality: 'sharp', unsupported: [], document: null, window: null, asked: new Map(), pictures: [], shapes: [], receipts: [], startedAt: new Date().toISOString(), consumer: null });
      sessions.set(cid, this);
    }
    get state() {
      const { cid, sharing, control, view, fidelity, quality, unsupported, document, window } = this;
      const agents = this.parties.filter((p) => p.role !== 'consumer');
      return {
        cid, sharing, control, view, fidelity, quality, unsupported, document, window, consumer: { present: Boolean(this.consumer?.socket), name: this.consumer?.name ?? '' },
        consent: agents.some((p) => p.shape === 'joined'), parties: agents.map((p) => ({ party: p.id, role: p.role, name: p.name, color: p.color, state: p.shape, user: p.user })),
      };
    }
    tell() {
      for (const p of this.parties) p.send({ type: 'session', ...this.state });
    }
    agents(except) {
      return this.parties.filter((p) => p.role !== 'consumer' && p.shape === 'joined' && p !== except);
    }
    ask(party, what) {
      const id = randomUUID().slice(0, 8);
      this.asked.set(id, { party, what });
      this.consumer?.send({ type: 'consent-request', id, party: party.id, name: party.name, what });
    }
    end(reason, text) {
      for (const p of this.parties) {
        p.send({ type: 'ended', reason, text });
        p.socket?.close(4020);
      }
      sessions.delete(this.cid);
    }
    pictured(data) {
      const whole = (data[2] & 1) !== 0;
      if (whole) this.pictures = [];
      this.pictures.push(data);
      if (this.sharing === 'on') for (const p of this.agents()) p.socket?.send(data);
    }
    replay(party) {
      if (this.sharing === 'on') for (const data of this.pictures) party.socket?.send(data);
      for (const shape of this.shapes) party.send({ type: 'draw', ...shape });
    }
  }

  const consumerSays = {
    share(s, _p, m) {
      s.sharing = m.state;
      if (m.state !== 'on') s.control = 'none';
      s.tell();
      if (m.state === 'on') for (const p of s.agents()) s.replay(p);
    },
    consent(s, _p, m) {
      const out = m.what === 'view' && !m.grant && s.agents().find((p) => p.id === m.party);
      if (out) {
        out.send({ type: 'ended', reason: 'assist.party_removed', text: 'The customer has taken you out of this session.' });
        s.parties = s.parties.filter((p) => p !== out);
        out.socket?.close(4024);
        return s.tell();
      }
      const asked = s.asked.get(m.id);
      if (!asked) return;
      s.asked.delete(m.id);
      const { party, what } = asked;
      if (what === 'control') s.control = m.grant ? party.id : s.control;
      else party.shape = m.grant ? 'joined' : 'refused';
      if (what === 'view' && m.grant) {
        for (const p of s.agents(party)) p.send({ type: 'erase', all: true, why: 'joined' });
        s.shapes = [];
        s.sharing = 'on';
      }
      party.send({ type: 'consent', what, party: party.id, grant: m.grant });
      s.tell();
      if (what === 'view' && m.grant) s.replay(party);
    },
    view(s, _p, { w, h, scale, title, path, fidelity, unsupported }) {
      Object.assign(s, { view: { w, h, scale, title, path }, fidelity, unsupported });
      s.tell();
    },
    end: (s, _p, m) => (m.why === 'call' ? s.end('call_ended', 'The call has ended, and sharing with it.') : s.end('consumer_ended', 'The customer ended sharing.')),
    receipt: (s, _p, m) => s.receipts.push(m),
    control(s) {
      s.control = 'none';
      s.tell();
    },
    document(s, _p, m) {
      if (m.closed) s.document = null;
      else if (s.document?.id === m.id) Object.assign(s.document, m.pages ? { pages: m.pages } : {}, m.page ? { page: m.page } : {});
      for (const p of s.agents()) p.send(m);
    },
    window(s, p, m) {
      s.window = { shown: m.shown !== false, x: m.x, y: m.y, w: m.w, h: m.h };
      for (const agent of s.agents()) agent.send({ ...m, party: p.id });
    },
  };
  for (const type of ['activity', 'cursor', 'form', 'form-result', 'push-result']) {
    consumerSays[type] = (s, p, m) => {
      for (const agent of s.agents()) agent.send({ party: p.id, ...m });
    };
  }

  const needs = { pointer: 'pointer', click: 'control', scroll: 'control', text: 'control', key: 'control', 'form-get': 'forms', 'form-set': 'forms', draw: 'annotate', erase: 'annotate' };
  const controlled = new Set(['click', 'scroll', 'text', 'key', 'form-set']);

  function agentActs(s, p, m) {
    if (p.role !== 'agent') return p.error('assist.not_allowed', 'Watching only.', m.request);
    if (p.shape !== 'joined') return p.error('assist.no_consent', 'The customer has not agreed.', m.request);
    if (!state.features.includes(needs[m.type])) return p.error('assist.feature_off', 'This is switched off.', m.request);
    if (controlled.has(m.type) && s.control !== p.id) return p.error('assist.not_allowed', 'You do not control the page.', m.request);
    const passed = { ...m, party: p.id };
    delete passed.seq;
    delete passed.ack;
    s.consumer?.send(passed);
    if (m.type === 'pointer') for (const other of s.agents(p)) other.send(passed);
    if (m.type === 'draw') {
      s.shapes.push({ ...passed, type: undefined });
      for (const other of s.agents(p)) other.send(passed);
    }
    if (m.type === 'erase') {
      s.shapes = [];
      for (const other of s.agents(p)) other.send({ ...passed, why: 'demand' });
    }
  }

  const agentSays = {
    ask: (s, p) => ((p.shape = 'asking'), s.tell(), s.ask(p, 'view')),
    control(s, p, m) {
      if (!m.want) s.control = s.control === p.id ? 'none' : s.control;
      else if (s.control !== 'none' && s.control !== p.id) return p.error('assist.control_taken', 'A colleague controls the page.', m.request);
      else s.ask(p, 'control');
      s.tell();
      p.write({ type: 'ack', request: m.request });
    },
    quality(s, p, m) {
      if (p.role !== 'agent' || p.shape !== 'joined') return p.error('assist.not_allowed', 'Not allowed.', m.request);
      s.quality = m.level;
      s.tell();
    },
    push(s, p, m) {
      const feature = m.kind === 'link' || m.kind === 'video' ? 'push_link' : 'push_document';
      if (p.role !== 'agent' || !state.features.includes(feature)) return p.error('assist.feature_off', 'This is switched off.', m.request);
      if (m.url && !/^https?:/.test(m.url)) return p.error('push.scheme', 'Only http and https addresses can be sent.', m.request);
      const push = { type: 'push', id: randomUUID().slice(0, 8), kind: m.kind, name: m.name, src: m.content ? `/assistserver/img/content/${m.content}` : (m.url ?? ''), url: m.url, party: p.id };
      s.consumer?.send(push);
      for (const agent of s.agents()) agent.send({ ...push, request: agent === p ? m.request : undefined });
      if (m.kind === 'document' || m.kind === 'image') {
        s.document = { id: push.id, kind: m.kind, src: push.src, name: m.name, page: 1, scroll: 0, zoom: 1, pages: 0 };
        s.tell();
      }
    },
    document(s, p, m) {
      if (m.closed) s.document = null;
      s.consumer?.send({ ...m, seq: undefined, party: p.id });
      if (m.closed) s.tell();
    },
    window(s, p, m) {
      s.window = { shown: true, x: m.x, y: m.y, w: m.w, h: m.h };
      s.consumer?.send({ ...m, seq: undefined, party: p.id });
    },
    'form-close': () => undefined,
    leave(s, p) {
      s.parties = s.parties.filter((other) => other !== p);
      if (s.control === p.id) s.control = 'none';
      s.tell();
    },
  };
  for (const type of Object.keys(needs)) agentSays[type] = agentActs;

  // ---- WebSocket

  const refuse = (socket, code, reason, text) => {
    socket.send(JSON.stringify({ type: 'error', fatal: true, reason, text }));
    socket.close(code);
    return null;
  };

  function hello(socket, m) {
    const who = tokens.get(m.token);
    if (!who) return refuse(socket, 4003, 'token.invalid', 'The token is not valid.');
    let session = sessions.get(m.cid ?? who.cid);
    if (!session && who.role === 'consumer') session = new Session(m.cid ?? who.cid);
    if (!session) return refuse(socket, 4021, 'assist.unknown_session', 'No customer has opened this session.');
    let party = session.parties.find((p) => p.id === m.resume?.party && p.key === m.resume.key);
    const resumed = Boolean(party);
    party ??= session.parties.find((p) => p.user && p.user === who.user);
    if (!party && session.parties.length >= 6) return refuse(socket, 4022, 'assist.full', 'As many people take part as may.');
    const fresh = !party;
    party ??= new Party(session, who);
    party.socket?.terminate();
    party.socket = socket;
    if (!resumed) Object.assign(party, { seq: 1, received: 0, kept: [] });
    if (who.role === 'consumer') session.consumer = party;
    const settings = { features: state.features, imageScale: 1, maxFrameBytes: 1048576, maskDefault: 'marked', maskSelectors: [], agentName: '', maxParties: 6, maxDocumentBytes: 26214400 };
    socket.send(JSON.stringify({ type: 'welcome', version: 1, party: party.id, key: party.key, resumed, role: party.role, ack: party.received, session: session.state, settings }));
    if (resumed) for (const kept of party.kept.filter(({ seq }) => seq > (m.resume.ack ?? 0))) party.write(kept);
    session.tell();
    if (fresh && party.role !== 'consumer') session.ask(party, 'view');
    else if (party.shape === 'joined' && party.role !== 'consumer') session.replay(party);
    return party;
  }

  const wss = new WebSocketServer({ noServer: true });
  wss.on('connection', (socket) => {
    let party = null;
    socket.on('message', (data, binary) => {
      if (binary) return party?.role === 'consumer' ? party.session.pictured(data) : undefined;
      const m = JSON.parse(String(data));
      if (!party) return void (party = hello(socket, m));
      if (typeof m.ack === 'number') party.kept = party.kept.filter(({ seq }) => seq > m.ack);
      if (kStreams.has(m.type)) return;
      if (typeof m.seq !== 'number' || m.seq <= party.received) return;
      party.received = m.seq;
      setTimeout(() => party.write({ type: 'ack' }), 40);
      const handlers = party.role === 'consumer' ? consumerSays : agentSays;
      const message = { ...m };
      delete message.seq;
      delete message.ack;
      handlers[m.type]?.(party.session, party, message);
    });
    socket.on('close', () => {
      if (party?.socket !== socket) return;
      party.socket = null;
      if (party.role === 'consumer') party.session.tell();
    });
  });

  // ---- HTTP

  const token = (who) => {
    const value = randomUUID();
    tokens.set(value, who);
    return value;
  };
  const stored = (bytes, name) => {
    const head = bytes.subarray(0, 4).toString('latin1');
    const known = kSniff.find(([magic]) => head.startsWith(magic));
    if (!known) return null;
    const id = randomUUID();
    contents.set(id, { bytes, type: known[1] });
    return { id, src: `/assistserver/img/content/${id}`, name, kind: known[2], type: known[1], size: bytes.length };
  };
  const kType = 'Only PDF, PNG, JPEG, GIF and WebP files can be shown.';
  const put = (item) => {
    const made = { id: randomUUID().slice(0, 8), enabled: true, order: library.length, by: 'supervisor1', at: new Date().toISOString(), ...item };
    library.push(made);
    return made;
  };
  const summary = (s) => ({ ...s.state, title: s.view.title, startedAt: s.startedAt, receipts: s.receipts.length });

  /** Answers `[status, value]`, or a function that writes the response; undefined: not ours. */
  function route(method, path, { query, bytes, user, roles, admin }) {
    const json = () => (bytes.length > 0 ? JSON.parse(String(bytes)) : {});
    const required = failure(401, 'login.required', 'Please sign in.');
    const api = '/expertassist/supervisor/api';
    const supervisor = user && roles.includes('Supervisor');
    if (method === 'GET' && path === '/assistserver/shortcode/agent') {
      const code = query.get('appkey');
      if (code === '000000') return failure(429, 'shortcode.locked', 'Too many wrong codes.');
      if (!codes.has(code)) return failure(404, 'shortcode.unknown', 'There is no such code.');
      const cid = codes.get(code);
      codes.delete(code);
      return [200, { cid }];
    }
    if (path === '/assistserver/shortcode/create') {
      const code = String(randomInt(100000, 999999));
      codes.set(code, json().cid);
      return [200, { shortCode: code, cid: json().cid, expiresIn: 300 }];
    }
    if (method === 'POST' && path === '/expertassist/agent/content') {
      if (!user) return required;
      const made = stored(bytes, query.get('name') ?? 'file');
      return made ? [201, made] : failure(415, 'content.type', kType);
    }
    if (path.startsWith('/assistserver/img/content/')) {
      const content = contents.get(path.split('/').pop());
      return content ? (res) => res.writeHead(200, { 'Content-Type': content.type, 'X-Content-Type-Options': 'nosniff' }).end(content.bytes) : failure(404, 'content.unknown', 'This content is gone.');
    }
    if (method === 'POST' && path === '/expertassist/agent/fetch') {
      if (!user) return required;
      if (/localhost|127\.|10\.|192\.168/.test(json().url)) return failure(403, 'url.refused', 'This address cannot be fetched: it lies in a private network.');
      return [201, stored(sampleImage, json().url.split('/').pop())];
    }
    if (method === 'POST' && /^\/expertassist\/agent\/library\/[^/]+\/share$/.test(path)) {
      const item = library.find(({ id }) => id === path.split('/')[4]);
      if (!user) return required;
      return item?.bytes ? [201, { ...stored(item.bytes, item.name), name: item.name }] : item ? [200, item] : failure(404, 'library.unknown', 'This item is gone.');
    }
    const out = ({ bytes: _bytes, ...item }) => item;
    if (path === `${api}/library` && method === 'GET') return user ? [200, { items: library.filter((i) => supervisor || i.enabled).map(out) }] : required;
    if (path.startsWith(`${api}/`) && !supervisor) return user ? failure(403, 'role.missing', 'Only supervisors may do this.') : required;
    if (path === `${api}/sessions`) return [200, { sessions: [...sessions.values()].map(summary) }];
    if (path === `${api}/library` && method === 'PUT') {
      const { order } = json();
      library.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
      library.forEach((item, i) => (item.order = i));
      return [200, { items: library.map(out) }];
    }
    if (path === `${api}/library` && method === 'POST') {
      if (query.get('name')) {
        const made = stored(bytes, query.get('name'));
        if (!made) return failure(415, 'content.type', kType);
        const item = put({ name: made.name, kind: made.kind, type: made.type, size: made.size, bytes });
        item.preview = `${api}/library/${item.id}/content`;
        return [201, out(item)];
      }
      const { kind, name, url } = json();
      if (!/^https?:/.test(url ?? '')) return failure(400, 'push.scheme', 'Only http and https addresses can be used.');
      return [201, out(put({ kind, name: name || url, url }))];
    }
    const [, id, content] = new RegExp(`^${api}/library/([^/]+)(/content)?$`).exec(path) ?? [];
    const item = id && library.find((i) => i.id === id);
    if (item && content) return (res) => res.writeHead(200, { 'Content-Type': item.type }).end(item.bytes);
    if (item && method === 'PUT') return Object.assign(item, json()), [200, out(item)];
    if (item && method === 'DELETE') return (library = library.filter((i) => i !== item)), [204, null];
    if (path.startsWith('/web_plugin_framework/webcontroller/api/assist/sessions')) return adminRoute(path, admin);
    return undefined;
  }

  function adminRoute(path, admin) {
    if (!admin) return failure(401, 'login.required', 'Please sign in.');
    const cid = path.split('/')[6];
    const samples = sampleSessions();
    if (!cid) return [200, { current: [...[...sessions.values()].map(summary), ...samples.filter((s) => !s.endedAt)], recent: samples.filter((s) => s.endedAt) }];
    const live = sessions.get(cid);
    const sample = samples.find((s) => s.cid === cid);
    if (live) return [200, { ...summary(live), receipts: live.receipts, timeline: [] }];
    return sample ? [200, { ...sample, ...sampleDetail(sample) }] : failure(404, 'assist.unknown_session', 'There is no such session.');
  }

  return { wss, route, token, put, library: () => library, sessions, settings: state, code: (cid) => ((codes.set('482913', cid)), '482913') };
}

const sampleImage = plainPng(640, 400, [210, 225, 235]);

const sampleSessions = () => [
  { cid: 'claim-20931', consumer: { name: 'Ada Marlow', present: true }, parties: [{ party: 'p2', role: 'agent', name: 'Robin Vale', state: 'joined', user: 'agent1' }], sharing: 'on', fidelity: 'painter', title: 'Your claim · Lindhaven', startedAt: ago(340), receipts: 2 },
  { cid: '7f3c0a52d91e4b6c', consumer: { name: 'Ben Okafor', present: false }, parties: [{ party: 'p2', role: 'agent', name: 'Noa Lindqvist', state: 'joined', user: 'agent2' }, { party: 'p3', role: 'supervisor', name: 'Kim Aster', state: 'refused' }], sharing: 'off', fidelity: 'painter', title: 'Payment · Lindhaven', startedAt: ago(5400), endedAt: ago(4700), reason: 'consumer_ended', text: 'The customer ended sharing.', receipts: 3, call: 'sample-good' },
  { cid: '482b77e0c1', consumer: { name: '', present: false }, parties: [], sharing: 'off', fidelity: 'painter', title: '', startedAt: ago(86000), endedAt: ago(85900), reason: 'consumer_lost', text: 'The customer’s connection was gone for too long.', receipts: 0 },
];

function sampleDetail(session) {
  const start = Date.parse(session.startedAt);
  const at = (ms) => new Date(start + ms).toISOString();
  const entry = (ms, from, to, what, level = 'info', detail = {}) => ({ at: at(ms), ms, from, to, what, level, detail });
  return {
    receipts: session.receipts === 0 ? [] : [
      { at: at(1800), masked: [{ label: 'Password', rule: 'input[type=password]', count: 1 }, { label: 'Card number', rule: 'autocomplete=cc-number', count: 1 }] },
      { at: at(95_000), masked: [{ label: 'IBAN', rule: '[data-parley-mask]', count: 2 }], unmaskable: 1 },
      { at: at(200_000), masked: [] },
    ],
    timeline: [
      entry(0, 'consumer', 'server', 'session opened'), entry(900, 'agent', 'server', 'joins', 'info', { name: 'Robin Vale' }), entry(950, 'server', 'consumer', 'consent asked: view'),
      entry(6200, 'consumer', 'server', 'consent granted: view'), entry(6400, 'consumer', 'server', 'sharing on'), entry(41_000, 'agent', 'server', 'asks for control'),
      entry(44_000, 'consumer', 'server', 'consent refused: control', 'warn'), entry(95_000, 'consumer', 'server', 'sensitive page', 'warn', { path: '/payment' }), entry(180_000, 'consumer', 'server', 'sharing on'),
    ],
  };
}
