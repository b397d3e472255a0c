import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { Accounts } from '../../src/limits/accounts.js';
import { LimitReporter } from '../../src/limits/limit-reporter.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';
import { SocketBudget, socketsOf } from '../../src/limits/socket-budget.js';

let clock: FakeClock;
const alice = { id: 'alice' };

beforeEach(() => {
  clock = new FakeClock();
});

const accountsWith = (limits: LimitOptions = {}, sockets = 1_000, isShared = false) =>
  new Accounts(resolveLimits(limits), clock, new SocketBudget(sockets), () => isShared);

describe('accounts', () => {
  test('count channels by the id of the user, no matter what object it is known by', () => {
    const accounts = accountsWith();
    const account = accounts.beginChannel({ id: 'alice' });
    const stricter = { id: 'alice', limits: { channels: 1 } };
    expect(accounts.channelLimit(stricter)).toEqual({ limit: 'channels', value: 1, ofUser: true });
    expect(accounts.channelLimit({ id: 'bob', limits: { channels: 1 } })).toBeUndefined();
    accounts.endChannel(account);
    expect(accounts.channelLimit(stricter)).toBeUndefined();
  });

  test('count the channels of all users together', () => {
    const accounts = accountsWith({ channels: 2 });
    const begun = [accounts.beginChannel(alice), accounts.beginChannel({ id: 'bob' })];
    const refusal = accounts.channelLimit({ id: 'carol' });
    expect(refusal).toEqual({ limit: 'channels', value: 2, ofUser: false });
    for (const account of begun) accounts.endChannel(account);
    expect(accounts.channelLimit({ id: 'carol' })).toBeUndefined();
  });

  test('let one user have half of what is there for all, where there may be others', () => {
    const accounts = accountsWith({ channels: 4 }, 8, true);
    const mallory = accounts.of({ id: 'mallory' });
    expect([1, 2, 3, 4].map(() => accounts.takeSocket(mallory))).toEqual([
      undefined,
      undefined,
      undefined,
      { limit: 'sockets', value: 3, ofUser: true },
    ]);
    for (let i = 0; i < 2; i++) accounts.beginChannel({ id: 'mallory' });
    expect(accounts.channelLimit({ id: 'mallory' })).toEqual({ limit: 'channels', value: 2, ofUser: true });
    expect([accounts.channelLimit(alice), accounts.takeSocket(accounts.of(alice))]).toEqual([undefined, undefined]);
    accounts.releaseSocket(mallory);
    expect(accounts.takeSocket(mallory)).toBeUndefined();
  });

  test('let the only user have all of it', () => {
    const accounts = accountsWith({}, 8);
    const account = accounts.of(alice);
    expect(Array.from({ length: 6 }, () => accounts.takeSocket(account))).toEqual(Array(6).fill(undefined));
    expect(accounts.takeSocket(account)).toEqual({ limit: 'sockets', value: 8, ofUser: false });
  });

  test('let one user leave half of the local ports behind towards one destination, where there may be others', () => {
    const accounts = accountsWith({ portsPerDestination: 4 }, 1_000, true);
    const [mallory, own] = [accounts.of({ id: 'mallory' }), accounts.of(alice)];
    const [here, elsewhere] = [1, 2];
    for (let i = 0; i < 2; i++) {
      expect(accounts.portLimit(mallory, here)).toBeUndefined();
      mallory.leftPorts.add(here, clock.now());
    }
    expect(accounts.portLimit(mallory, here)).toEqual({ limit: 'portsPerDestination', value: 2, ofUser: true });
    expect([accounts.portLimit(mallory, elsewhere), accounts.portLimit(own, here)]).toEqual([undefined, undefined]);
    clock.advance(70_000);
    expect(accounts.portLimit(mallory, here)).toBeUndefined();
  });

  test('leave it to the system what ports the only user may have', () => {
    const accounts = accountsWith({ portsPerDestination: 4 });
    for (let i = 0; i < 10; i++) accounts.of(alice).leftPorts.add(1, clock.now());
    expect(accounts.portLimit(accounts.of(alice), 1)).toBeUndefined();
  });

  test("hold a user's rates for all channels together, and give new rates to those that wait", () => {
    const accounts = accountsWith({ rateUp: 1_000_000 });
    const told: string[] = [];
    const events = { onSpent() {}, onSlowed: (limit: string, rate: number) => told.push(`${limit} ${rate}`) };
    const [first, second] = [accounts.paceOf(alice, events), accounts.paceOf(alice, events)];
    expect([first.mayPass('up', 200_000), first.mayPass('up', 1), second.mayPass('up', 1)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([first.mayPass('down', 1e9), accounts.paceOf({ id: 'bob' }, events).mayPass('up', 10)]).toEqual([
      true,
      true,
    ]);
    for (const [name, pace] of [
      ['first', first],
      ['second', second],
    ] as const) {
      pace.wait('up', 100_000, { onTurn: () => told.push(`${name} at ${clock.now()}`) });
    }
    // 200 000 are owed: a quarter of them is paid, then the rest twice as fast.
    clock.advance(50);
    accounts.of({ id: 'alice', limits: { bytesPerSecondUp: 2_000_000 } });
    clock.advance(400);
    expect(told).toEqual(['rateUp 1000000', 'rateUp 1000000', 'first at 125', 'second at 175']);
  });

  test('end the bytes of a month once, and begin anew with the next', () => {
    clock.wallOffset = Date.UTC(2030, 11, 31, 23, 59, 59);
    const accounts = accountsWith({ monthlyBytes: 1_048_576 });
    const spent: number[] = [];
    const pace = accounts.paceOf(alice, { onSpent: (bytes) => spent.push(bytes), onSlowed() {} });
    pace.mayPass('up', 1_048_575);
    expect([accounts.channelLimit(alice), spent]).toEqual([undefined, []]);
    pace.mayPass('down', 1);
    pace.mayPass('down', 1);
    expect(spent).toEqual([1_048_576]);
    expect(accounts.channelLimit(alice)?.limit).toBe('monthlyBytes');
    clock.advance(1_000);
    expect(accounts.channelLimit(alice)).toBeUndefined();
  });

  test('let a user whose month is used up have a free channel, whose bytes count in the rates alone, not in those', () => {
    const accounts = accountsWith({ monthlyBytes: 1_048_576, rateDown: 1_000_000, channels: 2 });
    const events = { onSpent() {}, onSlowed() {} };
    accounts.paceOf(alice, events).mayPass('up', 1_048_576);
    expect([accounts.channelLimit(alice)?.limit, accounts.channelLimit(alice, true)]).toEqual([
      'monthlyBytes',
      undefined,
    ]);
    const free = accounts.paceOf(alice, events, true);
    expect([free.mayPass('down', 1_000_000), free.mayPass('down', 1_000_000)]).toEqual([true, false]);
    expect(accounts.quotaOf(alice).bytes).toBe(1_048_576);
    for (let n = 0; n < 2; n++) accounts.beginChannel(alice);
    expect(accounts.channelLimit(alice, true)).toEqual({ limit: 'channels', value: 2, ofUser: false });
  });

  test('give a new monthly limit to relays that begin, and to no others', () => {
    const accounts = accountsWith();
    const spent: number[] = [];
    const events = { onSpent: (bytes: number) => spent.push(bytes), onSlowed() {} };
    const before = accounts.paceOf(alice, events);
    const after = accounts.paceOf({ id: 'alice', limits: { monthlyBytes: 1_048_576 } }, events);
    before.mayPass('up', 2_000_000);
    expect(spent).toEqual([]);
    after.mayPass('up', 1);
    expect(spent).toEqual([1_048_576]);
  });
});

describe('the budget of sockets', () => {
  test.each([
    [64, 32],
    [1_024, 921],
    [20_000, 18_000],
    [32, 1],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])('of %d descriptors uses %d', (descriptors, sockets) => {
    expect(socketsOf(descriptors)).toBe(sockets);
  });

  test('is given back', () => {
    const budget = new SocketBudget(2);
    expect([budget.takeDestination(), budget.takeClient(), budget.takeClient()]).toEqual([true, true, false]);
    expect(budget.takeDestination()).toBe(false);
    budget.releaseDestination();
    expect([budget.destinations, budget.takeClient(), budget.takeDestination()]).toEqual([0, true, false]);
    budget.releaseClient();
    expect(budget.takeDestination()).toBe(true);
  });

  test.each([
    [3, 3],
    [32, 24],
    [400, 336],
    [921, 829],
    [10_000, 9_000],
    [Infinity, Infinity],
  ])('of %d has %d for destinations, the rest is for clients alone', (limit, forDestinations) => {
    const budget = new SocketBudget(limit);
    expect(budget.forDestinations).toBe(forDestinations);
    if (limit > 1_000) return;
    let destinations = 0;
    while (budget.takeDestination()) destinations += 1;
    let clients = 0;
    while (budget.takeClient()) clients += 1;
    expect([destinations, clients]).toEqual([forDestinations, limit - forDestinations]);
  });
});

describe('a reporter of limits', () => {
  test('tells the observer of each, and the log once for a wave', () => {
    const [hits, lines]: [string[], object[]] = [[], []];
    const log = (fields: object) => lines.push({ ...fields });
    const logger = { debug: log, info: log, warn: log, error: log };
    const reporter = new LimitReporter({ clock, logger, onLimit: (limit) => hits.push(limit) });
    for (let i = 0; i < 100; i++) {
      reporter.hit({ limit: 'channels', value: 5, user: 'alice' });
      clock.advance(500);
    }
    reporter.hit({ limit: 'channels', value: 5, user: 'bob' });
    expect(hits.length).toBe(101);
    expect(lines).toEqual(['alice', 'bob'].map((user) => ({ limit: 'channels', value: 5, user })));
    clock.advance(10_000);
    reporter.hit({ limit: 'channels', value: 5, user: 'alice' });
    expect(lines.length).toBe(3);
  });
});
