// Runs the cases: node run.mjs [--soak] [--only TEXT] [--keep-shots DIR]. Last line: "N passed, N failed".
//
// Without --only the cases run in lanes side by side (lib/lanes.mjs). A case with `alone` measures the machine and runs
// when the lanes are done.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { open, startPulse } from './lib/browsers.mjs';
import { endWith, lanesOf, runLane } from './lib/lanes.mjs';
import { Stack } from './lib/stack.mjs';

const flag = (name) => { const at = process.argv.indexOf(name); return at < 0 ? null : process.argv[at + 1]; };
const here = path.dirname(new URL(import.meta.url).pathname);
const shotsDirectory = flag('--keep-shots') ?? process.env.PARLEY_SHOTS ?? path.join(here, 'out');
const lanes = lanesOf(path.join(here, 'cases'), [['matrix', 'behaviour'], ['network', 'wire', 'incall']], ['soak']);
const only = flag('--only');
const lane = flag('--lane');
const soak = process.argv.includes('--soak');
const files = soak ? ['soak'] : /^\d+$/.test(lane ?? '') ? lanes[Number(lane)] : lanes.flat();
const belongsHere = (test) => (lane === null ? !only || test.name.includes(only) : (lane === 'alone') === (test.alone ?? false));

if (lane === null && !soak && !only) endWith([...await Promise.all(lanes.map((_, i) => runLane(String(i)))), await runLane('alone')]);

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-browsers-'));
const pulse = await startPulse(scratch);
let passed = 0, failed = 0;

for (const file of files) {
  const { cases } = await import(`./cases/${file}.mjs`);
  const rest = cases.filter(belongsHere).map((test) => ({ test, again: false }));
  while (rest.length > 0) {
    const { test, again } = rest.shift();
    const began = Date.now();
    const pages = [], owned = [];
    let stack, problem;
    try {
      // A case about pages alone needs no programs.
      if (test.programs !== false) stack = await Stack.start(test.settings, { mediaSettings: test.mediaSettings });
      const body = test.run({
        stack, pulse: pulse.socket,
        owns: (thing) => { owned.push(thing); return thing; },
        browser: async (kind, person, options = {}) => {
          const page = await open(kind, person, scratch, { pulse: pulse.socket, ...options });
          pages.push(page);
          return page;
        },
        shots: (page, name, whole) => page.screenshot(path.join(shotsDirectory, `${name}.png`), whole).catch((e) => console.log(`no screenshot ${name}: ${e.message}`)),
      });
      let timer;
      await Promise.race([body, new Promise((_, late) => { timer = setTimeout(() => late(new Error('the case took over 4 minutes')), test.limit ?? 240000); })]).finally(() => clearTimeout(timer));
    } catch (error) {
      problem = error;
      for (const [i, page] of pages.entries()) await page.screenshot(path.join(shotsDirectory, `failed-${file}-${i}.png`)).catch(() => {});
    }
    const logs = problem ? stack?.logs() : '';
    const consoles = problem ? pages.map((p) => `--- ${p.name}\n${p.console.slice(-25).join('\n')}\n${p.errors.join('\n')}`).join('\n') : '';
    await Promise.all(pages.map((p) => p.close().catch(() => {})));
    try { await stack?.stop(); } catch (error) { problem ??= error; }
    for (const thing of owned) thing.remove();
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    if (problem) {
      // Browsers on a busy machine: one more try, said aloud. What fails twice has failed.
      if (!again) rest.unshift({ test, again: true });
      else failed++;
      console.log(`${again ? 'FAILED' : 'once more:'} ${test.name} (${seconds} s)\n  ${problem.stack ?? problem}\n${consoles}\n${logs}`);
    } else {
      passed++;
      console.log(`ok     ${test.name} (${seconds} s)`);
    }
  }
}
pulse.stop();
fs.rmSync(scratch, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
