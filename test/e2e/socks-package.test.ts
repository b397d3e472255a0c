import { once } from 'node:events';
import { SocksClient } from 'socks';
import { describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { startEcho } from '../support/destinations/echo.js';
import { keystreamBytes } from '../support/keystream.js';
import { freePort } from '../support/listen.js';
import { startTunnel } from '../support/tunnel.js';

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
    { type: 5, host: 'localhost', listenHost: '127.0.0.1', by: 'name' },
    { type: 5, host: '127.0.0.1', listenHost: '127.0.0.1', by: 'IPv4 address' },
    { type: 5, host: '::1', listenHost: '::1', by: 'IPv6 address' },
    { type: 4, host: 'localhost', listenHost: '127.0.0.1', by: 'name (SOCKS4a)' },
    { type: 4, host: '127.0.0.1', listenHost: '127.0.0.1', by: 'IPv4 address' },
  ] as const)('connects with SOCKS$type by $by', async ({ type, host, listenHost }) => {
    const [{ port }, echo] = await Promise.all([startTunnel(), startEcho({ host: listenHost })]);
    const socket = await connectBy(type, port, host, echo.port);
    const sent = keystreamBytes('socks', LENGTH);
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.write(sent);
    while (Buffer.concat(received).length < LENGTH) await once(socket, 'data');
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  test.each([
    { type: 5, message: /ConnectionRefused/ },
    { type: 4, message: /Failed/ },
  ] as const)('is told with SOCKS$type that the destination has refused', async ({ type, message }) => {
    const [{ port }, closedPort] = [await startTunnel(), await freePort()];
    await expect(connectBy(type, port, 'localhost', closedPort)).rejects.toThrow(message);
  });
});
