// The server's cost of shared sessions: node bench/assist.mjs [SESSIONS] [SECONDS]
// Each session: a page that sends pictures at the rate of the scripted session (a whole one of 60 kB every 30 s, four changes of 3.4 kB a
// second, 125 kbit/s) and two viewers that acknowledge each. Beside it, in the same run, the same pictures through a plain relay: Node's
// https and ws, which knows no consent, no log and no flow control. CPU from /proc, memory as PSS; the load comes from this process.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { agentTopicToken, consumerTopic, picture, Topic } from '../tests/browser/lib/topic.mjs';
import { freePort, Stack } from '../tests/browser/lib/stack.mjs';

const WebSocket = createRequire(new URL('../tests/browser/lib/topic.mjs', import.meta.url))('ws');
const sessions = Number(process.argv[2] ?? 200), seconds = Number(process.argv[3] ?? 20);
const kViewers = 2, kWhole = 60_000, kChange = 3_400, kPerSecond = 4, kWholeEvery = 30 * kPerSecond;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const cpu = (pid) => { const f = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) * 10; };
const memory = (pid) => Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) / 1024;

/** Every session sends at its own moment of the quarter second. */
async function drive(name, pid, send, received) {
  const before = cpu(pid), got = received(), began = process.hrtime.bigint(), own = process.cpuUsage();
  let sent = 0;
  const rounds = seconds * kPerSecond, step = 1000 / kPerSecond;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < sessions; i++) {
      const late = Number(process.hrtime.bigint() - began) / 1e6 - (round + i / sessions) * step;
      if (late < -2) await sleep(-late);
      send(i, round + 2, (round + i) % kWholeEvery === 0);
      sent++;
      if (i % 20 === 0) await new Promise(setImmediate);
    }
  }
  for (let i = 0; i < 100 && received() - got < sent * kViewers; i++) await sleep(50);
  const wall = Number(process.hrtime.bigint() - began) / 1e6, used = cpu(pid) - before, mine = process.cpuUsage(own);
  const arrived = received() - got;
  console.log(`${name.padEnd(8)} ${sent} pictures in, ${arrived} out (${(100 * arrived / (sent * kViewers)).toFixed(1)} %), ${(sent / wall * 1000).toFixed(0)} in/s`);
  console.log(`${''.padEnd(8)} CPU ${(100 * used / wall).toFixed(1)} % of a core, ${(1000 * used / sent).toFixed(0)} us a picture and its ${kViewers} viewers; memory ${memory(pid).toFixed(0)} MB` +
    ` (load generator ${((mine.user + mine.system) / 10 / wall).toFixed(0)} %)`);
}

async function ours() {
  const stack = await Stack.start({ 'gateway.tokens_per_minute': 1000000 }, { media: false });
  try {
    const empty = memory(stack.server.pid);
    const pages = [], viewers = [];
    let tokens;
    for (let i = 0; i < sessions; i++) {
      if (i % 20 === 0) tokens = [await agentTopicToken(stack, 'agent1'), await agentTopicToken(stack, 'agent2')];
      const from = `127.0.0.${1 + (i % 50)}`;  // One address may have 512 connections.
      const made = await consumerTopic(stack, { cobrowseOnly: true });
      const page = await Topic.open(stack, made.assist.token, { from });
      for (const token of tokens) {
        viewers.push(await Topic.open(stack, token, { cid: made.assist.cid, from }));
        await page.consents();
      }
      page.send('share', { state: 'on' });
      await viewers.at(-1).sharing('on');
      page.picture(1, { whole: true, bytes: kWhole });
      pages.push(page);
    }
    const received = () => viewers.reduce((sum, v) => sum + v.count, 0);
    for (const v of viewers) { v.count = v.pictures.length; v.gotPicture = (data) => { v.count++; v.raw({ type: 'seen', frame: data.readUInt32BE(4) }); }; }
    console.log(`ours     ${sessions} sessions, ${viewers.length} viewers; empty ${empty.toFixed(0)} MB, connected ${memory(stack.server.pid).toFixed(0)} MB`);
    await drive('ours', stack.server.pid, (i, frame, whole) => pages[i].picture(frame, { whole, bytes: whole ? kWhole : kChange }), received);
    return { pem: fs.readFileSync(path.join(stack.state, 'server.pem'), 'utf8'), key: fs.readFileSync(path.join(stack.state, 'server.key'), 'utf8') };
  } finally { await stack.stop(); }
}

const kRelay = `
const https = require('node:https'), { WebSocketServer } = require(process.env.WS);
const server = https.createServer({ cert: process.env.PEM, key: process.env.KEY });
const rooms = new Map();
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, request) => {
  const [, room, role] = request.url.split('/');
  if (!rooms.has(room)) rooms.set(room, new Set());
  if (role === 'viewer') rooms.get(room).add(socket);
  socket.on('message', (data, binary) => { if (binary) for (const viewer of rooms.get(room)) viewer.send(data); });
});
server.listen(Number(process.env.PORT), () => console.log('ready'));`;

async function relay({ pem, key }) {
  const port = await freePort();
  const ws = path.resolve(import.meta.dirname, '../tests/browser/node_modules/ws');
  const child = spawn(process.execPath, ['-e', kRelay], { env: { ...process.env, WS: ws, PEM: pem, KEY: key, PORT: String(port) }, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise((done) => child.stdout.once('data', done));
    const empty = memory(child.pid);
    let got = 0;
    const open = (url) => new Promise((done, failed) => {
      const socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate: false });
      socket.on('open', () => done(socket));
      socket.on('error', failed);
    });
    const pages = [];
    for (let i = 0; i < sessions; i++) {
      for (let v = 0; v < kViewers; v++) {
        const viewer = await open(`wss://localhost:${port}/${i}/viewer`);
        viewer.on('message', (data) => { got++; viewer.send(JSON.stringify({ type: 'seen', frame: data.readUInt32BE(4) })); });
      }
      pages.push(await open(`wss://localhost:${port}/${i}/page`));
    }
    console.log(`relay    ${sessions} sessions; empty ${empty.toFixed(0)} MB, connected ${memory(child.pid).toFixed(0)} MB`);
    await drive('relay', child.pid, (i, frame, whole) => pages[i].send(picture(frame, { whole, bytes: whole ? kWhole : kChange })), () => got);
    for (const page of pages) page.terminate();
  } finally { child.kill(); }
}

await relay(await ours());
process.exit(0);
