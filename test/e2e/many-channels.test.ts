import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { KeystreamChecker, keystreamBytes } from 'wsproxy-test-support/keystream';
import { bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const CHANNELS = 500;
const LENGTH = 128 * 1024;

/** Sends a keystream of its own, ends its half, and checks every byte that comes back. */
async function exchange(socket: Socket, seed: string): Promise<void> {
  const checker = new KeystreamChecker(seed);
  const ending = readToEnd(socket, (chunk) => checker.push(chunk));
  socket.end(keystreamBytes(seed, LENGTH));
  expect(await ending).toEqual({ bytes: LENGTH, by: 'end' });
}

test(`carries ${CHANNELS} channels at once, each with its own bytes in both directions`, async () => {
  const [{ server, client, port }, echo] = await Promise.all([startTunnel(), startEcho()]);
  const seeds = Array.from({ length: CHANNELS }, (_, i) => `channel ${i}`);
  const sockets = await Promise.all(seeds.map(() => bySocks5(port, '127.0.0.1', echo.port)));
  expect(server.sessionCount).toBe(1);
  expect([client.channelCount, server.channelCount, echo.sockets.size]).toEqual([CHANNELS, CHANNELS, CHANNELS]);

  await Promise.all(sockets.map((socket, i) => exchange(socket, seeds[i] ?? '')));
  await until('every channel is gone', () => client.channelCount === 0 && server.channelCount === 0);
});

test('serves the next application after one that breaks off in every possible moment', async () => {
  const [{ port }, echo] = await Promise.all([startTunnel(), startEcho()]);
  const cut = Array.from({ length: 50 }, async (_, i) => {
    const socket = await bySocks5(port, '127.0.0.1', echo.port);
    socket.write(keystreamBytes('cut', (i + 1) * 10_000));
    if (i % 3 === 0) await readBytes(socket, 1);
    if (i % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  });
  await Promise.all(cut);
  await exchange(await bySocks5(port, '127.0.0.1', echo.port), 'after');
});
