import { getEventListeners } from 'node:events';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { connectFirst } from '../../src/dial/happy-eyeballs.js';
import type { AttemptRoom } from '../../src/dial/race/race.js';

/** A race whose attempts connect and fail by hand. */
function startRace(
  addresses: readonly string[],
  signal: AbortSignal = new AbortController().signal,
  room?: AttemptRoom,
) {
  const clock = new FakeClock();
  const sockets = new Map<string, Socket>();
  const connect = (address: string) => {
    const socket = new Socket();
    sockets.set(address, socket);
    return socket;
  };
  const socketOf = (address: string) => {
    const socket = sockets.get(address);
    if (socket === undefined) throw new Error(`no attempt at ${address}`);
    return socket;
  };
  return {
    clock,
    result: connectFirst(addresses, { connect, clock, attemptDelay: 250, signal, room }),
    attempts: () => [...sockets.keys()],
    socketOf,
    succeed: (address: string) => socketOf(address).emit('connect'),
    fail: (address: string, code: string) => socketOf(address).emit('error', Object.assign(new Error(code), { code })),
  };
}

describe('the order of attempts', () => {
  test.each([
    [
      ['2001:db8::1', '2001:db8::2', '2001:db8::3', '192.0.2.1', '192.0.2.2'],
      ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2', '2001:db8::3'],
    ],
    [
      ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
      ['192.0.2.1', '2001:db8::1', '192.0.2.2'],
    ],
    [
      ['192.0.2.2', '192.0.2.1'],
      ['192.0.2.2', '192.0.2.1'],
    ],
  ])('alternates the families of %j, the first one leading', async (addresses, expected) => {
    const race = startRace(addresses);
    race.clock.advance(250 * addresses.length);
    expect(race.attempts()).toEqual(expected);
    race.succeed(expected[0] ?? '');
    await race.result;
  });
});

