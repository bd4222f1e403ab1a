// Cases run in lanes side by side, since most of a case is waiting. Each lane is a process in a network namespace of its
// own: a link that one lane cuts or makes is no change of network for the others' browsers, and ports are never taken.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** The last line of a run: passed, failed, passed on a second try. */
const kCounts = /^(\d+) passed, (\d+) failed; (\d+) passed on a second try$/;

/** The cases of a folder, {file, index, test}, in the order in which lanes take them: `first` names the long files. */
export async function casesOf(folder, first) {
  const names = fs.readdirSync(folder).filter((f) => f.endsWith('.mjs')).map((f) => f.slice(0, -4)).sort();
  const order = [...first.filter((name) => names.includes(name)), ...names.filter((name) => !first.includes(name))];
  const files = await Promise.all(order.map(async (file) => ({ file, cases: (await import(path.join(folder, `${file}.mjs`))).cases })));
  return files.flatMap(({ file, cases }) => cases.map((test, index) => ({ file, index, test })));
}

/** In a lane: the cases that it is given, one after the other, until there are no more. */
export async function* given(all) {
  for (;;) {
    const next = await new Promise((got) => { process.once('message', got); process.send('next'); });
    if (next === 'none') return;
    yield all.find((each) => each.file === next.file && each.index === next.index);
  }
}

/**
 * Runs this script again as `--lane name` in a namespace of its own and passes its report on; its counts. Lanes that share
 * a `queue` of cases end together: each takes the next one when it is done with one.
 */
export function runLane(name, queue) {
  // `addrgenmode none`: an IPv6 address that the kernel makes comes a second later, a change of network to browsers.
  const setUp = 'ip link set lo up && ip link add eth0 type veth peer name far && ip address add 10.93.0.2/24 dev eth0 && ' +
    'ip link set eth0 addrgenmode none && ip link set far addrgenmode none && ip link set far up && ip link set eth0 up && ip route add default via 10.93.0.1';
  const child = spawn('unshare', ['--net', 'sh', '-c', `${setUp} && exec "$@"`, 'lane', process.execPath, process.argv[1],
    ...process.argv.slice(2), '--lane', name], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  child.on('message', () => { const next = queue.shift(); child.send(next ? { file: next.file, index: next.index } : 'none'); });
  let last = '', rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) if (kCounts.test(line)) last = line; else console.log(line);
  });
  return new Promise((done) => child.on('close', (code) => {
    const [, ok, bad, twice] = kCounts.exec(last) ?? [];
    if (ok === undefined) console.log(`FAILED lane ${name} ended with ${code} before its end`);
    done(ok === undefined ? { passed: 0, failed: 1, again: 0 } : { passed: Number(ok), failed: Number(bad), again: Number(twice) });
  }));
}

/** Says the sum as the last line and ends the process. `again`: how many of the passed ones failed first. */
export function endWith(counts) {
  const sum = (key) => counts.reduce((all, each) => all + each[key], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed; ${sum('again')} passed on a second try`);
  process.exit(sum('failed') ? 1 : 0);
}
