import { join, resolve } from 'node:path';
import type { Option } from 'commander';

/** Options whose argument names a file or a folder. */
const NAMES_A_FILE = /<(file|dir)>/;

/**
 * In a configuration file no shell expands `~/`, and nobody knows which folder the program is started in: paths count
 * from the folder of the file.
 */
export function resolveFileValue(option: Option, text: string, context: { folder: string; home: string }): string {
  if (!NAMES_A_FILE.test(option.flags)) return text;
  return text.startsWith('~/') ? join(context.home, text.slice(2)) : resolve(context.folder, text);
}
