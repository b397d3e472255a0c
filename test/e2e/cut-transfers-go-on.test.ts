import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { KeystreamChecker, keystreamReadable } from 'wsproxy-test-support/keystream';
import { byConnect, bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { type Cut, startCuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const MIB = 1024 * 1024;
const LENGTH = 64 * MIB;
const CUTS = 10;

/** A tunnel whose connection is cut again and again while both transfers run. */
async function startCutTunnel(kinds: readonly Cut[]) {
  let relay = { cuts: 0 };
  const tunnel = await startTunnel({
    through: async (to) => {
      const cutting = await startCuttingRelay({ to, every: LENGTH / CUTS, kinds });
      relay = cutting;
      return cutting.port;
    },
  });
  // The pauses between tries are tested elsewhere.
  tunnel.client.on('state', (state) => {
    if (state === 'waiting') queueMicrotask(() => tunnel.client.reconnectNow());
  });
  return { tunnel, cuts: () => relay.cuts };
}

async function download(socket: Socket): Promise<void> {
  const checker = new KeystreamChecker('down');
  expect(await readToEnd(socket, (chunk) => checker.push(chunk))).toEqual({ bytes: LENGTH, by: 'end' });
  socket.end();
}

test.each<Cut>(['reset', 'end'])(
  `a download and an upload go on, byte for byte, while their WebSocket is cut ${CUTS} times by a %s`,
  async (kind) => {
    const received = new KeystreamChecker('up');
    const [{ tunnel, cuts }, source, sink] = await Promise.all([
      startCutTunnel(Array.from({ length: CUTS }, () => kind)),
      startSource('down', LENGTH),
      listen((socket) => {
        void readToEnd(socket, (chunk) => received.push(chunk)).then(({ by }) => socket.end(by));
      }),
    ]);
    const [downloading, uploading] = await Promise.all([
      bySocks5(tunnel.port, '127.0.0.1', source.port),
      byConnect(tunnel.port, '127.0.0.1', sink.port),
    ]);
    let answer = '';
    const answered = readToEnd(uploading, (chunk) => {
      answer += chunk.toString();
    });
    keystreamReadable('up', LENGTH).pipe(uploading);
    await Promise.all([download(downloading), answered]);

    expect(await answered).toMatchObject({ by: 'end' });
    expect([answer, received.length]).toEqual(['end', LENGTH]);
    expect(cuts()).toBe(CUTS);
    expect(tunnel.server.sessionCount).toBe(1);
  },
);
