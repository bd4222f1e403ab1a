// CPU of a call and of an OPTIONS under SIPp's load, ours beside sofia-sip's (answering) and Kamailio's (in the middle,
// stateful and with Record-Route) in the same run: node bench/sip/load.mjs [CALLS]
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const calls = Number(process.argv[2] ?? 3000), rate = 300;
const built = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../../build/bench/bench/sip');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-bench-'));
const [OURS, LAST] = [5090, 5092];
const has = (program) => { try { execFileSync('which', [program]); return true; } catch { return fs.existsSync(program); } };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const kamailio = `#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=1
listen=udp:127.0.0.1:${OURS}
listen=tcp:127.0.0.1:${OURS}
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
request_route {
  if (!mf_process_maxfwd_header("20")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("OPTIONS")) { t_newtran(); t_reply("200", "OK"); exit; }
  # SIPp's caller leaves the routes out.
  if (has_totag() && loose_route()) { t_relay(); exit; }
  if (!has_totag()) record_route();
  $du = "sip:127.0.0.1:${LAST};transport=" + $proto;
  t_relay();
}
`;
fs.writeFileSync(path.join(folder, 'kamailio.cfg'), kamailio);
const options = `<?xml version="1.0"?><scenario name="options"><send retrans="500"><![CDATA[
OPTIONS sip:bench@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:a@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:bench@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 OPTIONS
Max-Forwards: 70
Content-Length: 0

]]></send><recv response="200"/></scenario>`;
fs.writeFileSync(path.join(folder, 'options.xml'), options);

/** CPU in µs of the processes of one session, all threads. */
function cpu(session) {
  let sum = 0;
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[3]) !== session) continue;
      for (const task of fs.readdirSync(`/proc/${pid}/task`)) sum += Number(fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e3;
    } catch { /* It has just ended. */ }
  }
  return sum;
}

const start = (command) => spawn(command[0], command.slice(1), { cwd: folder, detached: true, stdio: 'ignore', env: { ...process.env, TERM: 'dumb' } });
const sipp = (args) => start(['sipp', '-nostdin', '-i', '127.0.0.1', '-timeout', '120s', ...args]);
/** What SIPp wrote about failed calls. */
const errorsOf = (child) => fs.readdirSync(folder).filter((name) => name.includes(`_${child.pid}_errors`)).map((name) => fs.readFileSync(path.join(folder, name), 'utf8').slice(0, 1500)).join('\n');
const ends = (child) => new Promise((done) => child.on('close', done));
async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = ends(child);
  child.kill('SIGTERM');
  if (await Promise.race([ended, sleep(5000)]) === undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
}

/** Somebody listens at the port (proc(5): the local address in hexadecimal; a stream in state 0A). */
const bound = (kind, port) => [kind, `${kind}6`].some((name) => fs.readFileSync(`/proc/net/${name}`, 'utf8').split('\n')
  .some((line) => new RegExp(`^ *\\d+: \\w+:${port.toString(16).toUpperCase()} \\w+:\\w+ ${kind === 'tcp' ? '0A' : '07'} `).test(line)));
async function listens(child, transport, port) {
  const kind = transport === 't1' ? 'tcp' : 'udp';
  for (const end = Date.now() + 15000; !bound(kind, port); await sleep(20)) {
    if (child.exitCode !== null || Date.now() > end) throw new Error(`nobody listens at ${kind} port ${port}`);
  }
}

/** µs a call. The first tenth warms up. */
async function measure(command, scenario, transport, last) {
  const running = [start(command)];
  try {
    await listens(running[0], transport, OURS);
    if (last) {
      running.push(sipp(['-sn', 'uas', '-p', String(LAST), '-t', transport]));
      await listens(running[1], transport, LAST);
    }
    const load = async (count) => {
      const caller = sipp([`127.0.0.1:${OURS}`, ...scenario, '-p', '5094', '-t', transport, '-r', String(rate), '-m', String(count), '-l', '5000', '-d', '0', '-timeout_error', '-trace_err']);
      const code = await ends(caller);
      if (code !== 0) throw new Error(`sipp ended with ${code}: ${errorsOf(caller)}`);
    };
    await load(calls / 10);
    const before = cpu(running[0].pid);
    await load(calls);
    return (cpu(running[0].pid) - before) / calls;
  } finally {
    for (const child of running.reverse()) await stop(child);
  }
}

const ours = path.join(built, 'sip_calls'), sofia = path.join(built, 'sip_calls_sofia');
const proxy = ['kamailio', '-DD', '-E', '-f', path.join(folder, 'kamailio.cfg'), '-P', path.join(folder, 'pid'), '-Y', folder, '-m', '64', '-M', '8'];
const call = ['-sn', 'uac'], ask = ['-sf', path.join(folder, 'options.xml')];
const cases = [
  ['answered call (INVITE 180 200 ACK BYE 200)', 'parley', [ours, OURS], call, false],
  ['answered call (INVITE 180 200 ACK BYE 200)', 'sofia-sip', [sofia, OURS], call, false],
  ['call through the middle', 'parley (B2BUA)', [ours, OURS, LAST], call, true],
  ['call through the middle', 'kamailio (proxy)', proxy, call, true],
  ['OPTIONS', 'parley', [ours, OURS], ask, false],
  ['OPTIONS', 'sofia-sip', [sofia, OURS], ask, false],
  ['OPTIONS', 'kamailio', proxy, ask, false],
];
let failed = false;
console.log(`${calls} each, ${rate} a second; CPU µs each`);
for (const [what, who, command, scenario, last] of cases) {
  if (!has(command[0])) { console.log(`${what.padEnd(44)} ${who.padEnd(17)} not there`); continue; }
  const cells = [];
  for (const [name, transport] of [['UDP', 'u1'], ['TCP', 't1']]) {
    try { cells.push(`${name} ${(await measure(command.map(String), scenario, transport, last)).toFixed(0).padStart(5)}`); } catch (error) { failed = true; cells.push(`${name} failed: ${error.message}`); }
  }
  console.log(`${what.padEnd(44)} ${who.padEnd(17)} ${cells.join('   ')}`);
}
fs.rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
