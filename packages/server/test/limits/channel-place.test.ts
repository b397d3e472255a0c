import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { type Channel, Session } from 'wsproxy-engine';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { ChannelPlace } from '../../src/limits/channel-place.js';
import type { Guard } from '../../src/limits/guard.js';
import { LeftPorts } from '../../src/limits/left-ports.js';
import type { LimitOptions } from '../../src/limits/limits.js';
import { atOnce, newGuard } from './new-guard.js';

/** A guard, and a channel that wants a place. */
function prepare(limits: LimitOptions = {}, isShared = false) {
  const { clock, guard, hits } = newGuard(limits, isShared);
  const session = new Session({ role: 'client', clock, memory: newMemory(), onDetached() {}, onClosed() {} });
  const channel: Channel = session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
  return { guard, channel, hits };
}

/** The channel has a place, and its destination this socket. */
function reach(guard: Guard, channel: Channel, socket: Socket): ChannelPlace {
  const place = atOnce(ChannelPlace.take(guard, channel, { id: 'alice' }));
  if (place?.takeSocket() !== true) throw new Error('no place');
  place.hold({ socket });
  return place;
}

test('a channel beyond what its user may have gets no place, and one of another user does', () => {
  const { guard, channel, hits } = prepare({ channels: 2 }, true);
  const [mallory, bob] = [{ id: 'mallory' }, { id: 'bob' }];
  const first = atOnce(ChannelPlace.take(guard, channel, mallory));
  expect(atOnce(ChannelPlace.take(guard, channel, mallory))).toBeUndefined();
  expect([hits, guard.inUse.channels]).toEqual([['channels'], 1]);
  expect(atOnce(ChannelPlace.take(guard, channel, bob))).toBeDefined();
  first?.leave();
  expect(atOnce(ChannelPlace.take(guard, channel, mallory))).toBeDefined();
});

test('without a place for its socket nothing is held but the place of the channel', () => {
  const { guard, channel, hits } = prepare({ sockets: 1 });
  const [first, second] = [1, 2].map(() => atOnce(ChannelPlace.take(guard, channel, { id: 'alice' })));
  expect([first?.takeSocket(), second?.takeSocket()]).toEqual([true, false]);
  expect([hits, guard.inUse.sockets, guard.inUse.channels]).toEqual([['sockets'], 1, 2]);
  second?.releaseSocket();
  second?.leave();
  expect([guard.inUse.sockets, guard.inUse.channels]).toEqual([1, 1]);
  first?.releaseSocket();
  first?.leave();
  expect(guard.inUse).toMatchObject({ sockets: 0, channels: 0 });
});

test('the place of a channel is given back when both it and its socket are gone, no matter which goes first', () => {
  const { guard, channel } = prepare();
  const [early, late] = [new Socket(), new Socket()];
  const places = [early, late].map((socket) => reach(guard, channel, socket));
  early.emit('close');
  places[1]?.leave();
  expect(guard.inUse).toMatchObject({ channels: 2, sockets: 1 });
  places[0]?.leave();
  late.emit('close');
  expect(guard.inUse).toMatchObject({ channels: 0, sockets: 0 });
});

test.each([
  ['ECONNRESET', []],
  ['ETIMEDOUT', ['keepalive']],
])('a destination that has left its keepalive probes unanswered is a limit that was hit: %s', async (code, hit) => {
  const { guard, channel, hits } = prepare();
  const socket = new Socket().on('error', () => {});
  reach(guard, channel, socket);
  socket.destroy(Object.assign(new Error(`read ${code}`), { code }));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(hits).toEqual(hit);
});

test.each([
  [30_000, [true, 30_000]],
  [0, [false, 0]],
])('a keepalive of %d ms is set for the socket of a destination', (keepalive, expected) => {
  const { guard, channel } = prepare({ keepalive });
  const socket = new Socket().on('error', () => {});
  const setKeepAlive = vi.spyOn(socket, 'setKeepAlive');
  reach(guard, channel, socket);
  expect(setKeepAlive.mock.calls).toEqual([expected]);
  socket.destroy();
});

