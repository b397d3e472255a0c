import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listenOnUnixSocket } from '../src/unix-socket.js';

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

it('takes the place of a socket whose program is dead', async () => {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(statSync(path).isSocket()).toBe(true);
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
