import { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Session, silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { sessionSide } from '../../../engine/test/support/session-side.js';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';

/** A guard, and a channel that asks to be dialled. */
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
  const session = new Session({ role: 'client', clock, onDetached() {}, onClosed() {} });
  const channel = sessionSide(session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} }));
  return { guard, channel, hits };
}

test('a destination that has left its keepalive probes unanswered is a limit that was hit', () => {
  const { guard, channel, hits } = prepare();
  const socket = new Socket().on('error', () => {});
  guard.admit(channel, { id: 'alice' }, guard.beginSession(), (admitted) => admitted.succeeded(socket));
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
  guard.admit(channel, { id: 'alice' }, guard.beginSession(), (admitted) => admitted.succeeded(socket));
  expect(setKeepAlive.mock.calls).toEqual([expected]);
  socket.destroy();
});

test('a socket is given back once, however often it says that it is closed', () => {
  const { guard, channel } = prepare({ sockets: 2 });
  const socket = new Socket().on('error', () => {});
  guard.admit(channel, { id: 'alice' }, guard.beginSession(), (admitted) => admitted.succeeded(socket));
  socket.emit('close');
  socket.emit('close');
  expect([1, 2, 3].map(() => guard.takeConnection(new Socket()))).toEqual([true, true, false]);
  socket.destroy();
});

test('a dial that tries several addresses at a time takes a place for each, of what its user may have', () => {
  const { guard, channel } = prepare({ sockets: 8 }, true);
  let taken: boolean[] = [];
  guard.admit(channel, { id: 'mallory' }, guard.beginSession(), (admitted) => {
    taken = [1, 2, 3].map(() => admitted.takeAttempt());
    expect(guard.inUse.sockets).toBe(3);
    admitted.releaseAttempt();
    expect(guard.inUse.sockets).toBe(2);
    admitted.releaseAttempt();
    admitted.failed();
  });
  // Six are for destinations, and three of those for one user: that of the dial itself, and two more.
  expect(taken).toEqual([true, true, false]);
  expect(guard.inUse.sockets).toBe(0);
});

test('memory is bounded for each session, and for all of them together', () => {
  const { guard, hits } = prepare({ memory: 300_000, memoryPerSession: 150_000 });
  const [first, second] = [guard.memoryOf({ id: 'alice' }), guard.memoryOf({ id: 'bob' })];
  expect([first.windows.room, first.replay.room]).toEqual([100_000, 50_000]);
  first.windows.take(100_000);
  expect([first.windows.room, first.replay.room, second.windows.room, hits]).toEqual([
    0,
    50_000,
    50_000,
    ['memoryPerSession'],
  ]);
  second.windows.take(50_000);
  expect([second.windows.room, hits]).toEqual([0, ['memoryPerSession', 'memory']]);
});

test('one user has half of the memory for all, in whatever number of sessions, where there may be others', () => {
  const { guard } = prepare({ memory: 400_000, memoryPerSession: 300_000 }, true);
  const mallory = { id: 'mallory' };
  const theirs = [guard.memoryOf(mallory), guard.memoryOf(mallory)];
  theirs[0]?.windows.take(80_000);
  expect([theirs[1]?.windows.room, theirs[1]?.replay.room]).toEqual([20_000, 100_000]);
  theirs[1]?.windows.take(30_000);
  expect(theirs.map(({ windows }) => windows.room)).toEqual([0, 0]);
  expect(guard.memoryOf({ id: 'bob' }).windows.room).toBe(90_000);
  theirs[0]?.windows.release(80_000);
  expect(guard.memoryOf(mallory).windows.room).toBe(70_000);
});
