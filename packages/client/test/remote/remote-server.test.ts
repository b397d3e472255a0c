import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, silentLogger, systemClock } from 'wsproxy-engine';
import { atEnd, endAll } from 'wsproxy-test-support/cleanup/at-end';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { TestTunnel } from 'wsproxy-test-support/test-tunnel';
import { until } from 'wsproxy-test-support/until';
import { KeptListener } from '../../src/remote/kept-listener.js';
import type { ListenWish } from '../../src/remote/listen-wish.js';
import { RemoteServer, type RemoteServerParts } from '../../src/remote/remote-server.js';
import type { TunnelSocket } from '../../src/sockets/tunnel-socket.js';
import { KeepAwake } from '../../src/tunnel/keep-awake.js';
import { FakeHomes } from './fake-homes.js';

const WISH: ListenWish = { kind: 'tcp', bind: '', port: 0, backlog: 0, name: 'mine', text: 'localhost:0' };
const AT = { host: '127.0.0.1', port: 8_000 };
const ARRIVAL = { peer: { host: '192.0.2.7', port: 50_000 }, local: AT, name: '' };

let homes: FakeHomes;
let awake: KeepAwake;
/** What comes is a channel of it. */
let tunnel: TestTunnel;
let events: string[];
let kept: KeptListener | undefined;

beforeEach(() => {
  homes = new FakeHomes();
  awake = new KeepAwake();
  tunnel = new TestTunnel((channel) => homes.home?.last.handler.onChannel(channel, ARRIVAL));
  events = [];
  kept = undefined;
});

afterEach(async () => {
  tunnel.close();
  await endAll();
});

function start(parts: Partial<RemoteServerParts> = {}, wish: ListenWish = WISH): RemoteServer {
  const server = new RemoteServer({
    listen: async (taker, onChange) => {
      const listener: KeptListener = new KeptListener(
        homes,
        wish,
        {
          onChange: () => onChange(listener),
          onChannel: (channel, arrival) => taker.takeChannel(channel, arrival, () => channel.accept()),
          onFlow: (flow) =>
            taker.takeFlow(
              flow,
              () => false,
              () => flow.accept(),
            ),
        },
        { clock: systemClock, logger: silentLogger },
      );
      kept = listener;
      listener.start();
      return listener;
    },
    connect: async () => {},
    allowHalfOpen: undefined,
    awake,
    keepAwakeFor: () => {},
    ...parts,
  });
  atEnd(() => server[Symbol.asyncDispose]());
  server.on('listening', () => events.push('listening'));
  server.on('error', (error) => events.push(`error ${'code' in error ? error.code : error.message}`));
  server.on('close', () => events.push('close'));
  return server;
}

async function listening(parts?: Partial<RemoteServerParts>): Promise<RemoteServer> {
  homes.begin();
  const server = start(parts);
  await until('it was asked for', () => kept !== undefined);
  homes.home?.last.accept(AT);
  return server;
}

/** Somebody comes; what the program sees, and what the other end does. */
async function arrive(server: RemoteServer): Promise<{ socket: TunnelSocket; far: Recorder; channel: Channel }> {
  const far = new Recorder();
  const connected = once(server, 'connection') as Promise<[TunnelSocket]>;
  const channel = far.take(tunnel.open({ host: 'a', port: 1 }, far)).channel;
  const [socket] = await connected;
  socket.on('error', () => {});
  return { socket, far, channel };
}

