import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { askSocks5, bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClientOf, startExample } from './example.js';

test('a policy of its own decides anew for each connection, and one name leads to a Unix socket', async () => {
  const [echo, folder] = [await startEcho(), temporaryFolder()];
  const [list, unixSocket] = [join(folder, 'allowed.json'), join(folder, 'daemon.sock')];
  const daemon = createServer((socket) => socket.end('the daemon'));
  await new Promise<void>((resolve) => daemon.listen(unixSocket, resolve));
  atEnd(() => daemon.close());
  writeFileSync(list, '[]');
  const { program, port } = await startExample('custom-policy', { TOKEN }, list, unixSocket);
  const client = await startClientOf(port, TOKEN, '/');
  const replyFor = async (): Promise<number> => {
    const [reply, socket] = await askSocks5(client.port, '127.0.0.1', echo.port);
    socket.destroy();
    return reply;
  };

  expect(await replyFor()).toBe(2);
  writeFileSync(list, JSON.stringify([`127.0.0.1:${echo.port}`]));
  expect(await replyFor()).toBe(0);
  await program.untilStdout(new RegExp(`default may reach 127.0.0.1:${echo.port} at 127.0.0.1`));
  // Without the list nothing is allowed.
  rmSync(list);
  expect(await replyFor()).toBe(1);

  const socket = await bySocks5(client.port, 'docker.internal', 80);
  expect(String(await readBytes(socket, 10))).toBe('the daemon');
  socket.destroy();
  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0 });
});
