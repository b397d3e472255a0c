import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DialQueue } from '../../src/limits/dial-queue.js';
import { UserDials } from '../../src/limits/user-dials.js';

const LIMITS = { failedDialsPerSecond: 10, failedDialsBurst: 3 };
const HOUR = 3_600_000;

function prepare(limits: Partial<typeof LIMITS> = {}, pendingDials = 100) {
  const dials = new UserDials<string>({ ...LIMITS, ...limits });
  const beginSession = () => new DialQueue<string>(pendingDials, 1_000);
  const queue = beginSession();
  const add = (names: string, now: number, to = queue) => {
    for (const name of names) dials.add(to, name, now);
  };
  /** All whose turn it is. */
  const takeAll = (now: number): string => {
    let taken = '';
    for (let one = dials.takeNext(now); one !== undefined; one = dials.takeNext(now)) taken += one;
    return taken;
  };
  return { dials, queue, beginSession, add, takeAll };
}

describe('the dials of a user', () => {
  test('are as many as come, as long as they bring connections', () => {
    const { dials, queue, add, takeAll } = prepare();
    for (let i = 0; i < 1_000; i += 1) {
      add('abc', 0);
      expect(takeAll(0)).toBe('abc');
      for (let n = 0; n < 3; n += 1) dials.end(queue, true, 0);
    }
    expect(dials.areWaiting).toBe(false);
  });

  test('that fail are held to the rate, once the burst is used up', () => {
    const { dials, queue, add, takeAll } = prepare();
    add('abcde', 0);
    expect(takeAll(0)).toBe('abc');
    expect([dials.obstacle(queue, 0), dials.wakeAt(0)]).toEqual(['failedDialsPerSecond', 100]);
    for (let n = 0; n < 3; n += 1) dials.end(queue, false, 0);
    expect([takeAll(99), takeAll(100), takeAll(199), takeAll(200)]).toEqual(['', 'd', '', 'e']);
    expect(dials.wakeAt(200)).toBe(Number.POSITIVE_INFINITY);
  });

  test('count as failed until they have ended, and those behind them go on with each that succeeds', () => {
    const { dials, queue, add, takeAll } = prepare();
    add('abcde', 0);
    expect(takeAll(0)).toBe('abc');
    dials.end(queue, true, 0);
    expect([takeAll(0), takeAll(0)]).toEqual(['d', '']);
  });

  test('cost one more for each further address, which succeeding does not give back', () => {
    const { dials, queue, add, takeAll } = prepare({ failedDialsBurst: 4 });
    add('a', 0);
    takeAll(0);
    for (let n = 0; n < 15; n += 1) dials.tryAnother(0);
    dials.end(queue, true, 0);
    add('b', 0);
    expect([takeAll(0), takeAll(1_199), takeAll(1_200)]).toEqual(['', '', 'b']);
  });

  test('of several sessions count together, and take turns', () => {
    const { dials, queue, beginSession, add, takeAll } = prepare({ failedDialsBurst: 4 });
    const other = beginSession();
    add('abcd', 0);
    add('xy', 0, other);
    expect(takeAll(0)).toBe('axby');
    add('z', 0, other);
    for (const each of [queue, other, queue, other]) dials.end(each, false, 0);
    expect([takeAll(100), takeAll(200), takeAll(300)]).toEqual(['c', 'z', 'd']);
  });

  test('of a session that has as many as it may are not in the way of another session', () => {
    const { dials, queue, beginSession, add, takeAll } = prepare({ failedDialsBurst: 100 }, 2);
    const other = beginSession();
    add('abc', 0);
    add('x', 0, other);
    expect(takeAll(0)).toBe('axb');
    // Nothing but the end of one, or of its patience, brings its turn.
    expect([dials.obstacle(queue, 0), dials.wakeAt(0)]).toEqual(['pendingDials', 1_000]);
    dials.end(queue, false, 0);
    expect(takeAll(0)).toBe('c');
  });

  test('save up no more than the burst in an hour', () => {
    const { dials, queue, add, takeAll } = prepare();
    for (const now of [0, HOUR, 2 * HOUR]) {
      add('abcdefgh', now);
      expect(takeAll(now)).toBe('abc');
      for (let n = 0; n < 3; n += 1) dials.end(queue, false, now);
      for (let late = dials.takeLate(now + 1_000); late !== undefined; late = dials.takeLate(now + 1_000)) void late;
      expect(dials.areWaiting).toBe(false);
    }
  });

  test('that come back successfully late save up no more than the burst', () => {
    const { dials, queue, add, takeAll } = prepare();
    add('abc', 0);
    takeAll(0);
    // The time has paid for them already.
    for (let n = 0; n < 3; n += 1) dials.end(queue, true, HOUR);
    add('abcdefgh', HOUR);
    expect(takeAll(HOUR)).toBe('abc');
  });

  test('no matter what comes of them, are begun in the order of their session, and fail no more often than they may', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 120 }),
      session: fc.nat({ max: 2 }),
      arrivals: fc.nat({ max: 6 }),
      ends: fc.nat({ max: 6 }),
      succeeds: fc.boolean(),
      addresses: fc.constantFrom(0, 0, 0, 1, 15),
    });
    type One = { readonly session: number; readonly number: number };
    const limits = fc.record({
      failedDialsPerSecond: fc.integer({ min: 1, max: 500 }),
      failedDialsBurst: fc.integer({ min: 1, max: 10 }),
      pendingDials: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 60 }), (some, steps) => {
        const dials = new UserDials<One>(some);
        const queues = [0, 1, 2].map(() => new DialQueue<One>(some.pendingDials, HOUR));
        const added = [0, 0, 0];
        const begun = [0, 0, 0];
        const running: number[] = [];
        let [now, failed, most] = [0, 0, 0];
        for (const { wait, session, arrivals, ends, succeeds, addresses } of steps) {
          now += wait;
          for (let n = 0; n < arrivals; n += 1) {
            dials.add(queues[session] as DialQueue<One>, { session, number: added[session] ?? 0 }, now);
            added[session] = (added[session] ?? 0) + 1;
          }
          for (let one = dials.takeNext(now); one !== undefined; one = dials.takeNext(now)) {
            expect(one.number).toBe(begun[one.session]);
            begun[one.session] = one.number + 1;
            running.push(one.session);
            for (let n = 0; n < addresses; n += 1) dials.tryAnother(now);
            failed += addresses;
            most = Math.max(most, addresses);
          }
          for (const each of [0, 1, 2])
            expect(running.filter((one) => one === each).length).toBeLessThanOrEqual(some.pendingDials);
          // Those that run may all fail yet. What one has tried beyond its turn is owed.
          expect(running.length + failed).toBeLessThanOrEqual(
            some.failedDialsBurst + (now * some.failedDialsPerSecond) / 1_000 + most + 1e-6,
          );
          for (const each of running.splice(0, ends)) {
            dials.end(queues[each] as DialQueue<One>, succeeds, now);
            if (!succeeds) failed += 1;
          }
        }
      }),
    );
  });
});
