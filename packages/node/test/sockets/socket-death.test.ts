import { once } from 'node:events';
import { Duplex, duplexPair } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { connectedSockets, type Family, until } from 'wsproxy-test-support/sockets/connected-sockets';
import { tlsSockets } from 'wsproxy-test-support/sockets/tls-sockets';
import { endedByReset, isDead } from '../../src/sockets/socket-death.js';

const cleanup: Duplex[] = [];

afterEach(() => {
  for (const stream of cleanup.splice(0)) stream.destroy();
});

async function sockets(family: Family) {
  const [ours, theirs] = await connectedSockets(family);
  cleanup.push(ours, theirs);
  for (const socket of [ours, theirs]) socket.on('error', () => {});
  return { ours, theirs };
}

describe('the end of', () => {
  test.each<Family>(['TCP', 'Unix'])(
    'a %s socket is one when the peer has ended, no matter what our half does',
    async (family) => {
      for (const endsFirst of [true, false]) {
        const { ours, theirs } = await sockets(family);
        if (endsFirst) ours.end();
        theirs.end('last words');
        const ended = once(ours, 'end');
        ours.resume();
        await ended;
        expect(endedByReset(ours)).toBe(false);
      }
    },
  );

  test.each(['over TCP', 'over a stream'] as const)(
    'TLS %s is one when close_notify has come, with and without an end of TCP',
    async (kind) => {
      for (const isCut of [true, false]) {
        const { ours, theirs, raw } = await tlsSockets(kind);
        cleanup.push(ours, theirs, raw);
        theirs.end('last words');
        if (isCut) raw.end();
        const ended = once(ours, 'end');
        ours.resume();
        await ended;
        expect(endedByReset(ours)).toBe(false);
      }
    },
  );

  test('a stream that is no socket is one', async () => {
    const [stream, peer] = duplexPair();
    cleanup.push(stream, peer);
    peer.end();
    stream.resume();
    await once(stream, 'end');
    expect(endedByReset(stream)).toBe(false);
  });
});

describe('a socket that nobody reads', () => {
  test('is dead once its peer has reset it, behind an end of either half and before its bytes are read', async () => {
    for (const [ourEnd, theirEnd] of [
      [false, false],
      [true, false],
      [false, true],
    ]) {
      const { ours, theirs } = await sockets('TCP');
      ours.pause();
      if (ourEnd) {
        ours.end();
        await once(ours, 'finish');
      }
      theirs.write('last words');
      if (theirEnd) {
        ours.resume();
        theirs.end();
        await once(ours, 'end');
      }
      expect(isDead(ours)).toBe(false);
      theirs.resetAndDestroy();
      await until(() => isDead(ours));
      if (theirEnd) continue;
      const read = once(ours, 'data');
      ours.resume();
      const [bytes] = await read;
      expect(String(bytes)).toBe('last words');
    }
  });

  test('is dead when it is that below TLS', async () => {
    const { ours, theirs, raw } = await tlsSockets('over TCP');
    cleanup.push(ours, theirs, raw);
    expect(isDead(ours)).toBe(false);
    raw.resetAndDestroy();
    await until(() => isDead(ours));
  });

  test('is not dead when it has ended, or is full', async () => {
    const { ours, theirs } = await sockets('TCP');
    theirs.pause();
    while (ours.write(Buffer.alloc(65_536)) || ours.bytesWritten < 20_000_000)
      if (ours.writableLength > 1_000_000) break;
    expect(isDead(ours)).toBe(false);
    theirs.end();
    ours.resume();
    await once(ours, 'end');
    expect(isDead(ours)).toBe(false);
  });

  test('is not known to be dead when it is a Unix socket, or none', async () => {
    const { ours, theirs } = await sockets('Unix');
    ours.pause();
    theirs.end('whole');
    theirs.destroy();
    await once(theirs, 'close');
    expect(isDead(ours)).toBe(false);
    expect(isDead(new Duplex())).toBe(false);
  });
});
