import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './cleanup/at-end.js';

/** A new empty folder, deleted with what is in it after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wsproxy-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
