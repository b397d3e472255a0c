import { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { type Channel, Session, silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { ChannelPlace } from '../../src/limits/channel-place.js';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';

/** A guard, and a channel that wants a place. */
function prepare(limits: LimitOptions = {}, isShared = false) {
  const clock = new FakeClock();
  const hits: string[] = [];
  const guard = new Guard({
    limits: resolveLimits(limits),
    clock,
    logger: silentLogger,
    onLimit: (limit) => hits.push(limit),
    isShared: () => isShared,
  });
  const session = new Session({ role: 'client', clock, memory: newMemory(), onDetached() {}, onClosed() {} });
  const channel: Channel = session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
  return { guard, channel, hits };
}

/** The channel has a place, and its destination this socket. */
function reach(guard: Guard, channel: Channel, socket: Socket): ChannelPlace {
  const place = ChannelPlace.take(guard, channel, { id: 'alice' });
  if (place?.takeSocket() !== true) throw new Error('no place');
  place.hold(socket);
  return place;
}

test('a channel beyond what its user may have gets no place, and one of another user does', () => {
  const { guard, channel, hits } = prepare({ channels: 2 }, true);
  const [mallory, bob] = [{ id: 'mallory' }, { id: 'bob' }];
  const first = ChannelPlace.take(guard, channel, mallory);
  expect(ChannelPlace.take(guard, channel, mallory)).toBeUndefined();
  expect([hits, guard.inUse.channels]).toEqual([['channels'], 1]);
  expect(ChannelPlace.take(guard, channel, bob)).toBeDefined();
  first?.leave();
  expect(ChannelPlace.take(guard, channel, mallory)).toBeDefined();
});

test('without a place for its socket nothing is held but the place of the channel', () => {
  const { guard, channel, hits } = prepare({ sockets: 1 });
  const [first, second] = [1, 2].map(() => ChannelPlace.take(guard, channel, { id: 'alice' }));
  expect([first?.takeSocket(), second?.takeSocket()]).toEqual([true, false]);
  expect([hits, guard.inUse.sockets, guard.inUse.channels]).toEqual([['sockets'], 1, 2]);
  second?.releaseSocket();
  second?.leave();
  expect([guard.inUse.sockets, guard.inUse.channels]).toEqual([1, 1]);
  first?.releaseSocket();
  first?.leave();
  expect(guard.inUse).toMatchObject({ sockets: 0, channels: 0 });
});

test('the place of a channel is given back when both it and its socket are gone, whichever goes first', () => {
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

test('a destination that has left its keepalive probes unanswered is a limit that was hit', () => {
  const { guard, channel, hits } = prepare();
  const socket = new Socket().on('error', () => {});
  reach(guard, channel, socket);
  socket.emit('error', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  expect(hits).toEqual([]);
  socket.emit('error', Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' }));
  expect(hits).toEqual(['keepalive']);
  socket.destroy();
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

test('a socket is given back once, however often it says that it is closed', () => {
  const { guard, channel } = prepare({ sockets: 2 });
  const socket = new Socket().on('error', () => {});
  reach(guard, channel, socket);
  socket.emit('close');
  socket.emit('close');
  expect([1, 2, 3].map(() => guard.takeConnection(new Socket()))).toEqual([true, true, false]);
  socket.destroy();
});

test('a dial that tries several addresses at a time takes a place for each, of what its user may have', () => {
  const { guard, channel } = prepare({ sockets: 8 }, true);
  const place = ChannelPlace.take(guard, channel, { id: 'mallory' });
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
