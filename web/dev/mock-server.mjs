// A stand-in for parley-server while pages are made: serves dist and speaks docs/protocols/websocketcall.md between
// pages of one machine. There is no media broker: SDP passes straight through and media goes from page to page.
//   node dev/mock-server.mjs [port]      agents: agent1/agent1 "Robin Vale", agent2/agent2; supervisor1/supervisor1; administrator: admin/admin
// A page that is signed in as phone/phone plays every telephone: numbers ring there, `+49800…` plays an announcement first.
// A customer whose name is a number calls from a telephone. Without a broker nothing is heard after a transfer.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { makeAssist } from './mock-assist.mjs';
import { samplePerformance, sampleTrunks } from './sample-performance.mjs';
import { sampleCalls } from './sample-calls.mjs';

const kDist = fileURLToPath(new URL('../dist/', import.meta.url));
const kTypes = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
export const kPolicy =
  "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; connect-src 'self' wss:; style-src 'self' 'unsafe-inline'";
const kAgents = { supervisor1: { password: 'supervisor1', name: 'Kim Aster', roles: ['Supervisor'] }, agent1: { password: 'agent1', name: 'Robin Vale' }, agent2: { password: 'agent2', name: 'Noa Lindqvist' }, phone: { password: 'phone', name: '' } };
const kTexts = { hung_up: 'The call has ended.', no_answer: 'Nobody answered.', agent_not_signed_in: 'The agent is not signed in.', agent_away: 'The agent is away.', busy: 'The agent is busy.' };

