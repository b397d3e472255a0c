import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { connectedSockets } from 'wsproxy-test-support/sockets/connected-sockets';
import { ConnectionTables, readAtMost } from '../../src/sockets/connection-tables.js';
import { peerHasRead as peerHasReadBy } from '../../src/sockets/peer-has-read.js';

const cleanups: (() => unknown)[] = [];

/** Other tests may leave more rows behind, for a minute, than a proxy would read. */
const tables = new ConnectionTables((path) => readAtMost(path, 1 << 26), 1);
const peerHasRead = (socket: Socket) => peerHasReadBy(socket, tables);
/** Among so many each look takes its time. */
const PATIENCE = { timeout: 20_000 };

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function sockets(family: 'TCP' | 'Unix') {
  const pair = await connectedSockets(family);
  cleanups.push(() => pair.map((socket) => socket.destroy()));
  return pair;
}

describe.runIf(process.platform === 'linux')('whether the other end has read', { timeout: 60_000 }, () => {
  it.each([0, 1])('is told of end %i of TCP', async (index) => {
    const pair = await sockets('TCP');
    const [ours, theirs] = index === 0 ? pair : [pair[1], pair[0]];
    expect(await peerHasRead(ours)).toBe(true);
    // More than Node reads of itself.
    theirs.pause();
    ours.write(Buffer.alloc(1 << 20));
    await expect.poll(() => peerHasRead(ours), PATIENCE).toBe(false);
    theirs.resume();
    await expect.poll(() => peerHasRead(ours), PATIENCE).toBe(true);
  });

  it('is told of no stream that says it has the addresses of a connection', async () => {
    const [{ localAddress = '', localPort, remoteAddress = '', remotePort }] = await sockets('TCP');
    const stream = Object.assign(new PassThrough(), { localAddress, localPort, remoteAddress, remotePort });
    expect(await peerHasReadBy(stream, tables)).toBe(undefined);
  });

  it('is told of this connection, and of none with the same ports at other addresses', async () => {
    const [ours, theirs] = await sockets('TCP');
    const other = createServer((socket) => cleanups.push(() => socket.destroy()));
    other.listen(ours.localPort, '127.0.0.9');
    await once(other, 'listening');
    const stranger = connect({
      port: ours.localPort as number,
      host: '127.0.0.9',
      localAddress: '127.0.0.9',
      localPort: ours.remotePort as number,
    });
    stranger.pause();
    cleanups.push(
      () => other.close(),
      () => stranger.destroy(),
    );
    const [[accepted]] = (await Promise.all([once(other, 'connection'), once(stranger, 'connect')])) as [[Socket], []];
    accepted.write(Buffer.alloc(1 << 20));
    await expect.poll(() => peerHasRead(accepted), PATIENCE).toBe(false);
    theirs.resume();
    expect(await peerHasRead(ours)).toBe(true);
  });

  it('is told to many by few looks', async () => {
    const pairs = await Promise.all(Array.from({ length: 20 }, () => sockets('TCP')));
    expect(await Promise.all(pairs.map(([ours]) => peerHasRead(ours)))).toEqual(pairs.map(() => true));
  });

  it('is not known where there are too many connections', async () => {
    const [ours] = await sockets('TCP');
    expect(await peerHasReadBy(ours, new ConnectionTables(async () => undefined))).toBeUndefined();
  });

  it('is not known of a Unix socket', async () => {
    const [ours] = await sockets('Unix');
    expect(await peerHasRead(ours)).toBeUndefined();
  });
});
