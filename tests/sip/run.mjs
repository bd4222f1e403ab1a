// Calls with other people's SIP software: node run.mjs [--only TEXT] [--keep] [--keep-shots DIR]. Last line: "N passed, N failed; N passed on a second try".
// As root: each case has its own network namespaces (lib/lan.mjs); without --only in two lanes side by side.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { open } from '../browser/lib/browsers.mjs';
import { casesOf, endWith, given, runLane } from '../browser/lib/lanes.mjs';
import { Stack } from '../browser/lib/stack.mjs';
import { Capture } from './lib/capture.mjs';
import { Lan } from './lib/lan.mjs';

const flag = (name) => { const at = process.argv.indexOf(name); return at < 0 ? null : process.argv[at + 1]; };
const here = path.dirname(new URL(import.meta.url).pathname);
const shotsDirectory = flag('--keep-shots') ?? process.env.PARLEY_SHOTS ?? path.join(here, 'out');
const only = flag('--only');
const lane = flag('--lane');
const all = await casesOf(path.join(here, 'cases'), ['transfers', 'conference', 'trunk', 'incoming']);
const wanted = all.filter(({ test }) => !only || test.name.includes(only));

if (process.getuid() !== 0) {
  console.log('these tests make network namespaces: run them as root');
  console.log('0 passed, 1 failed');
  process.exit(1);
}

if (lane === null && !only) endWith(await Promise.all([runLane('one', all), runLane('two', all)]));

/** Everything a case starts, ended in reverse order. */
class Case {
  constructor(scratch) { Object.assign(this, { scratch, lan: new Lan(), started: [], pages: [] }); }
  owns(thing) { this.started.push(thing); return thing; }
  async start(Kind, ...args) { return this.owns(await Kind.start(this.scratch, ...args)); }
  peer() { return this.lan.peer(); }
  async parley(settings, options) { this.stack = this.owns(await Stack.start(settings, options)); return this.stack; }
  async capture(filter) { this.wire = this.owns(await Capture.start(this.scratch, this.lan, filter)); return this.wire; }
  async browser(kind, person, options = {}) {
    const page = await open(kind, person, this.scratch, options);
    this.pages.push(page);
    return page;
  }
  /** A picture of a page, for people. */
  shots(page, name, whole = false) { return page.screenshot(path.join(shotsDirectory, `${name}.png`), whole); }
  logs() {
    const out = [this.stack?.logs() ?? ''];
    for (const entry of fs.readdirSync(this.scratch, { recursive: true })) {
      const file = path.join(this.scratch, String(entry));
      if (file.endsWith('.log') && !file.includes('_screen')) out.push(`--- ${entry}\n${fs.readFileSync(file, 'utf8').split('\n').slice(-25).join('\n').slice(-4000)}`);
    }
    for (const page of this.pages) out.push(`--- ${page.name}\n${page.console.slice(-25).join('\n')}\n${page.errors.join('\n')}`);
    return out.join('\n');
  }
  async end() {
    let problem;
    await Promise.all(this.pages.map((page) => page.close().catch(() => {})));
    for (const thing of this.started.reverse()) try { await thing.stop(); } catch (error) { problem ??= error; }
    this.lan.remove();
    if (problem) throw problem;
  }
}

let passed = 0, failed = 0, second = 0;
for await (const { test: taken } of lane === null ? wanted : given(all)) {
  const rest = [{ test: taken, again: false }];
  while (rest.length > 0) {
    const { test, again } = rest.shift();
    const began = Date.now(), scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-sip-'));
    const t = new Case(scratch);
    let problem, logs = '', timer;
    try {
      await Promise.race([test.run(t), new Promise((_, late) => { timer = setTimeout(() => late(new Error('the case took over 3 minutes')), test.limit ?? 180000); })]);
    } catch (error) {
      problem = error;
      logs = t.logs();
    }
    clearTimeout(timer);
    try { await t.end(); } catch (error) { problem ??= error; }
    if (process.argv.includes('--keep')) console.log(`       kept: ${scratch}`);
    else fs.rmSync(scratch, { recursive: true, force: true });
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    if (!problem) {
      passed++;
      if (again) second++;
      console.log(`ok     ${test.name} (${seconds} s)`);
      continue;
    }
    // A dozen programs on a busy machine: one more try, said aloud. What fails twice has failed.
    if (again) failed++;
    else rest.unshift({ test, again: true });
    console.log(`${again ? 'FAILED' : 'once more:'} ${test.name} (${seconds} s)\n  ${problem.stack ?? problem}\n${logs}`);
  }
}
endWith([{ passed, failed, again: second }]);
