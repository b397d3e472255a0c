import type { Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { connectedSockets, Observer, until } from 'wsproxy-test-support/sockets/connected-sockets';
import { closePolitely, resetPolitely } from '../../src/accept/close-politely.js';

const cleanup: Socket[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const socket of cleanup.splice(0)) socket.destroy();
});

/** Anyone who closes, and an application that does not read yet. */
async function pair(): Promise<[closing: Socket, application: Socket]> {
  const sockets = await connectedSockets('TCP');
  for (const socket of sockets) socket.on('error', () => {});
  cleanup.push(...sockets);
  sockets[0].resume();
  return sockets;
}

/** Far more than the system takes for an application that reads nothing. */
const MUCH = Buffer.alloc(20_000_000, 1);

describe('a polite close', () => {
  test('waits for an application that takes the last bytes late', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [socket, application] = await pair();
    socket.write(MUCH);
    closePolitely(socket, 'the last words');
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    const seen = new Observer(application);
    await seen.ended;
    expect([seen.bytes.length, seen.events]).toEqual([MUCH.length + 14, ['end']]);
  });

  test('of what was taken waits no more than a second for the application to close its side', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [socket, application] = await pair();
    const seen = new Observer(application);
    closePolitely(socket, 'reply');
    await seen.ended;
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(socket.destroyed).toBe(true);
    expect([String(seen.bytes), seen.events]).toEqual(['reply', ['end']]);
  });

  test('is a reset, never an end, when there is no more time for it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [socket, application] = await pair();
    socket.write(MUCH);
    closePolitely(socket);
    resetPolitely(socket);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
    await until(() => socket.destroyed);
    const seen = new Observer(application);
    await seen.closed;
    expect(seen.events).toEqual(['reset']);
  });

  test('is none for a socket that nobody closes: it is reset at once', async () => {
    const [socket, application] = await pair();
    const seen = new Observer(application);
    resetPolitely(socket);
    expect(socket.destroyed).toBe(true);
    await seen.closed;
    expect(seen.events).toEqual(['reset']);
  });
});
