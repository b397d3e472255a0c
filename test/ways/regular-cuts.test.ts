import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** When somebody on the way cuts what lives that long, ms. */
const AGE = 2_500;
/** How long an echo may take on a busy machine where no connection has to be made for it, ms. */
const NO_STALL = 400;

// Both at the same time: a cut must be waited for.
test('what is cut at a regular age goes on before the fourth cut, by WebSocket and by HTTP', async () => {
  const [ws, http] = await Promise.all([longestStall('ws'), longestStall('http')]);
  expect(ws).toBeLessThan(NO_STALL);
  expect(http).toBeLessThan(NO_STALL);
});

/** The longest that an echo takes after the third cut, ms. */
async function longestStall(transport: 'ws' | 'http'): Promise<number> {
  const { port: serverPort } = await startServer();
  const relay = await new CuttingRelay(serverPort).start();
  relay.onConnection = (connection) => {
    const timer = setTimeout(() => connection.cut('end'), AGE);
    connection.near.once('close', () => clearTimeout(timer));
  };
  let losses = 0;
  const log = (_: object, message: string): void => {
    if (message === 'not connected to the server') losses += 1;
  };
  const { port, client } = await startClient(relay.port, {
    transport,
    logger: { debug: () => {}, info: log, warn: log, error: log },
  });
  const socket = await bySocks5(port, '127.0.0.1', (await startEcho()).port);
  const stalls: number[] = [];
  let resumesAtThird = 0;
  // Beyond the third cut, until three more transports have followed each other.
  while (losses < 3 || client.status().resumes < resumesAtThird + 4) {
    const began = performance.now();
    socket.write('x');
    await readBytes(socket, 1);
    // What had the third cut is online again.
    if (losses >= 3 && client.status().state === 'online') {
      resumesAtThird ||= client.status().resumes;
      stalls.push(performance.now() - began);
    }
    // Without a pause, these echoes alone would keep a processor core busy.
    await until('the next echo is due', () => performance.now() - began >= 10);
  }
  expect(losses).toBe(3);
  return Math.max(...stalls);
}
