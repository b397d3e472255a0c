import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Door, type DoorOptions } from '../../src/gateway/door.js';

class Guest extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    // Later, as a socket does.
    queueMicrotask(() => this.emit('close'));
    return this;
  }
}

const open = (options: Partial<DoorOptions<Guest>> = {}) =>
  new Door<Guest>({ places: 4, time: 1_000, random: () => 0, ...options });

function admit(door: Door<Guest>, address: string, count = 1): Guest[] {
  const guests = Array.from({ length: count }, () => new Guest(address));
  for (const guest of guests) door.admit(guest);
  return guests;
}

const gone = (guests: readonly Guest[]) => guests.map(({ destroyed }) => destroyed);

/** What was destroyed has said so. */
const closed = () => new Promise<void>((resolve) => queueMicrotask(resolve));

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('a visitor may come again after it has left, and leaves nothing behind', () => {
  const door = open();
  const [guest] = admit(door, '192.0.2.1');
  for (let i = 0; i < 3; i += 1) {
    door.leave(guest as Guest);
    expect([door.size, guest?.listenerCount('close')]).toEqual([0, 0]);
    door.admit(guest as Guest, 100);
  }
  vi.advanceTimersByTime(100);
  expect([door.size, guest?.destroyed]).toEqual([0, true]);
});

