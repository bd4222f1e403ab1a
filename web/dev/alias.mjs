import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The workspace's packages by name, from source. Same list as `paths` in tsconfig.json. */
export const alias = [
  { find: /^@parley\/assist$/, replacement: at('sdk/src/assist/index.ts') },
  { find: /^@parley\/agents$/, replacement: at('sdk/src/assist/agent/index.ts') },
  { find: /^@parley\/sdk\/testing$/, replacement: at('sdk/src/testing/index.ts') },
  { find: /^@parley\/sdk$/, replacement: at('sdk/src/index.ts') },
  { find: /^@parley\/components$/, replacement: at('components/src/index.ts') },
];
