import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { kill, pid } from 'node:process';

/**
 * Keeps a file from all others that ask here too, until what it returns is called. A program that was killed keeps nothing.
 * @throws Error when another one has it
 */
export function lockFile(path: string): () => void {
  const lock = resolve(`${path}.lock`);
  const holder = holderOf(lock);
  if (holder !== undefined && (holder === pid ? held.has(lock) : isRunning(holder))) {
    throw new Error(`process ${holder} writes to ${path}; if that is no wsproxy-client, delete ${lock}`);
  }
  if (holder !== undefined) rmSync(lock, { force: true });
  if (!existsSync(dirname(lock))) throw new Error(`there is no folder ${dirname(lock)}`);
  // Where nobody was killed, the second one of two at once fails here.
  writeFileSync(lock, `${pid}\n`, { flag: 'wx', mode: 0o600 });
  held.add(lock);
  return () => {
    held.delete(lock);
    rmSync(lock, { force: true });
  };
}

/** By this process. In a container, one that was killed may have had the same number. */
const held = new Set<string>();

function holderOf(lock: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(lock, 'utf8'), 10);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isRunning(holder: number): boolean {
  try {
    kill(holder, 0);
    return true;
  } catch (error) {
    // It is another user's then.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
