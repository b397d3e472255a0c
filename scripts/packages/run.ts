import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a program that has to succeed, and returns what it printed. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): string {
  const { env, ...more } = options;
  return execFileSync(command, args, {
    ...more,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    // Only a shell finds npm on Windows, where it is a .cmd file.
    shell: process.platform === 'win32' && command === 'npm',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
}

interface RunOptions {
  readonly cwd?: string;
  /** More of it. */
  readonly env?: Readonly<Record<string, string>>;
}

export const root: string = fileURLToPath(new URL('../..', import.meta.url));
