// Time from pressing Assist to the first decoded remote frame, with its parts: node bench/first_frame.mjs [CALLS]
// The parts come from the SDK itself (data-setup): each part's beginning since the press, and how long it took; parts overlap.
// The test presses Answer as soon as it rings, which is part of "ringing".
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { open } from '../tests/browser/lib/browsers.mjs';
import { establish, signIn } from '../tests/browser/lib/call.mjs';
import { until } from '../tests/browser/lib/browsers.mjs';
import { Stack } from '../tests/browser/lib/stack.mjs';

const calls = Number(process.argv[2] ?? 7);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-bench-'));
const stack = await Stack.start();
const consumer = await open('chromium', 'consumer', scratch), agent = await open('chromium', 'agent', scratch);
try {
  await signIn(agent, stack);
  const rows = { consumer: {}, agent: {} };
  for (let i = 0; i < calls; i++) {
    await establish(consumer, agent, stack);
    for (const [who, id] of [['consumer', 'call-panel'], ['agent', 'call']]) {
      const page = who === 'consumer' ? consumer : agent;
      const setup = await until('first frame', async () => { const s = JSON.parse((await page.attribute(id, 'data-setup')) ?? '{}'); return s.firstFrame && s; });
      for (const [part, ms] of Object.entries({ ...setup.parts, firstFrame: setup.firstFrame })) (rows[who][part] ??= []).push(typeof ms === 'number' ? { start: 0, duration: ms } : ms);
    }
    await consumer.click('end');
    await agent.is('availability', 'available');
  }
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  for (const [who, parts] of Object.entries(rows)) {
    console.log(`${who}, median of ${calls}, ms since the button was pressed:  begins  takes`);
    for (const [part, list] of Object.entries(parts)) {
      const of = (field) => median(list.map((each) => Number(each[field] ?? 0))).toFixed(0).padStart(6);
      console.log(`  ${part.padEnd(14)} ${' '.repeat(40)}${of('start')} ${of('duration')}`);
    }
  }
} finally {
  await consumer.close(); await agent.close(); await stack.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
}
