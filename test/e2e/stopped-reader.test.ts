import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { KeystreamChecker } from 'wsproxy-test-support/keystream';
import { bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { kernelQueues } from 'wsproxy-test-support/sockets/kernel-sockets';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const MIB = 1024 * 1024;
const FAST = 50;
const FAST_LENGTH = 2 * MIB;
const STOPPED_LENGTH = 64 * MIB;
/**
 * What a channel may hold at most here: its window, and what its sender has read ahead. The window begins with 256 KiB
 * and grows only while the reader takes something; here that is until the system's buffers for the reader are full.
 */
const LIMIT = 4 * MIB;

test('I5 one channel whose reader has stopped costs its window, and does not hold up fifty others', async (context) => {
  const [{ client, port }, stoppedSource, fastSource] = await Promise.all([
    startTunnel(),
    startSource('stopped', STOPPED_LENGTH),
    startSource('fast', FAST_LENGTH),
  ]);
  const stopped = await bySocks5(port, '127.0.0.1', stoppedSource.port);
  stopped.pause();

  const fast = Array.from({ length: FAST }, async () => {
    const checker = new KeystreamChecker('fast');
    const socket = await bySocks5(port, '127.0.0.1', fastSource.port);
    const ending = await readToEnd(socket, (chunk) => checker.push(chunk));
    socket.destroy();
    return ending;
  });
  expect(await Promise.all(fast)).toEqual(Array.from({ length: FAST }, () => ({ bytes: FAST_LENGTH, by: 'end' })));
  await until('only the stopped channel is left', () => client.channelCount === 1);

  // What the system holds for both connections is megabytes on loopback; it is counted and taken off.
  const linux = existsSync('/proc/net/tcp');
  const held = () => {
    const [socket] = stoppedSource.sockets;
    const taken = (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0);
    return taken - kernelQueues(stoppedSource.port) - kernelQueues(port) - stopped.readableLength;
  };
  if (linux) {
    await until('nothing moves any more', steady(held));
    expect(held()).toBeGreaterThan(0);
    expect(held()).toBeLessThanOrEqual(LIMIT);
  } else {
    await context.annotate('the memory of the channel was not measured: needs /proc/net/tcp');
  }

  const checker = new KeystreamChecker('stopped');
  expect(await readToEnd(stopped, (chunk) => checker.push(chunk))).toEqual({ bytes: STOPPED_LENGTH, by: 'end' });
});

/** Holds when a value has been the same for a number of looks. */
function steady(value: () => number): () => boolean {
  let last = Number.NaN;
  let looks = 0;
  return () => {
    const now = value();
    looks = now === last ? looks + 1 : 0;
    last = now;
    return looks >= 20;
  };
}
