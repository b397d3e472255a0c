import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** Of what is built for all platforms on a busy machine that has fetched nothing yet, ms. */
const PATIENCE = 1_800_000;

/** Of a builder whose files are for nobody else: what is in the packages must not become so. */
const STRICT = 'data:text/javascript,process.umask(0o077)';

/** A folder in which `npm run packages` has built, before the tests of a file, what these arguments ask for. */
export function built(...args: readonly string[]): string {
  // Of all tests: one of `temporaryFolder` would go with the first.
  const folder = mkdtempSync(join(tmpdir(), 'wsproxy-packages-'));
  beforeAll(async () => {
    const words = [
      '--import',
      STRICT,
      '--import',
      'tsx',
      join(ROOT, 'scripts/packages/main.ts'),
      '--to',
      folder,
      ...args,
    ];
    const { code, stdout, stderr } = await run(process.execPath, words, { cwd: ROOT, timeout: PATIENCE });
    if (code !== 0) throw new Error(`npm run packages: ${stdout}${stderr}`);
  }, PATIENCE);
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}
