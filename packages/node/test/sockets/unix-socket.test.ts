import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listenOnUnixSocket } from '../../src/sockets/unix-socket.js';

let folder: string;
let path: string;
let server: Server;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsproxy-unix-'));
  path = join(folder, 'socket');
  server = createServer();
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function listen(on = server): Promise<void> {
  return listenOnUnixSocket(
    path,
    () =>
      new Promise((resolve, reject) => {
        on.once('error', reject);
        on.listen(path, resolve);
      }),
  );
}

function isServed(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

it('makes a socket for its owner alone, and leaves the rest of the process as it was', async () => {
  const before = process.umask();
  await listen();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(process.umask()).toBe(before);
});

it('leaves no file behind when the server is closed', async () => {
  await listen();
  await new Promise((resolve) => server.close(resolve));
  expect(existsSync(path)).toBe(false);
});

/** What a program that was killed has left. */
function leaveSocket(): void {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(statSync(path).isSocket()).toBe(true);
}

it('takes the place of a socket whose program is dead', async () => {
  leaveSocket();
  await listen();
  expect(server.listening).toBe(true);
  expect(readdirSync(folder)).toEqual(['socket']);
});

it('lets one of those have it that find the same dead socket, and tells the others', async () => {
  leaveSocket();
  const servers = Array.from({ length: 5 }, () => createServer());
  const outcomes = await Promise.allSettled(servers.map(listen));
  const listening = servers.filter((one) => one.listening);
  expect(listening).toHaveLength(1);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual(
    Array(4).fill({ status: 'rejected', reason: expect.objectContaining({ code: 'EADDRINUSE' }) }),
  );
  expect(await isServed()).toBe(true);
  for (const one of listening) one.close();
});

it('passes over what another one has left that was killed while it looked', async () => {
  writeFileSync(`${path}.lock`, '');
  await expect(listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const then = Date.now() / 1_000 - 11;
  utimesSync(`${path}.lock`, then, then);
  await listen();
  expect(server.listening).toBe(true);
});

it('leaves the socket of a living program alone', async () => {
  await listen();
  await expect(listen(createServer())).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(server.listening).toBe(true);
  expect(existsSync(path)).toBe(true);
});

it('leaves a file that is no socket alone', async () => {
  writeFileSync(path, 'precious');
  await expect(listen()).rejects.toMatchObject({ code: 'EEXIST' });
  expect(statSync(path).size).toBe(8);
});
