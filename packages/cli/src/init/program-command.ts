import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isSea } from 'node:sea';

/** Of this process. */
interface Started {
  readonly execPath: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How to start this program again. */
export interface ProgramCommand {
  /** From anywhere: an executable by itself, or Node with its script. */
  readonly words: readonly string[];
  /** What people type: its name, where their shell finds it. */
  readonly typed: readonly string[];
}

export function programCommand(name: string, { execPath, argv, env }: Started): ProgramCommand {
  const words = isSea() ? [realpathSync(execPath)] : [execPath, realpathSync(argv[1] ?? '')];
  const isThis = (path: string): boolean => existsSync(path) && realpathSync(path) === words.at(-1);
  const isFound = (env['PATH'] ?? '').split(delimiter).some((folder) => isThis(join(folder, name)));
  return { words, typed: isFound ? [name] : words };
}