describe('a remote server', () => {
  test('listens when the server does, and says where', async () => {
    homes.begin();
    const server = start();
    expect([server.listening, server.address()]).toEqual([false, null]);
    await until('it was asked for', () => kept !== undefined);
    homes.home?.last.accept({ host: '::1', port: 8_000 });
    expect([server.listening, server.address()]).toEqual([true, { address: '::1', family: 'IPv6', port: 8_000 }]);
    expect(events).toEqual(['listening']);
  });

  test.each([
    ['unix', '/run/wsproxy/a'],
    ['http', 'app.example.org'],
  ] as const)('for %s says in one word where that is: %s', async (kind, bind) => {
    homes.begin();
    const server = start({}, { ...WISH, kind, bind });
    await until('it was asked for', () => kept !== undefined);
    homes.home?.last.accept({ host: '', port: 0 });
    expect(server.address()).toBe(bind);
  });

  test('that is refused at first fails with the reason, and is not asked for again', async () => {
    homes.begin();
    const server = start();
    await until('it was asked for', () => kept !== undefined);
    homes.home?.last.die('DENIED');
    await until('it is over', () => events.length === 2);
    expect([events, kept?.state, server.address()]).toEqual([['error DENIED', 'close'], 'closed', null]);
    await server[Symbol.asyncDispose]();
  });

  test('that is refused later listens again as soon as it may', async () => {
    const server = await listening();
    const first = homes.home;
    homes.begin();
    homes.home?.last.die('DENIED');
    first?.last.die('SESSION_LOST');
    expect([server.listening, server.address(), events]).toEqual([false, null, ['listening']]);
    homes.begin();
    homes.home?.last.accept({ host: '127.0.0.1', port: 8_001 });
    expect([events, server.address()]).toEqual([
      ['listening', 'listening'],
      { address: '127.0.0.1', family: 'IPv4', port: 8_001 },
    ]);
  });

  test.each<[string, Partial<RemoteServerParts>]>([
    ['there can be no tunnel', { connect: () => Promise.reject(new Error('no way')) }],
    ['it cannot be asked for', { listen: () => Promise.reject(new Error('no way')) }],
  ])('fails when %s', async (_title, parts) => {
    start(parts);
    await until('it is over', () => events.length === 2);
    expect([events, kept?.state ?? 'closed']).toEqual([['error no way', 'close'], 'closed']);
  });

  test('that is closed before it was asked for closes what comes of that', async () => {
    homes.begin();
    const closed = new Promise<void>((resolve) => start().close(resolve));
    await closed;
    await until('it is over', () => kept?.state === 'closed');
    expect([events, homes.home?.last.isClosed]).toEqual([['close'], true]);
  });

  test('keeps the process alive, or does not', async () => {
    const [hold, release] = [vi.spyOn(awake, 'hold'), vi.spyOn(awake, 'release')];
    const early = start().unref();
    await until('it was asked for', () => kept !== undefined);
    homes.begin();
    homes.home?.last.accept(AT);
    expect(release).toHaveBeenCalledExactlyOnceWith(kept);
    early.ref();
    expect(hold).toHaveBeenCalledExactlyOnceWith(kept);
    early.close().ref().unref();
    expect([hold.mock.calls.length, release.mock.calls.length]).toEqual([1, 1]);
  });
});

describe('who comes', () => {
  test('is a socket that knows both ends, carries bytes and ends as one of the system', async () => {
    const { socket, far, channel } = await arrive(await listening({ allowHalfOpen: true }));
    const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, localFamily } = socket;
    expect([remoteAddress, remotePort, remoteFamily]).toEqual(['192.0.2.7', 50_000, 'IPv4']);
    expect([localAddress, localPort, localFamily]).toEqual(['127.0.0.1', 8_000, 'IPv4']);
    expect([socket.address(), socket.readyState, socket.pending, socket.connecting]).toEqual([
      { address: '127.0.0.1', family: 'IPv4', port: 8_000 },
      'open',
      false,
      false,
    ]);
    channel.write(Buffer.from('question'));
    const [question] = (await once(socket, 'data')) as [Buffer];
    expect(String(question)).toBe('question');
    channel.end();
    await once(socket, 'end');
    socket.end('answer');
    await until('the answer', () => far.text === 'answer' && far.events.includes('end'));
    expect(() => socket.connect(1, 'a')).toThrow(expect.objectContaining({ code: 'EISCONN' }));
  });

  test('and resets is an error of the system; and the other way round', async () => {
    const server = await listening();
    const first = await arrive(server);
    const failed = once(first.socket, 'error');
    first.channel.reset('CONNECTION_RESET');
    expect(await failed).toMatchObject([{ code: 'ECONNRESET', syscall: 'read' }]);
    const second = await arrive(server);
    second.socket.resetAndDestroy();
    await until('the reset', () => second.far.events.includes('reset CONNECTION_RESET'));
  });

  test('goes on when the server is closed, which is told when the last one has gone', async () => {
    const server = await listening({ allowHalfOpen: true });
    const { socket, far } = await arrive(server);
    server.close(() => events.push('called'));
    expect(server.listening).toBe(false);
    socket.write('still here');
    await until('it goes on', () => far.text === 'still here');
    expect(events).toEqual(['listening']);
    socket.destroy();
    await until('it is closed', () => events.length === 3);
    expect(events).toEqual(['listening', 'close', 'called']);
  });
});
