import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start } from 'wsproxy-test-support/programs/command-line';
import { askSocks5, bySocks5, type Ending, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startClient } from 'wsproxy-test-support/tunnel';

const CLIENTS = 3;
const CHANNELS = 10;
/** How long after the server has come back a new request may still fail, ms. */
const BACK_IN = 3_000;

test('K1 a server that is killed and started again: every channel is reset once, and clients work again', async () => {
  const serverPort = await freePort();
  const startServer = () => start('wsproxy-server', ['--allow-private'], { port: serverPort });
  const [{ program }, echo] = await Promise.all([startServer(), startEcho()]);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => startClient(serverPort)));
  const endings: Promise<Ending>[] = [];
  for (const { port } of clients) {
    for (let n = 0; n < CHANNELS; n++) {
      const socket = await bySocks5(port, '127.0.0.1', echo.port);
      socket.write('hello');
      await readBytes(socket, 5);
      endings.push(readToEnd(socket));
    }
  }
  program.signal('SIGKILL');
  await program.ended;
  await startServer();
  const back = performance.now();

  expect(await Promise.all(endings)).toEqual(endings.map(() => ({ bytes: 0, by: 'reset' })));
  const times = await Promise.all(
    clients.map(async ({ port, client }) => {
      const [reply, socket] = await askSocks5(port, '127.0.0.1', echo.port);
      expect([reply, client.channelCount]).toEqual([0, 1]);
      socket.write('hello');
      expect((await readBytes(socket, 5)).toString()).toBe('hello');
      socket.destroy();
      return performance.now() - back;
    }),
  );
  console.log(`${CLIENTS} clients work again after ${times.map((time) => time.toFixed(0)).join(', ')} ms`);
  expect(Math.max(...times)).toBeLessThan(BACK_IN);
});
