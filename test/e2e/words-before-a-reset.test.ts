import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startUnread } from 'wsproxy-test-support/destinations/unread';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { byConnect, bySocks5, connectTo } from 'wsproxy-test-support/sockets/application';
import { kernelQueues } from 'wsproxy-test-support/sockets/kernel-sockets';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel, type Tunnel, type TunnelOptions } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const TRIALS = 20;
const WORDS = Buffer.concat([
  Buffer.from('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4000\r\n\r\n'),
  keystreamBytes('last words', 4000),
]);
const FLOOD = Buffer.alloc(100_000_000);

type Open = (tunnel: Tunnel, port: number) => Promise<Socket>;
const WAYS: [string, Open][] = [
  ['SOCKS5', ({ port }, to) => bySocks5(port, '127.0.0.1', to)],
  ['CONNECT', ({ port }, to) => byConnect(port, '127.0.0.1', to)],
];
/** These always lead through the tunnel. */
const FORWARDS: [string, Open][] = [
  [
    'a forwarded port',
    async ({ client }, to) => connectTo((await client.forward({ target: `127.0.0.1:${to}`, port: 0 })).address.port),
  ],
  [
    'a forwarded Unix socket',
    async ({ client }, to) => {
      const path = join(temporaryFolder(), 'socket');
      await client.forward({ target: `127.0.0.1:${to}`, path });
      const socket = connect({ path, allowHalfOpen: true });
      socket.on('error', () => {});
      atEnd(() => socket.destroy());
      return socket;
    },
  ],
];

const PLACES: [string, TunnelOptions, [string, Open][]][] = [
  ['through the tunnel', {}, [...WAYS, ...FORWARDS]],
  ['past the tunnel', { client: { bypass: ['127.0.0.0/8'] }, server: { allowPrivate: false } }, WAYS],
];

/** Answers in the middle of what it is sent, and closes with the rest unread: a reset follows. */
function interrupt(socket: Socket): void {
  const onData = (): void => {
    if (socket.bytesRead < 100_000) return;
    socket.off('data', onData).pause();
    socket.write(WORDS, () => socket.destroy());
  };
  socket.on('data', onData).resume();
}

/**
 * Sends until it is cut off, and says what came. It sends all in one write: Node reads before it goes on with that one, but
 * not before it begins another.
 */
async function flood(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('end', () => socket.destroy()).resume();
  socket.write(FLOOD);
  await until('the connection is over', () => socket.destroyed);
  return Buffer.concat(chunks);
}

describe.each(PLACES)('%s', (_place, options, ways) => {
  test.each(ways)('the answer to an upload that is refused half way arrives by %s', async (_way, open) => {
    const [tunnel, destination] = await Promise.all([startTunnel(options), listen(interrupt)]);
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const socket = await open(tunnel, destination.port);
      expect((await flood(socket)).equals(WORDS)).toBe(true);
    }
  });

  test.each(ways)('what an application says last in the middle of a download arrives by %s', async (_way, open) => {
    const heard: Promise<Buffer>[] = [];
    const [tunnel, destination] = await Promise.all([
      startTunnel(options),
      listen((socket) => void heard.push(flood(socket))),
    ]);
    for (let trial = 0; trial < TRIALS; trial += 1) {
      interrupt(await open(tunnel, destination.port));
      await until('the destination has been reached', () => heard.length > trial);
      expect((await heard[trial])?.equals(WORDS)).toBe(true);
    }
  });

  test('the answer to a plain request that is refused half way arrives', async () => {
    const [{ port }, destination] = await Promise.all([startTunnel(options), listen(interrupt)]);
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const socket = await connectTo(port);
      const head = `POST http://127.0.0.1:${destination.port}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n`;
      socket.write(head);
      const answer = await flood(socket);
      expect(answer.subarray(0, 12).toString()).toBe('HTTP/1.1 413');
      expect(answer.subarray(-4000).equals(WORDS.subarray(-4000))).toBe(true);
    }
  });

  test('a plain request that nobody reads ends with its application', async () => {
    const [{ client, port }, destination] = await Promise.all([startTunnel(options), startUnread()]);
    const socket = await connectTo(port);
    socket.write(
      `POST http://127.0.0.1:${destination.port}/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${FLOOD.length}\r\n\r\n`,
    );
    socket.write(FLOOD);
    await until('the destination has been reached', () => destination.sockets.size === 1);
    let waiting = 0;
    let looks = 0;
    await until('nothing moves any more', () => {
      const now = kernelQueues(port) + kernelQueues(destination.port);
      looks = now === waiting ? looks + 1 : 0;
      waiting = now;
      return looks === 20;
    });
    socket.resetAndDestroy();
    await until('no channel is left', () => client.channelCount === 0);
    await until('the destination is told', () => [...destination.sockets].every((each) => !isConnected(each)));
  });
});

/** A paused socket is told of nothing; the system knows. */
function isConnected(socket: Socket): boolean {
  const { _handle: handle } = socket as unknown as { _handle: { getpeername(out: object): number } | null };
  return handle?.getpeername({}) === 0;
}
