import { SocksClient } from 'socks';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { readBytes } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const LENGTH = 200_000;

/** A client that somebody else wrote, from the npm package `socks`. */
async function connectBy(type: 4 | 5, proxyPort: number, host: string, port: number) {
  const { socket } = await SocksClient.createConnection({
    command: 'connect',
    proxy: { host: '127.0.0.1', port: proxyPort, type },
    destination: { host, port },
    // The package never clears its timer, so the test has to wait for it.
    timeout: 1_500,
  });
  atEnd(() => socket.destroy());
  return socket;
}

describe('the npm package socks', () => {
  test.each([
    ['SOCKS5 by name', 5, 'localhost', '127.0.0.1'],
    ['SOCKS5 by IPv4 address', 5, '127.0.0.1', '127.0.0.1'],
    ['SOCKS5 by IPv6 address', 5, '::1', '::1'],
    ['SOCKS4a by name', 4, 'localhost', '127.0.0.1'],
    ['SOCKS4 by IPv4 address', 4, '127.0.0.1', '127.0.0.1'],
  ] as const)('connects with %s', async (_way, type, host, listenHost) => {
    const [{ port }, echo] = await Promise.all([startTunnel(), startEcho({ host: listenHost })]);
    const socket = await connectBy(type, port, host, echo.port);
    const sent = keystreamBytes('socks', LENGTH);
    socket.write(sent);
    expect((await readBytes(socket, LENGTH)).equals(sent)).toBe(true);
  });

  test.each([
    [5, /ConnectionRefused/],
    [4, /Failed/],
  ] as const)('is told with SOCKS%d that the destination has refused', async (type, message) => {
    const [{ port }, closedPort] = [await startTunnel(), await freePort()];
    await expect(connectBy(type, port, 'localhost', closedPort)).rejects.toThrow(message);
  });
});
