// What tests have to notice: `npm run mutation`.
export default {
  packageManager: 'pnpm',
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  testRunnerNodeArgs: ['--expose-gc'],
  mutate: ['packages/engine/src/{frame,flow,replay}/*.ts'],
  ignorePatterns: ['**/dist', '/bench', '/docs', '/deploy', '/test/*', '!/test/support'],
  // There is no such file: TypeScript 7 has no interface that Stryker knows, and vitest needs none.
  tsconfigFile: 'none',
  reporters: ['clear-text', 'progress'],
  thresholds: { high: 95, low: 90, break: 85 },
  timeoutMS: 20000,
  concurrency: 2,
  tempDirName: '.stryker',
  incrementalFile: 'node_modules/.cache/stryker-incremental.json',
};
