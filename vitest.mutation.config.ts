import { defineConfig } from 'vitest/config';
import { effortsIn } from './test/support/engine/effort-names.js';

const conditions = ['wsproxy-source', 'node', 'import', 'module', 'default'];

/** The tests that mutants of `frame/`, `flow/` and `replay/` have to survive: their own, which take a few seconds. */
export default defineConfig({
  // Mutants are made in a copy of this folder, whose packages are links to this one: helpers are to see the copy.
  resolve: {
    alias: [{ find: /^wsproxy-test-support\/(.+)$/, replacement: `${import.meta.dirname}/test/support/$1.ts` }],
  },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/engine/test/{frame,flow,replay}/**/*.test.ts'],
    provide: { efforts: effortsIn({}) },
    testTimeout: 20_000,
  },
});
