// What a customer's page has to load, gzipped. Above the budget the build fails.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** Kilobytes (1000 bytes) after gzip. The module is not minified: who bundles it does that. */
export const kBudgets = {
  'gateway/csdk-sdk.js': 23,
  'gateway/csdk-common.js': 8,
  'gateway/csdk-phone.js': 16,
  'gateway/csdk-aed.js': 6,
  'gateway/parley-sdk.mjs': 30,
  'assistserver/sdk/web/consumer/assist.js': 63,
  'assistserver/sdk/web/consumer/parley-assist.mjs': 74,
  // With the client SDK.
  'assistserver/sdk/web/agent/agent.js': 47,
  'assistserver/sdk/web/agent/parley-agent.mjs': 59,
  'assistserver/sdk/web/shared/viewer-worker.js': 4,
  'assistserver/sdk/web/shared/assist-capture.js': 49,
  'assistserver/sdk/web/shared/assist-worker.js': 4,
  // Only when a document is shown; its worker (pdf.js) comes beside it.
  'assistserver/sdk/web/shared/documents.js': 132,
  // Only when sharing starts.
  'assistserver/sdk/web/shared/sharing.js': 71,
};

export function measure(dist = fileURLToPath(new URL('../dist/', import.meta.url))) {
  return Object.entries(kBudgets).map(([file, budget]) => {
    const kilobytes = gzipSync(readFileSync(dist + file), { level: 9 }).length / 1000;
    return { file, budget, kilobytes, over: kilobytes > budget };
  });
}

export function checkSizes() {
  const rows = measure();
  for (const { file, budget, kilobytes, over } of rows) {
    console.log(`${over ? 'TOO LARGE' : 'ok       '} ${kilobytes.toFixed(1).padStart(6)} kB of ${budget} kB  ${file}`);
  }
  if (rows.some((row) => row.over)) throw new Error('a script is larger than its budget (web/dev/size.mjs)');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) checkSizes();
