// Cases run in lanes side by side, since most of a case is waiting. Each lane is a process in a network namespace of its
// own: a link that one lane cuts or makes is no change of network for the others' browsers, and ports are never taken.
import { spawn } from 'node:child_process';
import fs from 'node:fs';

/**
 * The case files of a folder, in `count` lanes: `fixed` names the long ones, so that the lanes end together; others join
 * the lane that has the fewest.
 */
export function lanesOf(folder, fixed, except = []) {
  const names = fs.readdirSync(folder).filter((f) => f.endsWith('.mjs')).map((f) => f.slice(0, -4)).sort();
  const lanes = fixed.map((lane) => lane.filter((name) => names.includes(name)));
  for (const name of names) {
    if (except.includes(name) || lanes.flat().includes(name)) continue;
    lanes.reduce((least, lane) => (lane.length < least.length ? lane : least)).push(name);
  }
  return lanes;
}

/** Runs this script again as `--lane name` in a namespace of its own and passes its report on; its counts. */
export function runLane(name) {
  const setUp = 'ip link set lo up && ip link add eth0 type veth peer name far && ip address add 10.93.0.2/24 dev eth0 && ' +
    'ip link set far up && ip link set eth0 up && ip route add default via 10.93.0.1';
  const child = spawn('unshare', ['--net', 'sh', '-c', `${setUp} && exec "$@"`, 'lane', process.execPath, process.argv[1],
    ...process.argv.slice(2), '--lane', name], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = '', rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) if (/^\d+ passed, \d+ failed$/.test(line)) last = line; else console.log(line);
  });
  return new Promise((done) => child.on('close', (code) => {
    const [, ok, bad] = /^(\d+) passed, (\d+) failed$/.exec(last) ?? [];
    if (ok === undefined) console.log(`FAILED lane ${name} ended with ${code} before its end`);
    done(ok === undefined ? { passed: 0, failed: 1 } : { passed: Number(ok), failed: Number(bad) });
  }));
}

/** Says the sum as the last line and ends the process. */
export function endWith(counts) {
  const sum = (key) => counts.reduce((all, each) => all + each[key], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exit(sum('failed') ? 1 : 0);
}
