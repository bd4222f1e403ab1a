import { defineConfig } from 'vitest/config';
import { alias } from './dev/alias.mjs';

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