export function startMock({ port = 0, resumeSeconds = 60, nextPageSeconds = 4, ringSeconds = 30, earlySeconds = 4, features } = {}) {
  const assist = makeAssist({ features });
  const tokens = new Map(); // token → {role, user, name, destination}
  const cookies = new Map(); // cookie → user
  const sessions = new Map(); // session id → session
  const calls = new Map();
  const history = [];
  const now = () => new Date().toISOString();

  // ---- sessions: numbered messages, resume

  class Session {
    constructor(who) {
      Object.assign(this, who, { id: randomUUID(), key: randomUUID(), next: 1, received: 0, kept: [], socket: null, state: 'away', timer: null });
      sessions.set(this.id, this);
    }
    send(message) {
      const seq = this.next++;
      this.kept.push({ seq, message });
      this.write({ ...message, seq });
    }
    write(message) {
      if (this.socket?.readyState === 1) this.socket.send(JSON.stringify({ ...message, ack: this.received }));
    }
    attach(socket, peerReceived) {
      this.socket?.close(4001, 'replaced');
      this.socket = socket;
      clearTimeout(this.timer);
      this.kept = this.kept.filter((k) => k.seq > peerReceived);
    }
    resendAll() {
      for (const { seq, message } of this.kept) this.write({ ...message, seq });
    }
    detached(code) {
      this.socket = null;
      const consumer = this.role === 'consumer';
      this.pageLeft = consumer && (code === 1001 || code === 4020);
      if (consumer && (code === 1000 || (this.pageLeft && this.calls().length === 0))) return this.destroy('consumer_left');
      for (const call of this.calls()) call.connection(this, 'lost');
      const [seconds, reason] = this.pageLeft ? [nextPageSeconds, 'left'] : [resumeSeconds, 'lost'];
      this.timer = setTimeout(() => this.destroy(`${this.role}_${reason}`), seconds * 1000);
    }
    destroy(reason) {
      clearTimeout(this.timer);
      sessions.delete(this.id);
      for (const call of this.calls()) call.end(reason, this.role);
    }
    calls() {
      return [...calls.values()].filter((c) => c.consumer === this || c.agent === this);
    }
    setState(state) {
      this.state = state;
      this.send({ type: 'availability', state });
    }
  }

  class Call {
    constructor(consumer, agent, dial) {
      Object.assign(this, { id: randomUUID().slice(0, 8), consumer, agent, dial, state: 'ringing', startedAt: now(), timeline: [], muted: {}, lost: {} });
      this.muted = { consumer: { audio: false, video: false }, agent: { audio: false, video: false } };
      this.held = { consumer: false, agent: false };
      this.media = dial.media;
      calls.set(this.id, this);
      this.timer = setTimeout(() => this.end('no_answer', 'system'), ringSeconds * 1000);
    }
    other(session) {
      return session === this.consumer ? this.agent : this.consumer;
    }
    side(session) {
      return session === this.consumer ? 'consumer' : 'agent';
    }
    /** How the other end is shown: a number is a telephone. */
    peer(session) {
      const other = this.other(session);
      const number = other.user === 'phone' ? this.dial.destination.replace(/^(tel|sip):/, '') : /^\+?[\d ]{4,}$/.test(other.name) ? other.name : undefined;
      if (number) return { name: other.user === 'phone' ? '' : (this.dial.callerName ?? ''), address: `sip:${number.replaceAll(' ', '')}@trunk.example`, kind: 'phone', number };
      return { name: other.name, address: other.user || 'consumer', kind: 'page' };
    }
    fields(session) {
      const mine = this.side(session);
      const theirs = mine === 'consumer' ? 'agent' : 'consumer';
      const { id: call, state, startedAt, answeredAt, reason, text, by, media, early, transfer } = this;
      const peer = this.peer(session);
      const up = state === 'connected';
      return {
        call, state, direction: mine === 'consumer' ? 'out' : 'in', peer, media, early: mine === 'consumer' && early === true,
        peerMuted: this.muted[theirs], peerConnection: this.lost[theirs] ? 'lost' : 'ok', peerPageLeft: (this.lost[theirs] && this.other(session).pageLeft) || undefined, startedAt, answeredAt, reason, text, by,
        held: this.held[mine], peerHeld: this.held[theirs], can: { hold: up, transfer: up && session.role === 'agent', video: up, dtmf: true },
        conference: this.conference && { name: this.conference.name, ...(this.conference.by === session ? { call: this.conference.call } : {}) },
        ...(session.role === 'agent' ? { assist: this.assist, transfer, group: this.group, autoAnswer: this.autoAnswer, transferredBy: this.transferredBy } : {}),
      };
    }
    stopNext() {
      const { next } = this;
      this.next = null;
      if (!next) return;
      next.send({ type: 'call', ...this.fields(next), state: 'ended', reason: 'cancelled', by: 'agent', text: 'The transfer was called off.' });
      next.setState('available');
    }
    failed(text) {
      this.stopNext();
      this.transfer = { ...this.transfer, state: 'failed', text };
      this.agent.send({ type: 'call', ...this.fields(this.agent) });
    }
    /** The next agent has answered. */
    moved() {
      const old = this.agent;
      old.send({ type: 'call', ...this.fields(old), state: 'ended', reason: 'transferred', by: 'agent', text: 'The call was passed on.' });
      Object.assign(this, { agent: this.next, next: null, transfer: undefined, transferredBy: old.name });
      old.setState('available');
      this.tell();
    }
    tell(request) {
      this.consumer.send({ type: 'call', ...this.fields(this.consumer), request });
      this.agent.send({ type: 'call', ...this.fields(this.agent) });
    }
    note(from, to, what, level = 'info', detail = {}) {
      const at = Date.now();
      this.timeline.push({ at: new Date(at).toISOString(), ms: at - Date.parse(this.startedAt), from, to, what, level, detail });
    }
    set(state) {
      if (this.state === 'ended' || this.state === state) return;
      this.state = state;
      this.tell();
    }
    connection(session, what) {
      this.lost[this.side(session)] = what === 'lost';
      if (this.state === 'ringing') return;
      this.state = this.lost.consumer || this.lost.agent ? 'reconnecting' : 'connected';
      this.tell();
    }
    end(reason, by, text) {
      if (this.state === 'ended') return;
      clearTimeout(this.timer);
      Object.assign(this, { state: 'ended', reason, by, text: text ?? kTexts[reason] ?? `The call ended: ${reason.replaceAll('_', ' ')}.`, endedAt: now() });
      this.note('gateway', 'gateway', 'ended', reason === 'hung_up' ? 'info' : 'warn', { reason });
      this.tell();
      calls.delete(this.id);
      history.unshift(this);
      for (const s of [this.agent, this.consumer]) if (s.role === 'agent' && s.state === 'busy' && s.calls().length === 0) s.setState('available');
    }
  }

  const agentSession = (user) => [...sessions.values()].find((s) => s.role === 'agent' && s.user === user);

  const handlers = {
    dial(session, m) {
      const refuse = (reason) => {
        const fields = { call: randomUUID().slice(0, 8), state: 'ended', direction: 'out', peer: { name: '', address: m.destination }, startedAt: now(), reason, text: kTexts[reason] ?? reason, by: 'system' };
        session.send({ type: 'call', ...fields, media: m.media, request: m.request });
      };
      let user = (m.destination || session.destination || 'agent1').replace(/^(sip|tel):/, '').replace(/@.*/, '');
      const group = user === 'claims' || user === 'auto' ? user : null;
      if (group) user = 'agent1';
      if (/^1[12]\d$/.test(user)) return refuse('number_refused');
      if (/^\+?\d{3,}$/.test(user)) user = 'phone';
      if (!(user in kAgents)) return refuse('destination_unknown');
      const agent = agentSession(user);
      if (!agent) return refuse(user === 'phone' ? 'phone_unreachable' : 'agent_not_signed_in');
      if (agent.state === 'away') return refuse('agent_away');
      if (agent.state === 'busy') return refuse('busy');
      if (session.role === 'consumer') session.name = m.name || session.name;
      const call = new Call(session, agent, m);
      if (group === 'claims') call.group = 'Claims';
      call.autoAnswer = group === 'auto';
      call.announces = user === 'phone' && m.destination.includes('+49800');
      call.note('consumer', 'gateway', 'dial', 'info', { destination: m.destination });
      call.note('gateway', 'agent', 'incoming');
      session.send({ type: 'call', ...call.fields(session), request: m.request });
      agent.send({ type: 'incoming', ...call.fields(agent), sdp: m.sdp });
      agent.setState('busy');
      if (session.role === 'agent' && session.state !== 'busy') session.setState('busy');
    },
    answer(session, m, call) {
      if (call.transfer && session === call.next) return call.moved();
      call.note('agent', 'gateway', 'answer');
      call.note('gateway', 'consumer', 'sdp answer');
      const other = call.other(session);
      if (call.announces) {
        // The announcement is heard while it rings; a person comes later.
        call.announces = false;
        call.early = true;
        other.send({ type: 'sdp', call: call.id, kind: 'answer', sdp: m.sdp });
        call.tell();
        clearTimeout(call.timer);
        setTimeout(() => {
          call.early = false;
          call.answeredAt = now();
          call.set('connected');
        }, earlySeconds * 1000);
      } else if (call.state === 'ringing') {
        clearTimeout(call.timer);
        call.answeredAt = now();
        call.set('connecting');
        other.send({ type: 'sdp', call: call.id, kind: 'answer', sdp: m.sdp });
        setTimeout(() => call.set('connected'), 100);
      } else if (call.restart) {
        other.send({ type: 'sdp', call: call.id, kind: 'answer', sdp: m.sdp, request: call.restart });
        call.restart = null;
      }
    },
    reject: (session, m, call) => (session === call.next ? call.failed('Your colleague refused the call.') : call.end(m.reason === 'busy' ? 'busy' : 'rejected', 'agent')),
    end: (session, _m, call) => call.end(call.state === 'ringing' && session === call.consumer ? 'cancelled' : 'hung_up', call.side(session)),
    mute(session, m, call) {
      call.muted[call.side(session)] = { audio: m.audio, video: m.video };
      call.other(session).send({ type: 'call', ...call.fields(call.other(session)) });
    },
    restart(session, m, call) {
      call.note(session.role, 'gateway', 'restart', 'warn');
      if (call.restart) return session.send({ type: 'error', reason: 'restart.collision', text: 'Both sides restart.', request: m.request, call: call.id });
      call.restart = m.request;
      setTimeout(() => (call.restart = null), 5000);
      call.other(session).send({ type: 'sdp', call: call.id, kind: 'offer', sdp: m.sdp });
    },
    hold(session, m, call) {
      call.held[call.side(session)] = m.held;
      if (m.held) call.conference = undefined;
      const other = call.other(session);
      session.send({ type: 'call', ...call.fields(session), request: m.request });
      other.send({ type: 'call', ...call.fields(other) });
    },
    offer(session, m, call) {
      if (call.restart) return session.send({ type: 'error', reason: 'call.glare', text: 'Both sides change the call.', request: m.request, call: call.id });
      if (call.other(session).user === 'phone' && m.media.video) {
        return session.send({ type: 'error', reason: 'media.refused', text: 'The telephone cannot show a picture.', request: m.request, call: call.id });
      }
      call.restart = m.request;
      call.media = m.media;
      call.other(session).send({ type: 'sdp', call: call.id, kind: 'offer', sdp: m.sdp, media: m.media });
      call.tell();
    },
    transfer(session, m, call) {
      const answer = (fields) => session.send({ type: 'call', ...call.fields(session), ...fields, request: m.request });
      if (m.to) {
        answer({ transfer: { state: 'done', to: '' } });
        for (const one of [call, calls.get(m.to)]) one?.end('transferred', 'agent', 'The call was passed on.');
        return;
      }
      const user = m.destination.replace(/^sip:/, '').replace(/@.*/, '');
      const next = user in kAgents ? agentSession(user) : agentSession('phone');
      call.transfer = { state: 'trying', to: kAgents[user]?.name || m.destination };
      answer({});
      if (!next || next.state !== 'available') return call.failed(next ? 'Your colleague is in another call.' : 'Your colleague is not signed in.');
      call.next = next;
      call.transfer = { ...call.transfer, state: 'ringing' };
      session.send({ type: 'call', ...call.fields(session) });
      next.send({ type: 'incoming', ...call.fields(session), state: 'ringing', held: false, transfer: undefined, transferredBy: session.name, sdp: call.dial.sdp });
      next.setState('busy');
    },
    cancelTransfer(session, _m, call) {
      call.stopNext();
      call.transfer = undefined;
      session.send({ type: 'call', ...call.fields(session) });
    },
    conference(session, m, call) {
      const other = calls.get(m.to);
      call.conference = other ? { by: session, call: m.to, name: other.peer(session).name || other.peer(session).number || 'a customer' } : undefined;
      session.send({ type: 'call', ...call.fields(session), request: m.request });
      call.other(session).send({ type: 'call', ...call.fields(call.other(session)) });
    },
    dtmf: (session, m, call) => call.other(session).send({ type: 'dtmf', call: call.id, digits: m.digits }),
    assist(session, m, call) {
      call.assist = { cid: m.cid };
      call.tell();
    },
    availability: (session, m) => session.setState(m.state),
    stats: (session, m, call) => call.note(session.role, 'gateway', 'stats', 'info', m.report),
    bye: (session) => session.destroy(`${session.role}_left`),
  };

  function hello(socket, m) {
    const who = tokens.get(m.token);
    if (!who) {
      socket.send(JSON.stringify({ type: 'error', fatal: true, reason: 'token.invalid', text: 'The token is not valid.' }));
      return socket.close(4003);
    }
    let session = m.resume && sessions.get(m.resume.session);
    const resumed = Boolean(session && session.key === m.resume.key);
    if (!resumed) {
      const old = who.role === 'agent' ? agentSession(who.user) : null;
      session = new Session(who);
      if (old) {
        old.send({ type: 'session', what: 'replaced', text: 'Signed in elsewhere.' });
        for (const call of old.calls()) call.agent = session;
        session.state = old.state;
        const oldSocket = old.socket;
        old.socket = null;
        sessions.delete(old.id);
        clearTimeout(old.timer);
        setTimeout(() => oldSocket?.close(4001, 'replaced'), 50);
      }
    }
    session.attach(socket, resumed ? m.resume.ack : 0);
    const { id, key, role, user, name } = session;
    const list = session.calls().map((c) => ({ ...c.fields(session), ...(c.state === 'ringing' && role === 'agent' ? { sdp: c.dial.sdp } : {}) }));
    socket.send(JSON.stringify({ type: 'welcome', version: 1, session: id, key, resumed, role, user, name, ack: session.received, limits: { resumeSeconds, maxMessage: 131072 }, media: { maxVideoBitrate: 2500000, gatherMs: 1500 }, calls: list }));
    session.resendAll();
    if (role === 'agent') session.send({ type: 'availability', state: session.state });
    for (const call of session.calls()) call.connection(session, 'ok');
    return session;
  }

  const wss = new WebSocketServer({ noServer: true });
  let refuseUntil = 0;
  wss.on('connection', (socket) => {
    let session = null;
    socket.on('message', (data) => {
      const m = JSON.parse(String(data));
      if (!session) return void (session = hello(socket, m) ?? null);
      if (typeof m.ack === 'number') session.kept = session.kept.filter((k) => k.seq > m.ack);
      if (typeof m.seq !== 'number' || m.seq <= session.received) return;
      session.received = m.seq;
      setTimeout(() => session.write({ type: 'ack' }), 50);
      const call = m.call ? calls.get(m.call) : undefined;
      if (m.call && !call) return m.type !== 'end' && m.type !== 'stats' && session.send({ type: 'error', reason: 'call.unknown', text: 'There is no such call.', request: m.request, call: m.call });
      handlers[m.type]?.(session, m, call);
    });
    socket.on('close', (code) => {
      if (session?.socket === socket) session.detached(code);
    });
  });

  // ---- HTTP

  const rolesOf = (user) => kAgents[user]?.roles ?? [user === 'admin' ? 'Administrator' : 'Agent'];
  const login = (name) => (req, body, res) => {
    const ok = name === 'admin' ? body.user === 'admin' && body.password === 'admin' : kAgents[body.user]?.password === body.password;
    if (ok && name === 'supervisor' && !rolesOf(body.user).includes('Supervisor')) return [403, { error: { reason: 'role.missing', text: 'This user is no supervisor.' } }];
    if (!ok) return [401, { error: { reason: 'login.failed', text: 'User or password is wrong.' } }];
    const cookie = randomUUID();
    cookies.set(cookie, body.user);
    res.setHeader('Set-Cookie', `parley_${name === 'admin' ? 'admin' : 'session'}=${cookie}; HttpOnly; SameSite=Strict; Path=/`);
    return [200, { user: body.user, name: kAgents[body.user]?.name ?? 'Administrator', roles: rolesOf(body.user) }];
  };
  const signedIn = (req, kind) => cookies.get(new RegExp(`parley_${kind}=([^;]+)`).exec(req.headers.cookie ?? '')?.[1]);
  const required = [401, { error: { reason: 'login.required', text: 'Please sign in.' } }];
  const token = (who) => {
    const value = randomUUID();
    tokens.set(value, who);
    return value;
  };
  const kAdmin = '/web_plugin_framework/webcontroller/api';
  const summary = (c) => ({ ...c.fields(c.consumer), endedAt: c.endedAt, consumer: { name: c.consumer.name, address: c.consumer.user || 'consumer' }, agent: { name: c.agent.name, address: c.agent.user } });
  const routes = {
    'POST /assistserver/session': (_req, body) => {
      const cid = body.cid ?? randomUUID();
      const reply = { token: token({ role: 'consumer', user: '', name: body.name ?? '', destination: body.destination }), expiresIn: 300, webSocket: '/gateway/websocketcall' };
      return [201, { ...reply, assist: { token: assist.token({ role: 'consumer', name: body.name ?? '', cid }), cid, webSocket: '/assistserver/topic' } }];
    },
    'POST /expertassist/supervisor/login': login('supervisor'),
    'POST /expertassist/supervisor/logout': (req) => (cookies.delete(/parley_session=([^;]+)/.exec(req.headers.cookie ?? '')?.[1]), [204, null]),
    'GET /expertassist/supervisor/me': (req) => {
      const user = signedIn(req, 'session');
      return !user ? required : rolesOf(user).includes('Supervisor') ? [200, { user, name: kAgents[user].name, roles: rolesOf(user) }] : [403, { error: { reason: 'role.missing', text: 'This user is no supervisor.' } }];
    },
    'GET /expertassist/supervisor/token': (req) => {
      const user = signedIn(req, 'session');
      return user ? [200, { token: assist.token({ role: 'supervisor', user, name: kAgents[user].name }), user, name: kAgents[user].name }] : required;
    },
    'POST /expertassist/agent/login': login('agent'),
    'POST /expertassist/agent/logout': (req) => (cookies.delete(/parley_session=([^;]+)/.exec(req.headers.cookie ?? '')?.[1]), [204, null]),
    'GET /expertassist/agent/token': (req) => {
      const user = signedIn(req, 'session');
      if (!user) return required;
      const who = { role: 'agent', user, name: kAgents[user].name };
      const made = new URL(req.url, 'http://x').searchParams.get('for') === 'assist' ? assist.token(who) : token(who);
      return [200, { token: made, user, name: who.name, roles: rolesOf(user), expiresIn: 60 }];
    },
    'GET /expertassist/agent/history': (req) => {
      const user = signedIn(req, 'session');
      if (!user) return required;
      const mine = history.filter((c) => c.agent.user === user || c.consumer.user === user).slice(0, 100);
      const row = (c) => {
        const out = c.consumer.user === user;
        return { call: c.id, peer: c.peer(out ? c.consumer : c.agent), startedAt: c.startedAt, answeredAt: c.answeredAt, endedAt: c.endedAt, reason: c.reason, text: c.text, by: c.by, direction: out ? 'out' : 'in' };
      };
      return [200, { calls: mine.map(row) }];
    },
    [`POST ${kAdmin}/login`]: login('admin'),
    [`POST ${kAdmin}/logout`]: (req) => (cookies.delete(/parley_admin=([^;]+)/.exec(req.headers.cookie ?? '')?.[1]), [204, null]),
    [`GET ${kAdmin}/me`]: (req) => (signedIn(req, 'admin') ? [200, { user: 'admin', name: 'Administrator', roles: ['Administrator'], version: '0.1.0' }] : required),
    [`GET ${kAdmin}/calls`]: (req) => {
      if (!signedIn(req, 'admin')) return required;
      const samples = sampleCalls.map((c) => c.summary);
      return [200, { current: [...[...calls.values()].map(summary), ...samples.filter((c) => c.state !== 'ended')], recent: [...history.map(summary), ...samples.filter((c) => c.state === 'ended')] }];
    },
  };

  const people = Object.entries(kAgents).filter(([, { name }]) => name).map(([user, { name, roles = ['Agent'] }]) => ({ user, name, number: '', roles, disabled: false }));
  people.push({ user: 'admin', name: 'Administrator', number: '', roles: ['Administrator'], disabled: false });
  routes[`GET ${kAdmin}/users`] = (req) => (signedIn(req, 'admin') ? [200, { users: people }] : required);
  const changeUser = (req, body, name) => {
    if (!signedIn(req, 'admin')) return required;
    if (name === 'admin' && body.disabled) return [409, { error: { reason: 'identity.last_administrator', text: 'Nobody would be left who may administer.' } }];
    const { password: _, ...change } = body;
    const known = people.find(({ user }) => user === name);
    if (known) return [200, Object.assign(known, change)];
    people.push({ user: name, disabled: false, ...change });
    return [201, people.at(-1)];
  };

  const sample = { trunks: sampleTrunks, performance: samplePerformance };
  for (const [name, make] of Object.entries(sample)) {
    routes[`GET ${kAdmin}/${name}`] = (req) => (signedIn(req, 'admin') ? [200, make(new URL(req.url, 'http://x').searchParams)] : required);
  }

  const server = createServer(async (req, res) => {
    const path = decodeURIComponent(new URL(req.url, 'http://x').pathname);
    res.setHeader('Content-Security-Policy', kPolicy);
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const user = signedIn(req, 'session');
    const assisted = assist.route(req.method, path, { query: new URL(req.url, 'http://x').searchParams, bytes, user, roles: user ? rolesOf(user) : [], admin: signedIn(req, 'admin') });
    if (typeof assisted === 'function') return assisted(res);
    const body = String(bytes);
    const json = (status, value) => {
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(value === null ? undefined : JSON.stringify(value));
    };
    if (assisted) return json(...assisted);
    // For tests: break the connections of a role, and refuse new ones for a while.
    if (path === '/mock/break') {
      const { role, milliseconds = 0 } = JSON.parse(body);
      refuseUntil = Date.now() + milliseconds;
      for (const s of sessions.values()) if (s.role === role) s.socket?.terminate();
      return json(200, {});
    }
    const route = routes[`${req.method} ${path}`];
    if (route) return json(...route(req, body ? JSON.parse(body) : {}, res));
    if (req.method === 'PUT' && path.startsWith(`${kAdmin}/users/`)) return json(...changeUser(req, JSON.parse(body), path.split('/').pop()));
    if (path.startsWith(`${kAdmin}/calls/`)) {
      if (!signedIn(req, 'admin')) return json(...required);
      const id = path.split('/').pop();
      const sample = sampleCalls.find((c) => c.summary.call === id);
      const call = calls.get(id) ?? history.find((c) => c.id === id);
      if (sample) return json(200, { ...sample.summary, video: sample.summary.media?.video, ...sample.detail });
      if (call) return json(200, { ...summary(call), legs: [{ id: 'consumer' }, { id: 'agent' }], timeline: call.timeline, media: null });
      return json(404, { error: { reason: 'call.unknown', text: 'There is no such call.' } });
    }
    try {
      let file = normalize(join(kDist, path));
      if (!file.startsWith(normalize(kDist))) throw new Error('outside');
      if (!extname(file)) file = join(file, 'index.html');
      const data = await readFile(file);
      res.writeHead(200, { 'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream' });
      res.end(data);
    } catch {
      json(404, { error: { reason: 'not_found', text: 'There is nothing here.' } });
    }
  });
  server.on('upgrade', (req, socket, head) => {
    const { pathname } = new URL(req.url, 'http://x');
    if (Date.now() < refuseUntil || !['/gateway/websocketcall', '/assistserver/topic'].includes(pathname)) return socket.destroy();
    if (pathname === '/assistserver/topic') return assist.wss.handleUpgrade(req, socket, head, (ws) => assist.wss.emit('connection', ws));
    wss.handleUpgrade(req, socket, head, (ws) => wss.emit('connection', ws));
  });
  return new Promise((resolve) => {
    server.listen(port, 'localhost', () => {
      /** The page of the one running call says that it can be looked at. */
      const announce = (cid) => {
        for (const call of calls.values()) {
          call.assist = { cid };
          call.tell();
        }
      };
      const close = () => {
        for (const s of sessions.values()) clearTimeout(s.timer);
        for (const c of calls.values()) clearTimeout(c.timer);
        for (const client of [...wss.clients, ...assist.wss.clients]) client.terminate();
        server.closeAllConnections?.();
        server.close();
      };
      resolve({ origin: `http://localhost:${server.address().port}`, close, assist, announce });
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { origin } = await startMock({ port: Number(process.argv[2] ?? 8099) });
  console.log(`${origin}/assistsample\n${origin}/expertassist/agent\n${origin}/expertassist/supervisor\n${origin}/web_plugin_framework/webcontroller\n${origin}/csdk-sample`);
}
