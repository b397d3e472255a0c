import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { keepWaiting, TestTunnel } from 'wsproxy-test-support/test-tunnel';
import { listenLocal } from '../../src/accept/local-port.js';

vi.mock('../../src/accept/protocols.js', () => {
  throw new Error('no descriptor is left to read it');
});

it('a local port whose protocols cannot be loaded is none, and leaves nothing open', async () => {
  const path = join(tmpdir(), `wsproxy-unloaded-${process.pid}`);
  await expect(listenLocal(new TestTunnel(keepWaiting), { at: { path } })).rejects.toThrow();
  const next = createServer().listen(path);
  await once(next, 'listening');
  // Neither does one that cannot be bound leave a rejection that nobody handles.
  await expect(listenLocal(new TestTunnel(keepWaiting), { at: { path } })).rejects.toThrow(/EADDRINUSE/);
  next.close();
});
