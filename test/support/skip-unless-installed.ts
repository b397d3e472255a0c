import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach } from 'vitest';

/**
 * Skips the tests of the enclosing block, and says so, on a machine without `program` (a name, or a path). In CI they
 * fail instead: there everything is installed, and a test that silently stopped running would not be missed.
 */
export function skipUnlessInstalled(program: string): void {
  beforeEach((context) => {
    if (isInstalled(program)) return;
    const note = `skipped: ${program} not installed`;
    if (process.env['CI'] === 'true') throw new Error(note);
    context.skip(note);
  });
}

function isInstalled(program: string): boolean {
  const folders = program.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
