// Runs the cases: node run.mjs [--soak] [--only TEXT] [--keep-shots DIR]. Last line: "N passed, N failed; N passed on a second try".
//
// Without --only the cases run in lanes side by side (lib/lanes.mjs). A case that `waits` most of its time does so in a
// third one; a case with `late` measures rates and runs when these lanes are done, two at a time.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { open, startPulse } from './lib/browsers.mjs';
import { casesOf, endWith, given, runLane } from './lib/lanes.mjs';
import { Stack } from './lib/stack.mjs';

const flag = (name) => { const at = process.argv.indexOf(name); return at < 0 ? null : process.argv[at + 1]; };
const here = path.dirname(new URL(import.meta.url).pathname);
const shotsDirectory = flag('--keep-shots') ?? process.env.PARLEY_SHOTS ?? path.join(here, 'out');
const only = flag('--only');
const lane = flag('--lane');
const soak = process.argv.includes('--soak');
const all = (await casesOf(path.join(here, 'cases'), ['matrix', 'incall', 'behaviour'])).filter(({ file }) => (file === 'soak') === soak);
const wanted = all.filter(({ test }) => !only || test.name.includes(only));

if (lane === null && !soak && !only) {
  const among = (queue) => all.filter(({ test }) => (test.late ? 'late' : test.waits ? 'waiting' : 'rest') === queue);
  const rest = among('rest'), late = among('late');
  const first = await Promise.all([runLane('one', rest), runLane('two', rest), runLane('waiting', among('waiting'))]);
  endWith([...first, ...await Promise.all([runLane('one', late), runLane('two', late)])]);
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-browsers-'));
const pulse = await startPulse(scratch);
let passed = 0, failed = 0, second = 0;

for await (const { file, test: taken } of lane === null ? wanted : given(all)) {
  const rest = [{ test: taken, again: false }];
  while (rest.length > 0) {
    const { test, again } = rest.shift();
    const began = Date.now();
    const pages = [], owned = [];
    let stack, problem;
    try {
      // A case about pages alone needs no programs.
      if (test.programs !== false) stack = await Stack.start(test.settings, { mediaSettings: test.mediaSettings, file: test.file });
      const body = test.run({
        stack, pulse: pulse.socket,
        owns: (thing) => { owned.push(thing); return thing; },
        browser: async (kind, person, options = {}) => {
          const page = await open(kind, person, scratch, { pulse: pulse.socket, ...options });
          pages.push(page);
          return page;
        },
        shots: (page, name, whole) => page.screenshot(path.join(shotsDirectory, `${name}.png`), whole),
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
      // Browsers on a busy machine: one more try, said aloud. What fails twice has failed; so has what may not happen once (`never`).
      const over = again || problem.final;
      if (over) failed++;
      else rest.unshift({ test, again: true });
      console.log(`${over ? 'FAILED' : 'once more:'} ${test.name} (${seconds} s)\n  ${problem.stack ?? problem}\n${consoles}\n${logs}`);
    } else {
      passed++;
      if (again) second++;
      console.log(`ok     ${test.name} (${seconds} s)`);
    }
  }
}
pulse.stop();
fs.rmSync(scratch, { recursive: true, force: true });
endWith([{ passed, failed, again: second }]);
