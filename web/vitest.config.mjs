import { defineConfig } from 'vitest/config';
import { alias } from './dev/alias.mjs';

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // As cases of browsers: a page may be held up by a busy machine once; the report says (retry x1).
    retry: 1,
  },
});
