import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { enterControl } from '../../src/cli/enter-control.js';

afterEach(() => void vi.useRealTimers());

it('waits once for what does not answer: the short way has waited for the whole program', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wsproxy-silent-'));
  const path = join(folder, 'control');
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.resume())).listen(path);
  await once(server, 'listening');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const first = expect(enterControl(path, 'a:1')).rejects.toThrow('no answer within 10 s');
  await expect.poll(() => sockets.length).toBe(1);
  vi.advanceTimersByTime(10_000);
  await first;
  await expect(enterControl(path, 'a:1')).rejects.toThrow('no answer within 10 s');
  expect(sockets).toHaveLength(1);
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});
