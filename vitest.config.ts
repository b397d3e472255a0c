import { defineConfig } from 'vitest/config';

const conditions = ['wsproxy-source', 'node', 'import', 'module', 'default'];

const WATCHED = ['test/support/watch-invariants.ts'];

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // `npm run coverage`: of the parts that nothing else may go wrong in, and that need nothing to be tested.
    coverage: {
      provider: 'v8',
      include: ['packages/engine/src/{frame,flow,replay}/**'],
      reporter: ['text'],
      thresholds: { branches: 95, functions: 95, lines: 95, statements: 95 },
    },
    // "unit" is pure or in memory and must be quick; "system" crosses packages, opens sockets and runs real programs.
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['packages/*/test/**/*.test.ts'], setupFiles: WATCHED, testTimeout: 10_000 },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/start/**'],
          setupFiles: [...WATCHED, 'test/support/cleanup/clean-after-each.ts'],
          pool: 'forks',
          execArgv: ['--disable-warning=ExperimentalWarning'],
          // Each file measures the memory and the resources of its own process.
          isolate: true,
          maxWorkers: 2,
          testTimeout: 90_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // Takes the default ports 8080 and 1080: nothing else may run beside it.
        test: {
          name: 'start',
          include: ['test/start/**/*.test.ts'],
          setupFiles: [...WATCHED, 'test/support/cleanup/clean-after-each.ts'],
          pool: 'forks',
          execArgv: ['--disable-warning=ExperimentalWarning'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
