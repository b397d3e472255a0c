import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { expect } from 'vitest';
import type { Program } from 'wsproxy-test-support/programs/program';
import { readBytes } from 'wsproxy-test-support/sockets/application';
import { until } from 'wsproxy-test-support/until';

/** The fields of the line that says that a server is ready. */
export function readyLine({ stderr }: Program): Readonly<Record<string, unknown>> {
  const line = stderr.split('\n').find((each) => each.includes('"msg":"ready"'));
  return JSON.parse(line ?? '{}') as Record<string, unknown>;
}

/** Numbers of the processes that a server has started and that live. */
export function workersOf({ pid }: Program): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

/** The folders of workers in a folder for what is temporary. */
export function doorsIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('wsproxy-'));
}

/** The lines of its log with this message, in their order. */
export function lines({ stderr }: Program, message: string | RegExp): Readonly<Record<string, unknown>>[] {
  const all = stderr.split('\n').filter((line) => line.startsWith('{'));
  const parsed = all.map((line) => JSON.parse(line) as Record<string, unknown>);
  return parsed.filter(({ msg }) => (typeof message === 'string' ? msg === message : message.test(String(msg))));
}

/** What `startClient` gives, and the number of the worker that listens for it. */
export async function listenFor<T>(server: Program, startClient: () => Promise<T>): Promise<readonly [T, number]> {
  const opened = () => lines(server, 'remote listener open');
  const before = opened().length;
  const client = await startClient();
  // The server's line may come after that of the client.
  await until('the server says so', () => opened().length > before);
  return [client, Number(opened()[before]?.['worker'])];
}

/** Of the worker with this number, while it lives. */
export function pidOf(server: Program, worker: number): number {
  const found = lines(server, 'a worker is ready').find((line) => line['worker'] === worker);
  if (found === undefined) throw new Error(`there is no worker ${worker}: ${server.stderr}`);
  return Number(found['pid']);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function expectEcho(application: Socket, text: string): Promise<void> {
  application.write(text);
  expect(String(await readBytes(application, text.length))).toBe(text);
}

/** Where a server listens besides, as it has said. */
export function portOf(server: Program, what: 'admin' | 'health'): number {
  return Number(String(readyLine(server)[what]).split(':')[1]);
}

/** A page of --admin. */
export async function pageOf(server: Program, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${portOf(server, 'admin')}${path}`);
  return response.text();
}
