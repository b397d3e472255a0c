import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/** Starts test/fixtures/`name` as a process of its own; `--expose-gc` lets it measure what it really holds. */
export function startFixture(name: string, args: string[] = [], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, ['--expose-gc', fixturePath(name), ...args], { stdio: 'pipe', ...options });
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a fixture to its end. What is not a pipe is reported as empty. */
export async function runFixture(name: string, args: string[] = [], options: SpawnOptions = {}): Promise<Ended> {
  const child = startFixture(name, args, options);
  child.stdin?.end();
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    textOf(child.stdout),
    textOf(child.stderr),
  ]);
  return { code, signal, stdout, stderr };
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  return stream === null ? '' : text(stream);
}
