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
  const found = (env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .filter((path) => existsSync(path));
  // Where there is no /proc, Node does not know where its executable is.
  const executable = existsSync(execPath) ? execPath : (found[0] ?? execPath);
  const words = isSea() ? [realPath(executable)] : [executable, realPath(argv[1] ?? '')];
  return { words, typed: found.some((path) => realPath(path) === words.at(-1)) ? [name] : words };
}

function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}