describe('the local port of a connection', () => {
  const ENDPOINT = '127.0.0.1 1';

  /** The two ends of a connection, that of the destination last. */
  async function join(): Promise<[Socket, Socket]> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    atEnd(() => server.close());
    await once(server, 'listening');
    const socket = connect({
      port: (server.address() as { port: number }).port,
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    const [[destination]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
    for (const end of [socket, destination]) end.on('error', () => {}).resume();
    return [socket, destination];
  }

  test.each<[string, number, (socket: Socket, destination: Socket) => Promise<unknown>]>([
    [
      'left when this side ends first',
      1,
      async (socket, destination) => {
        socket.end();
        await once(destination, 'end');
        destination.end();
      },
    ],
    [
      'left when this side goes away behind its end',
      1,
      async (socket) => {
        socket.end();
        await once(socket, 'finish');
        socket.destroy();
      },
    ],
    [
      'not left when the destination ends first',
      0,
      async (socket, destination) => {
        destination.end();
        await once(socket, 'end');
        socket.end();
      },
    ],
    ['not left when the destination resets', 0, async (_, destination) => destination.resetAndDestroy()],
    ['not left when this side resets', 0, async (socket) => socket.resetAndDestroy()],
  ])('is %s', async (_, left, close) => {
    const { guard, channel } = prepare();
    const [socket, destination] = await join();
    const place = atOnce(ChannelPlace.take(guard, channel, { id: 'alice' }));
    place?.takeSocket();
    place?.hold({ socket, endpoint: ENDPOINT });
    const closed = once(socket, 'close').catch(() => {});
    await close(socket, destination);
    await closed;
    const { leftPorts } = guard.accounts.of({ id: 'alice' });
    expect(leftPorts.count(LeftPorts.counterOf(ENDPOINT), guard.clock.now())).toBe(left);
    destination.destroy();
  });

  test('of another user is none of theirs, and who has left all of theirs is told so', () => {
    const { guard, channel, hits } = prepare({ portsPerDestination: 2 }, true);
    const [mallory, bob] = [{ id: 'mallory' }, { id: 'bob' }];
    const places = [mallory, bob].map((user) => atOnce(ChannelPlace.take(guard, channel, user)));
    guard.accounts.of(mallory).leftPorts.add(LeftPorts.counterOf(ENDPOINT), guard.clock.now());
    expect(places.map((place) => place?.hasPort(ENDPOINT))).toEqual([false, true]);
    expect(hits).toEqual(['portsPerDestination']);
  });
});

test('a socket is given back once, however often it says that it is closed', () => {
  const { guard, channel } = prepare({ sockets: 2 });
  const socket = new Socket().on('error', () => {});
  reach(guard, channel, socket);
  socket.emit('close');
  socket.emit('close');
  expect([1, 2, 3].map(() => guard.takeConnection(new Socket()))).toEqual([true, true, false]);
  socket.destroy();
});

describe('the socket of a stranger', () => {
  test('that is left to somebody else is counted once, and not again when it closes', () => {
    const { guard } = prepare({ sockets: 4 });
    const [one, two, three] = [new Socket(), new Socket(), new Socket()];
    const taken = [one, two, three, one, new Socket()].map((socket) => guard.takeStranger(socket));
    expect(taken).toEqual([true, true, true, true, false]);
    guard.leaveStranger(one);
    guard.leaveStranger(one);
    one.emit('close');
    expect([1, 2].map(() => guard.takeStranger(new Socket()))).toEqual([true, false]);
  });

  test('has no place that is kept for clients', () => {
    const { guard } = prepare({ sockets: 4 });
    while (guard.takeStranger(new Socket()));
    expect([1, 2].map(() => guard.takeConnection(new Socket()))).toEqual([true, false]);
  });

  test('counts in the share of the user whom it waits for, and of nobody else', () => {
    const { guard, channel, hits } = prepare({ sockets: 8 }, true);
    const [mallory, bob] = [{ id: 'mallory' }, { id: 'bob' }];
    const visits = [1, 2, 3, 4].map(() => guard.beginVisit(mallory));
    expect(visits.map((end) => end !== undefined)).toEqual([true, true, true, false]);
    expect(atOnce(ChannelPlace.take(guard, channel, mallory))?.takeSocket()).toBe(false);
    expect(guard.beginVisit(bob)).toBeDefined();
    visits[0]?.();
    expect(guard.beginVisit(mallory)).toBeDefined();
    expect(hits).toEqual(['sockets', 'sockets']);
  });
});

test('a dial that tries several addresses at a time takes a place for each, of what its user may have', () => {
  const { guard, channel } = prepare({ sockets: 8 }, true);
  const place = atOnce(ChannelPlace.take(guard, channel, { id: 'mallory' }));
  expect(place?.takeSocket()).toBe(true);
  const taken = [1, 2, 3].map(() => place?.takeAttempt());
  expect(guard.inUse.sockets).toBe(3);
  place?.releaseAttempt();
  expect(guard.inUse.sockets).toBe(2);
  place?.releaseAttempt();
  place?.releaseSocket();
  // Six are for destinations, and three of those for one user: that of the dial itself, and two more.
  expect(taken).toEqual([true, true, false]);
  expect(guard.inUse.sockets).toBe(0);
});
