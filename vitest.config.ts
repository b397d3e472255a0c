import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { effortsIn } from './test/support/engine/effort-names.js';
import { LongestFirst } from './test/support/longest-first.js';
import { NoneMatched } from './test/support/none-matched.js';
import { CHROMIUM, CHROMIUM_ARGS } from './test/support/programs/chromium-program.js';
import { isInstalled } from './test/support/programs/installed.js';

/** Node and Vite add "import" or "require" themselves: from here, a CommonJS package would get both, and the wrong one. */
const conditions = ['wsproxy-source', 'node', 'module'];

/** So that tests may ask what holds memory (heap.ts). */
const MEMORY_ARGS = ['--js-flags=--expose-gc', '--enable-precise-memory-info'];

const WATCHED = ['test/support/watch-invariants.ts'];

/** `SEEDS` and the like. */
const EFFORTS = effortsIn(process.env);

/** The unit tests of the engine once more, where there is no Node. What goes by seeds has few of them: Node has had them all. */
const IN_CHROMIUM: TestProjectConfiguration = {
  extends: true,
  resolve: { conditions: ['wsproxy-source', 'import', 'module', 'default'] },
  // Found only while a test runs, it would begin anew.
  optimizeDeps: { include: ['fast-check'] },
  test: {
    name: 'chromium',
    include: ['packages/engine/test/**/*.test.ts'],
    setupFiles: WATCHED,
    provide: { efforts: { ...EFFORTS, SEEDS: EFFORTS.SEEDS ?? '200' } },
    testTimeout: 30_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      // Pages share a process, and what one holds would count as another's memory (heap.ts). It takes no longer.
      fileParallelism: false,
      instances: [{ browser: 'chromium' }],
      provider: playwright({
        launchOptions: { executablePath: CHROMIUM, args: [...CHROMIUM_ARGS, ...MEMORY_ARGS] },
      }),
    },
  },
};

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    provide: { efforts: EFFORTS },
    reporters: ['default', new NoneMatched()],
    // Not one less, which is a single one in CI.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
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
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts'],
          setupFiles: [...WATCHED, 'test/support/cleanup/end-after-each.ts'],
          execArgv: ['--expose-gc'],
          testTimeout: 10_000,
        },
      },
      ...(isInstalled(CHROMIUM) ? [IN_CHROMIUM] : []),
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          // What tests share is a package, and links to others.
          exclude: ['test/start/**', '**/node_modules/**'],
          setupFiles: [...WATCHED, 'test/support/cleanup/clean-after-each.ts'],
          globalSetup: 'test/packaging/built-folder.ts',
          pool: 'forks',
          execArgv: ['--disable-warning=ExperimentalWarning'],
          // Each file measures the memory and the resources of its own process.
          isolate: true,
          // They wait most of the time, and three at once take a sixth less; but some count on the processor in time.
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
          // Pages share a process, and what one holds would count as another's memory (heap.ts). It takes no longer.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
