import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What a source file of the engine may not hold. */
const PLANTED = [
  'Buffer.alloc(1)',
  'process.exit()',
  'setImmediate(() => {})',
  "import('node:crypto')",
  'document.title',
  "console.log('')",
  'new WebSocket("wss://example.org")',
];
const ALLOWED = 'new Uint8Array(1)';

/** What the compiler says to files with one expression each, as if they were the engine's. */
function compile(expressions: readonly string[]): Promise<string> {
  const folder = temporaryFolder();
  expressions.forEach((expression, n) => {
    writeFileSync(join(folder, `planted-${n}.mts`), `export const planted: unknown = ${expression};\n`);
  });
  const compilerOptions = { rootDir: folder, outDir: join(folder, 'out') };
  const config = { extends: join(ROOT, 'packages/engine/tsconfig.json'), compilerOptions, include: ['*.mts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], (_error, stdout) => resolve(stdout));
  });
}

describe('in the engine', () => {
  test('a word of Node or of browsers is an error of the compiler', async () => {
    const said = await compile([...PLANTED, ALLOWED]);
    const refused = PLANTED.filter((_, n) => said.includes(`planted-${n}.mts(`));
    expect(refused, said).toEqual(PLANTED);
    expect(said).not.toContain(`planted-${PLANTED.length}.mts`);
  });
});
