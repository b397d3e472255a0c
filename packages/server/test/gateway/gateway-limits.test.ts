import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { startCrowd } from 'wsproxy-test-support/sockets/crowd';
import { createGateway, type Gateway } from '../../src/gateway/gateway.js';
import {
  cleanUpWith,
  closeOf,
  exchange,
  openSocket,
  plain,
  startGateway,
  statusOf,
  upgrade,
  upgradeRaw,
} from './gateway-fixture.js';

describe('the time for a request', () => {
  test.each([
    ['nothing at all', ''],
    ['half a header', 'GET /tunnel HTTP/1.1\r\nHost: proxy.exa'],
  ])('runs out for %s', async (_, bytes) => {
    const hits: string[] = [];
    const guard = { takeConnection: () => true, hit: (limit: string) => void hits.push(limit) };
    const { port } = await startGateway({ handshakeTimeout: 100 }, '/tunnel', { guard });
    expect(statusOf(await exchange(port, bytes))).toBe(408);
    expect(hits).toEqual(['upgradeTimeout']);
  });

  test('runs out for one byte at a time', async () => {
    const { port } = await startGateway({ handshakeTimeout: 100 });
    const socket = openSocket(port);
    const closed = closeOf(socket);
    const drip = setInterval(() => socket.write('x'), 10);
    cleanUpWith(() => clearInterval(drip));
    socket.write('GET /tunnel HTTP/1.1\r\nX-Slow: ');
    socket.resume();
    await closed;
    clearInterval(drip);
    expect(socket.destroyed).toBe(true);
  });

  test('runs out for one request after another', async () => {
    const { port, refused } = await startGateway({ handshakeTimeout: 100 });
    const socket = openSocket(port);
    const closed = closeOf(socket);
    const beat = setInterval(() => socket.write(plain({ Expect: 'patience' }, 'GET / HTTP/1.1')), 10);
    cleanUpWith(() => clearInterval(beat));
    socket.resume();
    await closed;
    expect(refused).toEqual([404]);
  });

  test('is told in the log and to an observer', async () => {
    const { port, refused, logs } = await startGateway({ handshakeTimeout: 100 });
    await exchange(port, 'GET /tunnel HTTP/1.1');
    expect(refused).toEqual([408]);
    expect(logs).toEqual([
      {
        level: 'info',
        fields: { status: 408, reason: 'too late', remoteAddress: '127.0.0.1' },
        message: 'refused a request',
      },
    ]);
  });

  test('does not count for a WebSocket', async () => {
    const { port, transports, closed } = await startGateway({ handshakeTimeout: 100 });
    const { socket } = await upgradeRaw(port);
    // A later connection that runs out of time shows that the deadline of the first has passed too.
    expect(statusOf(await exchange(port, ''))).toBe(408);
    expect(socket.destroyed).toBe(false);
    expect(closed).toEqual([]);
    transports[0]?.transport.send([Buffer.from('still here')]);
    expect(String((await once(socket, 'data'))[0])).toContain('still here');
  });
});

describe('connections that wait to authenticate', () => {
  test('are bounded: one more takes the place of the oldest, which is counted, and told', async () => {
    const hits: string[] = [];
    const guard = { takeConnection: () => true, hit: (limit: string) => void hits.push(limit) };
    const { port, gateway } = await startGateway({ pendingConnections: 1 }, '/tunnel', { guard });
    const waiting = openSocket(port);
    const closed = closeOf(waiting);
    await once(waiting, 'connect');
    expect(statusOf((await upgradeRaw(port)).head)).toBe(101);
    await closed;
    expect([gateway.dropped, hits]).toEqual([1, ['unauthenticated']]);
  });

  test.each([
    ['in silence', ''],
    ['with half a request', 'GET /tunnel HTTP/1.1\r\nHost: proxy.exa'],
    ['with an expectation', plain({ Expect: 'patience' })],
    ['with a body that never comes', plain({ 'Content-Length': '9' }, 'POST /tunnel HTTP/1.1')],
  ])(
    'keep nobody out %s, however often they come',
    async (_, bytes) => {
      const { port } = await startGateway({ pendingConnections: 64 });
      cleanUpWith(startCrowd(port, 100, bytes));
      const statuses: number[] = [];
      for (let i = 0; i < 50; i += 1) {
        const { socket, head } = await upgradeRaw(port);
        statuses.push(statusOf(head));
        socket.destroy();
      }
      expect(statuses.filter((status) => status !== 101)).toEqual([]);
      // The crowd is in this process too, and takes most of what the machine has.
    },
    60_000,
  );

  test('do not include WebSockets', async () => {
    const { port, gateway } = await startGateway({ pendingConnections: 1 });
    const first = await upgradeRaw(port);
    const second = await upgradeRaw(port);
    expect([statusOf(first.head), statusOf(second.head)]).toEqual([101, 101]);
    expect(gateway.dropped).toBe(0);
  });

  test('do not include those that were refused', async () => {
    const { port, gateway } = await startGateway({ pendingConnections: 1 });
    for (let round = 0; round < 5; round += 1) {
      expect(statusOf(await exchange(port, upgrade({ Authorization: undefined })))).toBe(401);
    }
    expect(gateway.dropped).toBe(0);
  });
});

