import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, inject } from 'vitest';
import { isInstalled } from 'wsproxy-test-support/programs/installed';
import { run } from 'wsproxy-test-support/programs/program';
import { until } from 'wsproxy-test-support/until';
import type { Kind } from '../../scripts/packages/build-packages.js';
import { hostPlatform, type Platform } from '../../scripts/packages/node-binary.js';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** Of what is built for all platforms on a busy machine that has fetched nothing yet, ms. */
const PATIENCE = 1_800_000;

/** Of a builder whose files are for nobody else: what is in the packages must not become so. */
const STRICT = 'data:text/javascript,process.umask(0o077)';

/**
 * A folder in which `npm run packages` has built these kinds, before the tests of a file. Files that ask for the same get the same
 * folder, in which they change nothing: the first one builds.
 */
export function built(kinds: readonly Kind[], platforms: readonly Platform[] = [hostPlatform()]): string {
  const folder = join(inject('packages'), [...kinds, ...platforms].join('-'));
  const report = `${folder}.report`;
  beforeAll(async () => {
    if (claim(folder)) await build(kinds, platforms, folder, report);
    await until(`${folder} is built`, () => existsSync(report), PATIENCE);
    const failure = readFileSync(report, 'utf8');
    if (failure !== '') throw new Error(`npm run packages: ${failure}`);
  }, PATIENCE);
  return folder;
}

/** Those that hold the programs themselves. */
export const PROGRAM_KINDS: readonly Kind[] = isInstalled('nfpm') ? ['executables', 'linux'] : ['executables'];

/** Whether nobody has asked for the folder before. */
function claim(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

async function build(kinds: readonly Kind[], platforms: readonly Platform[], folder: string, report: string) {
  const script = join(ROOT, 'scripts/packages/main.ts');
  const what = ['--only', kinds.join(','), '--platform', platforms.join(','), '--to', folder];
  const words = ['--import', STRICT, '--import', 'tsx', script, ...what];
  const failure = await run(process.execPath, words, { cwd: ROOT, timeout: PATIENCE }).then(
    ({ code, stdout, stderr }) => (code === 0 ? '' : `${stdout}${stderr}`),
    String,
  );
  // Others may look for it at any time.
  writeFileSync(`${report}.new`, failure);
  renameSync(`${report}.new`, report);
}
