import { defineConfig } from 'vitest/config';
import { alias } from './dev/alias.mjs';

// What is masked may not be seen once: these have no second try, as the browser cases of that kind have none.
const kNever = ['sdk/src/assist/*.test.ts', 'sdk/src/assist/{capture,acting}/**/*.test.ts', 'agent/src/**/*.test.ts'];
const each = {
  environment: 'node',
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // A browser on a busy machine takes its time; one second, vitest's own, is a matter of luck there.
  expect: { poll: { timeout: 20_000, interval: 50 } },
};

export default defineConfig({
  test: {
    reporters: ['default', './dev/counts.mjs'],
    projects: [
      { resolve: { alias }, test: { ...each, name: 'never', include: kNever } },
      { resolve: { alias }, test: { ...each, name: 'pages', include: ['*/src/**/*.test.ts', 'tests/**/*.test.ts'], exclude: ['**/node_modules/**', ...kNever], retry: 1 } },
    ],
  },
});