describe('a WebSocket that breaks RFC 6455', () => {
  const closeCodeOf = (frame: Buffer) => (frame[0] === 0x88 ? frame.readUInt16BE(2) : undefined);

  test.each([
    ['an unmasked frame', [0x82, 0x01, 0x00], 1002],
    ['an unknown opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['a compressed frame', [0xc2, 0x80, 0, 0, 0, 0], 1002],
    ['a message that declares more than 256 KiB', [0x82, 0xff, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0, 0], 1009],
  ])('by %s is closed, and the server lives on', async (_, bytes, code) => {
    const { port } = await startGateway();
    const { socket } = await upgradeRaw(port);
    socket.write(Buffer.from(bytes));
    const [frame] = await once(socket, 'data');
    expect(closeCodeOf(frame)).toBe(code);
    expect(statusOf((await upgradeRaw(port)).head)).toBe(101);
  });

  test('E25 by too many fragments is closed', async () => {
    const { port } = await startGateway();
    const { socket } = await upgradeRaw(port);
    const fragment = (opcode: number) => [opcode, 0x81, 0, 0, 0, 0, 0];
    socket.write(Buffer.from([...fragment(0x02), ...Array.from({ length: 64 }, () => fragment(0x00)).flat()]));
    const [frame] = await once(socket, 'data');
    expect(closeCodeOf(frame)).toBe(1008);
  });
});

test('a WebSocket whose peer leaves the close frame unanswered is cut off after 3 s', async () => {
  const { port, transports, closed } = await startGateway();
  const { socket } = await upgradeRaw(port);
  const isCut = closeOf(socket);
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  cleanUpWith(() => vi.useRealTimers());
  transports[0]?.transport.close(1000, '');
  await once(socket, 'data');
  vi.advanceTimersByTime(2_999);
  expect([socket.destroyed, closed]).toEqual([false, []]);
  vi.advanceTimersByTime(1);
  await isCut;
  vi.useRealTimers();
  await expect.poll(() => closed.length).toBe(1);
});

describe('close', () => {
  test('destroys what is not a WebSocket, and resolves when the WebSockets are gone', async () => {
    const { port, gateway, transports } = await startGateway();
    const { socket } = await upgradeRaw(port);
    const waiting = openSocket(port);
    await once(waiting, 'connect');
    await expect.poll(() => connectionsOf(gateway)).toBe(2);

    let isClosed = false;
    const closed = gateway.close().then(() => {
      isClosed = true;
    });
    await closeOf(waiting);
    await expect.poll(() => connectionsOf(gateway)).toBe(1);
    expect(isClosed).toBe(false);
    expect(socket.destroyed).toBe(false);

    transports[0]?.transport.terminate();
    await closed;
    expect(gateway.server.listening).toBe(false);
  });

  test('resolves for a gateway that never listened', async () => {
    const gateway = createGateway({
      path: '/',
      authenticate: () => undefined,
      acceptors: [],
      onTransport: () => () => {},
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    await expect(gateway.close()).resolves.toBeUndefined();
  });

  test('may be called twice', async () => {
    const { gateway } = await startGateway();
    await Promise.all([gateway.close(), gateway.close()]);
    expect(gateway.server.listening).toBe(false);
  });

  function connectionsOf(gateway: Gateway): Promise<number> {
    return new Promise((resolve) => gateway.server.getConnections((_, count) => resolve(count)));
  }
});
