import { beforeEach, type TestContext } from 'vitest';
import { isInstalled } from './installed.js';

/** Skips the tests of the enclosing block on a machine without `program` (a name, or a path). */
export function skipUnlessInstalled(program: string): void {
  beforeEach((context) => skipWithout(context, program));
}

/**
 * Skips a test, and says so, on a machine without the program. In CI it fails instead: there everything is installed,
 * and a test that silently stopped running would not be missed.
 */
export function skipWithout(context: TestContext, program: string): void {
  if (!isInstalled(program)) skipMissing(context, program);
}

/** The same for what is known to be missing. */
export function skipMissing(context: TestContext, what: string): never {
  const note = `skipped: ${what} not installed`;
  if (process.env['CI'] === 'true') throw new Error(note);
  context.skip(note);
}
