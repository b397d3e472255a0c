import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TunnelError } from 'wsproxy-engine';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { dialPath } from '../../src/dial/dial-path.js';

const { signal } = new AbortController();

/** The path of a Unix socket that answers with what it gets, each end by itself. */
async function startEcho(): Promise<string> {
  const path = join(temporaryFolder(), 'echo');
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(path);
  atEnd(() => server.close());
  await once(server, 'listening');
  return path;
}

describe('a dial of a Unix socket', () => {
  test('gives a socket that is paused, and whose halves end each by itself', async () => {
    const socket = await dialPath(await startEcho(), signal);
    expect(socket.isPaused()).toBe(true);
    socket.end('all of it');
    expect(Buffer.concat(await socket.toArray()).toString()).toBe('all of it');
  });

  test('fails with CONNECTION_REFUSED where nothing is, and where a file is that is no socket', async () => {
    const file = join(temporaryFolder(), 'file');
    await expect(dialPath(file, signal)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
    await writeFile(file, '');
    await expect(dialPath(file, signal)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
  });

  test('is given up by its signal, with the reason of that', async () => {
    const giveUp = new AbortController();
    const dial = dialPath(await startEcho(), giveUp.signal);
    giveUp.abort(new TunnelError('CANCELLED'));
    await expect(dial).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
