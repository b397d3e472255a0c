import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { askSocks5, bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const OTHER_TOKEN = 'another-token-for-tests-0123456789-abcdef';

/** A file that only its owner can read. */
function tokenFile(folder: string, name: string, token: string): string {
  const path = join(folder, name);
  writeFileSync(path, token);
  chmodSync(path, 0o600);
  return path;
}

test('wsproxy-client uses the second server while the first is away, and the first again when it is back', async () => {
  const [echo, firstPort] = await Promise.all([startEcho(), freePort()]);
  const folder = temporaryFolder();
  const second = await start('wsproxy-server', ['--allow-private'], { token: OTHER_TOKEN });
  const urls = [`ws://127.0.0.1:${firstPort}/`, `ws://127.0.0.1:${second.port}/`];
  const files = [tokenFile(folder, 'first', TOKEN), tokenFile(folder, 'second', OTHER_TOKEN)];
  const client = await start('wsproxy-client', [...urls, ...files.flatMap((file) => ['--token-file', file])]);

  const application = await bySocks5(client.port, '127.0.0.1', echo.port);
  const expectEcho = async (text: string): Promise<void> => {
    application.write(text);
    expect((await readBytes(application, text.length)).toString()).toBe(text);
  };
  await expectEcho('by the second');

  await start('wsproxy-server', ['--allow-private'], { port: firstPort });
  const back = new RegExp(`"server":"ws://127.0.0.1:${firstPort}/","former"[^\\n]*another server serves now`);
  await client.program.untilStderr(back, 40_000);
  await expectEcho('still by the second');

  second.program.signal('SIGKILL');
  await second.program.ended;
  const [reply, socket] = await askSocks5(client.port, '127.0.0.1', echo.port);
  expect(reply).toBe(0);
  socket.destroy();
  application.destroy();
});