test('a door is settled when the last who waits has left, at once when nobody waits, and after its time', async () => {
  const door = open({ time: 60_000 });
  await door.settled(1_000);
  const [one, other] = admit(door, '192.0.2.1', 2);
  const settled = vi.fn();
  void door.settled(10_000).then(settled);
  door.leave(one as Guest);
  await vi.advanceTimersByTimeAsync(9_000);
  expect(settled).not.toHaveBeenCalled();
  door.leave(other as Guest);
  await vi.advanceTimersByTimeAsync(0);
  expect([settled.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
  admit(door, '192.0.2.1');
  void door.settled(1_000).then(settled);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(settled).toHaveBeenCalledTimes(2);
  door.close();
});

describe('a door that is full', () => {
  test('lets one more in, for the oldest', () => {
    const crowded: Guest[] = [];
    const door = open({ onCrowded: (guest) => crowded.push(guest) });
    const guests = admit(door, '192.0.2.1', 6);
    expect(gone(guests)).toEqual([true, true, false, false, false, false]);
    expect([door.size, door.crowded, crowded]).toEqual([4, 2, guests.slice(0, 2)]);
  });

  test('sends away those of the source that has most, however many there are of others', () => {
    const door = open({ places: 10 });
    const few = ['192.0.2.1', '2001:db8::1', '192.0.2.3'].flatMap((address) => admit(door, address, 2));
    const flood = admit(door, '198.51.100.7', 100);
    expect(gone(few)).toEqual(few.map(() => false));
    expect(gone(flood).lastIndexOf(true)).toBe(95);
  });

  test('takes sources with as many as each other for one', () => {
    const door = open();
    const guests = Array.from({ length: 7 }, (_, i) => admit(door, `192.0.2.${i}`)).flat();
    expect(gone(guests)).toEqual([true, true, true, false, false, false, false]);
  });

  test('takes a network of IPv6 for one source', () => {
    const door = open();
    const [other] = admit(door, '2001:db8:0:1::5');
    const flood = Array.from({ length: 9 }, (_, i) => admit(door, `2001:db8::${i + 1}`)).flat();
    expect([other?.destroyed, gone(flood).filter(Boolean).length]).toEqual([false, 6]);
  });

  test.each([
    ['one source', () => '192.0.2.1'],
    ['as many sources', (i: number) => `10.0.${i >> 8}.${i & 255}`],
  ])('never sends away one of the younger half, of %s', (_, address) => {
    const random = randomFrom(7);
    const born = new Map<Guest, number>();
    const ages: number[] = [];
    const onCrowded = (guest: Guest) => ages.push(born.size - (born.get(guest) ?? 0));
    const door = open({ places: 100, random, onCrowded });
    for (let i = 0; i < 5_000; i += 1) {
      const guest = new Guest(address(i));
      born.set(guest, i);
      door.admit(guest);
    }
    // Its own arrival, and those of half of the places.
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(50);
    // Chance also keeps some for long after everybody else of their age has gone.
    expect(Math.max(...ages)).toBeGreaterThan(200);
  });
});

/** What comes of those who need the door for `need` arrivals of a flood that fills it: the part that gets through. */
function survivors(need: number, places = 1_024): number {
  const door = open({ places, random: randomFrom(11) });
  const waiting: { guest: Guest; until: number }[] = [];
  let [through, tried] = [0, 0];
  for (let i = 0; i < 20 * places; i += 1) {
    door.admit(new Guest('192.0.2.1'));
    if (i > 4 * places && i % 16 === 0) {
      const [guest] = admit(door, '192.0.2.1');
      if (guest !== undefined) waiting.push({ guest, until: i + need });
    }
    while ((waiting[0]?.until ?? Number.POSITIVE_INFINITY) <= i) {
      const { guest } = waiting.shift() as { guest: Guest };
      tried += 1;
      if (guest.destroyed) continue;
      through += 1;
      door.leave(guest);
    }
  }
  return through / tried;
}

describe('of those who come from the address of a flood', () => {
  test('all get through who need less time than half of the places last', () => {
    expect(survivors(450)).toBe(1);
  });

  test('some get through at any rate', () => {
    expect(survivors(1_024)).toBeGreaterThan(0.25);
    expect(survivors(2_048)).toBeGreaterThan(0.02);
  });
});

describe('the time at a door', () => {
  test('ends a connection that has had it, and no other', () => {
    const door = open();
    const [first] = admit(door, '192.0.2.1');
    vi.advanceTimersByTime(600);
    const [second] = admit(door, '192.0.2.1');
    vi.advanceTimersByTime(400);
    expect([first?.destroyed, second?.destroyed, door.size]).toEqual([true, false, 1]);
  });

  test('is given once more to anyone who is told that it is over', () => {
    const late: Guest[] = [];
    const door = open({ onLate: (guest) => late.push(guest) === 1 });
    const [guest] = admit(door, '192.0.2.1');
    vi.advanceTimersByTime(1_999);
    expect([guest?.destroyed, late]).toEqual([false, [guest]]);
    vi.advanceTimersByTime(1);
    expect([guest?.destroyed, late]).toEqual([true, [guest, guest]]);
  });

  test('can be set, for those who wait', () => {
    const door = open();
    const [guest, other] = admit(door, '192.0.2.1', 2) as [Guest, Guest];
    door.setTime(guest, 5_000);
    door.leave(other);
    door.setTime(other, 1);
    vi.advanceTimersByTime(4_999);
    expect([guest.destroyed, other.destroyed]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([guest.destroyed, other.destroyed]).toEqual([true, false]);
  });

  test('leaves nothing behind', async () => {
    const door = open();
    const guests = admit(door, '192.0.2.1', 4);
    for (const guest of guests) guest.destroy();
    await closed();
    expect([door.size, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

describe('a door without a descriptor for one more', () => {
  function limited(sockets: number) {
    let taken = 0;
    return (guest: Guest) => {
      if (taken >= sockets) return false;
      taken += 1;
      guest.once('close', () => {
        taken -= 1;
      });
      return true;
    };
  }

  test('takes that of somebody who waits, each time', async () => {
    const door = open({ takeSocket: limited(2) });
    const guests = admit(door, '192.0.2.1', 2);
    for (let round = 0; round < 3; round += 1) {
      guests.push(...admit(door, '192.0.2.1'));
      await closed();
    }
    expect(gone(guests)).toEqual([true, true, true, false, false]);
    for (const guest of guests) guest.destroy();
    await closed();
    expect(gone(admit(door, '192.0.2.1', 2))).toEqual([false, false]);
  });

  test('keeps to what it has, also of many at once', async () => {
    const door = open({ takeSocket: limited(2) });
    const guests = admit(door, '192.0.2.1', 9);
    await closed();
    expect(gone(guests).filter((isGone) => !isGone)).toHaveLength(2);
  });

  test('does so too when the one in its place has left the door at once', async () => {
    const takeSocket = limited(1);
    const door = open({ takeSocket });
    const [, second] = admit(door, '192.0.2.1', 2) as [Guest, Guest];
    door.leave(second);
    await closed();
    expect([second.destroyed, takeSocket(new Guest('192.0.2.1'))]).toEqual([false, false]);
  });

  test('closes it when nobody waits', () => {
    const door = open({ takeSocket: limited(1) });
    const [first] = admit(door, '192.0.2.1') as [Guest];
    door.leave(first);
    expect(gone(admit(door, '192.0.2.1'))).toEqual([true]);
    expect(first.destroyed).toBe(false);
  });
});

test('a door that is closed ends what waits, and takes nobody', async () => {
  const door = open();
  const guests = admit(door, '192.0.2.1', 3);
  door.close();
  expect(gone([...guests, ...admit(door, '192.0.2.1')])).toEqual([true, true, true, true]);
  await closed();
  expect([door.size, vi.getTimerCount()]).toEqual([0, 0]);
});

/** The same numbers each time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
