// Time from pressing Assist to the first decoded remote frame, with its parts: node bench/first_frame.mjs [CALLS]
// The parts come from the SDK itself (data-setup). "answer" is how long the test took to press Answer.
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
      for (const [part, ms] of Object.entries({ ...setup.parts, firstFrame: setup.firstFrame })) (rows[who][part] ??= []).push(Number(ms?.duration ?? ms));
    }
    await consumer.click('end');
    await agent.is('availability', 'available');
  }
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  for (const [who, parts] of Object.entries(rows)) {
    console.log(`${who}, median of ${calls}, ms since the button was pressed:`);
    for (const [part, list] of Object.entries(parts)) console.log(`  ${part.padEnd(14)} ${median(list).toFixed(0)}`);
  }
} finally {
  await consumer.close(); await agent.close(); await stack.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
}
