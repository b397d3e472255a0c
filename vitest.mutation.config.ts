import { defineConfig } from 'vitest/config';

const conditions = ['wsproxy-source', 'node', 'import', 'module', 'default'];

/** The tests that mutants of `frame/`, `flow/` and `resume/` have to survive: their own, which take a few seconds. */
export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { include: ['packages/protocol/test/{frame,flow,resume}/**/*.test.ts'], testTimeout: 20_000 },
});