describe('the next attempt', () => {
  test('starts 250 ms after the last one', async () => {
    const race = startRace(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    expect(race.attempts()).toHaveLength(1);
    race.clock.advance(249);
    expect(race.attempts()).toHaveLength(1);
    race.clock.advance(1);
    expect(race.attempts()).toHaveLength(2);
    race.clock.advance(250);
    expect(race.attempts()).toHaveLength(3);
    race.succeed('192.0.2.1');
    await race.result;
  });

  test('starts as soon as one fails, and has its own 250 ms then', async () => {
    const race = startRace(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    race.clock.advance(200);
    race.fail('192.0.2.1', 'ECONNREFUSED');
    expect(race.attempts()).toHaveLength(2);
    race.clock.advance(249);
    expect(race.attempts()).toHaveLength(2);
    race.clock.advance(1);
    expect(race.attempts()).toHaveLength(3);
    race.succeed('192.0.2.3');
    await race.result;
  });
});

describe('room for more than one attempt', () => {
  /** Places for attempts beyond the first one. */
  function roomFor(places: number) {
    let taken = 0;
    const room = {
      tryAnother() {},
      takeAttempt: () => taken < places && ++taken > 0,
      releaseAttempt: () => {
        taken -= 1;
      },
    };
    return { room, taken: () => taken };
  }
  const five = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5'];
  const { signal } = new AbortController();

  test('is taken for each beyond the first, and given back with all but the winner', async () => {
    const { room, taken } = roomFor(10);
    const race = startRace(five, signal, room);
    expect(taken()).toBe(0);
    race.clock.advance(250 * 5);
    expect([race.attempts().length, taken()]).toEqual([5, 4]);
    race.fail('192.0.2.1', 'ECONNREFUSED');
    expect(taken()).toBe(3);
    race.succeed('192.0.2.4');
    await race.result;
    expect(taken()).toBe(0);
  });

  test('that there is not is waited for by the next one', async () => {
    const { room, taken } = roomFor(1);
    const race = startRace(five, signal, room);
    race.clock.advance(5_000);
    expect(race.attempts()).toHaveLength(2);
    // Its place is the next one's.
    race.fail('192.0.2.1', 'ECONNREFUSED');
    expect([race.attempts().length, taken()]).toEqual([3, 1]);
    room.releaseAttempt();
    race.clock.advance(250);
    expect([race.attempts().length, taken()]).toEqual([4, 1]);
    race.succeed('192.0.2.2');
    await race.result;
  });

  test('is not needed for one after the other', async () => {
    const { room, taken } = roomFor(0);
    const race = startRace(five, signal, room);
    for (const address of five) {
      race.clock.advance(1_000);
      expect(race.attempts().at(-1)).toBe(address);
      race.fail(address, 'ECONNREFUSED');
    }
    await expect(race.result).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
    expect(taken()).toBe(0);
  });

  test('is given back when the race is given up', async () => {
    const { room, taken } = roomFor(10);
    const controller = new AbortController();
    const race = startRace(five, controller.signal, room);
    race.clock.advance(1_000);
    expect(taken()).toBe(4);
    controller.abort(new Error('given up'));
    await expect(race.result).rejects.toThrow('given up');
    expect(taken()).toBe(0);
  });
});

describe('the winner', () => {
  test('is the first to connect, and the others are destroyed', async () => {
    const race = startRace(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    race.clock.advance(250);
    race.succeed('192.0.2.2');
    expect(await race.result).toEqual({ socket: race.socketOf('192.0.2.2'), address: '192.0.2.2' });
    expect(race.socketOf('192.0.2.1').destroyed).toBe(true);
    expect(race.socketOf('192.0.2.2').destroyed).toBe(false);
    race.clock.advance(1_000);
    expect(race.attempts()).toHaveLength(2);
    expect(race.clock.pending).toBe(0);
  });

  test('may be the first attempt long after later ones began', async () => {
    const race = startRace(['192.0.2.1', '192.0.2.2']);
    race.clock.advance(5_000);
    expect(race.socketOf('192.0.2.1').destroyed).toBe(false);
    race.succeed('192.0.2.1');
    expect((await race.result).address).toBe('192.0.2.1');
    expect(race.socketOf('192.0.2.2').destroyed).toBe(true);
  });

  test('carries no listener of the race', async () => {
    const race = startRace(['192.0.2.1']);
    race.succeed('192.0.2.1');
    const { socket } = await race.result;
    expect(socket.listenerCount('error')).toBe(0);
    expect(socket.listenerCount('connect')).toBe(0);
    expect(socket.listenerCount('data')).toBe(0);
  });
});

describe('failure', () => {
  test('comes when every attempt has failed, with the most informative reason', async () => {
    const race = startRace(['2001:db8::1', '192.0.2.1']);
    race.fail('2001:db8::1', 'ENETUNREACH');
    race.fail('192.0.2.1', 'ECONNREFUSED');
    await expect(race.result).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
      message: 'ENETUNREACH; ECONNREFUSED',
    });
    expect(race.clock.pending).toBe(0);
  });

  test('waits for an attempt that is still running', async () => {
    const race = startRace(['192.0.2.1', '192.0.2.2']);
    race.clock.advance(250);
    race.fail('192.0.2.2', 'ECONNREFUSED');
    race.succeed('192.0.2.1');
    expect((await race.result).address).toBe('192.0.2.1');
  });
});

describe('an abort', () => {
  test('destroys every attempt at once and rejects with its reason', async () => {
    const controller = new AbortController();
    const race = startRace(['192.0.2.1', '192.0.2.2', '192.0.2.3'], controller.signal);
    race.clock.advance(250);
    const reason = new Error('given up');
    controller.abort(reason);
    expect(race.attempts().map((address) => race.socketOf(address).destroyed)).toEqual([true, true]);
    expect(race.clock.pending).toBe(0);
    await expect(race.result).rejects.toBe(reason);
  });

  test('that came before attempts nothing', async () => {
    const race = startRace(['192.0.2.1'], AbortSignal.abort(new Error('given up')));
    await expect(race.result).rejects.toThrow('given up');
    expect(race.attempts()).toEqual([]);
  });

  test('after the end leaves the winner alone', async () => {
    const controller = new AbortController();
    const race = startRace(['192.0.2.1'], controller.signal);
    race.succeed('192.0.2.1');
    const { socket } = await race.result;
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    controller.abort();
    expect(socket.destroyed).toBe(false);
  });
});
