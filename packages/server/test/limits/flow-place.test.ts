import { describe, expect, test } from 'vitest';
import { FakeFlow } from 'wsproxy-test-support/fake-flow';
import { FlowPlace } from '../../src/limits/flow-place.js';
import type { LimitOptions } from '../../src/limits/limits.js';
import type { User } from '../../src/users/user.js';
import { atOnce, newGuard } from './new-guard.js';

const alice: User = { id: 'alice' };

/** A guard, and places for flows of one session. */
function prepare(limits: LimitOptions = {}) {
  const { clock, guard, hits } = newGuard(limits);
  guard.memoryOf(alice);
  const newPeers = guard.newPeers();
  const take = (user: User = alice) => {
    const flow = new FakeFlow();
    return { flow, place: atOnce(FlowPlace.take(guard, flow, user, newPeers)) };
  };
  return { clock, guard, hits, take };
}

describe('a place for a flow', () => {
  test('is there as long as its user has fewer than may be, of all sessions', () => {
    const { guard, hits, take } = prepare({ flowsPerUser: 2 });
    const { place } = take();
    expect(take().place).toBeDefined();
    expect(take().place).toBeUndefined();
    expect(hits).toEqual(['flowsPerUser']);
    expect(guard.refusalOfFlow(alice).code).toBe('LIMIT_REACHED');
    expect(take({ id: 'bob' }).place).toBeDefined();
    place?.leave();
    expect(take().place).toBeDefined();
  });

  test('is what the own limit of a user says', () => {
    const { take } = prepare();
    const bob = { id: 'bob', limits: { flows: 1 } };
    expect(take(bob).place).toBeDefined();
    expect(take(bob).place).toBeUndefined();
  });

  test('is not there once the bytes of the month are used up, and running flows end', () => {
    const { clock, guard, hits, take } = prepare();
    const bob = { id: 'bob', limits: { monthlyBytes: 100 } };
    const { flow, place } = take(bob);
    expect(place?.mayPass('up', 60)).toBe(true);
    expect(flow.failure).toBeUndefined();
    expect(place?.mayPass('down', 60)).toBe(true);
    clock.runDeferred();
    expect(flow.failure).toBe('QUOTA_USED_UP');
    expect(take(bob).place).toBeUndefined();
    expect(guard.refusalOfFlow(bob).code).toBe('QUOTA_USED_UP');
    expect(hits).toEqual(['monthlyBytes', 'monthlyBytes']);
  });

  test('counts sockets with those of channels', () => {
    const { guard, hits, take } = prepare({ sockets: 4 });
    const { place } = take();
    expect([1, 2, 3, 4].map(() => place?.takeSocket())).toEqual([true, true, true, false]);
    expect([guard.inUse.sockets, hits]).toEqual([3, ['sockets']]);
    for (let i = 0; i < 3; i += 1) place?.releaseSocket();
    expect(guard.inUse.sockets).toBe(0);
  });

  test('reserves what waits from the memory that there is', () => {
    const { guard, take } = prepare({ memory: 65_536 });
    const { place } = take();
    expect(place?.reserve(32_768)).toBe(true);
    expect(place?.reserve(1)).toBe(false);
    expect(guard.inUse.received).toBe(32_768);
    place?.release(32_768);
    expect(guard.inUse.received).toBe(0);
  });

  test('lets the flows of a session begin with so many destinations at once, and so many a second', () => {
    const { hits, take } = prepare({ newPeersBurst: 3, newPeersPerSecond: 2 });
    const [one, two] = [take().place, take().place];
    expect([one, two, one, two].map((place) => place?.takeDestination(0))).toEqual([true, true, true, false]);
    expect(hits).toEqual(['newPeersPerSecond']);
    expect([500, 500, 1_000].map((now) => one?.takeDestination(now))).toEqual([true, false, true]);
  });
});

describe('datagrams', () => {
  test('over the rate of their user are dropped, and told once', () => {
    const { clock, hits, take } = prepare({ rateDown: 10_000 });
    const [one, two] = [take().place, take().place];
    let bytes = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      for (const place of [one, two]) if (place?.mayPass('down', 100)) bytes += 100;
      clock.advance(10);
    }
    // The burst is a tenth of a second.
    expect(bytes).toBeGreaterThan(80_000);
    expect(bytes).toBeLessThanOrEqual(101_000);
    expect(hits).toEqual(['rateDown', 'rateDown']);
    expect(one?.mayPass('up', 1_000_000)).toBe(true);
  });

  test('without data are no way around the rate', () => {
    const { clock, take } = prepare({ rateUp: 2_800 });
    const { place } = take();
    let passed = 0;
    for (let ms = 0; ms < 10_000; ms += 1) {
      if (place?.mayPass('up', 0)) passed += 1;
      clock.advance(1);
    }
    // Headers of 28 bytes each.
    expect(passed).toBeGreaterThan(800);
    expect(passed).toBeLessThanOrEqual(1_010);
  });

  test('pass beside a transfer that takes the whole rate, and both together keep to it', () => {
    const { clock, guard, take } = prepare({ rateDown: 100_000 });
    const { down } = guard.accounts.of(alice);
    const { place } = take();
    const sums = { transfer: 0, datagrams: 0 };
    const again = () => {
      sums.transfer += 16_384;
      down.wait(16_384, { onTurn: again });
    };
    down.wait(16_384, { onTurn: again });
    for (let ms = 0; ms < 20_000; ms += 10) {
      if (place?.mayPass('down', 1_000)) sums.datagrams += 1_000;
      clock.advance(10);
    }
    expect(sums.datagrams / 20).toBeGreaterThan(40_000);
    expect(sums.datagrams / 20).toBeLessThan(60_000);
    expect((sums.datagrams + sums.transfer) / 20).toBeLessThan(110_000);
    expect((sums.datagrams + sums.transfer) / 20).toBeGreaterThan(90_000);
  });

  test('alone leave some of the rate, so that what is sent again does not wait for ever', () => {
    const { clock, guard, take } = prepare({ rateDown: 100_000 });
    const { down } = guard.accounts.of(alice);
    down.charge(100_000);
    const { place } = take();
    for (let ms = 0; ms < 20_000; ms += 5) {
      place?.mayPass('down', 1_000);
      clock.advance(5);
    }
    expect(down.pause).toBeLessThan(50);
  });

  test('of more than a user may be sent end the flow that they come for', () => {
    const { clock, hits, take } = prepare({ datagramsPerSecond: 100 });
    const { flow, place } = take();
    for (let ms = 0; ms < 7_000; ms += 5) {
      place?.onReceived();
      clock.advance(5);
    }
    expect(flow.failure).toBe('LIMIT_REACHED');
    expect(hits).toEqual(['datagramsPerSecond']);
  });

  test('may be as many as come where there is no such limit', () => {
    const { clock, take } = prepare({ datagramsPerSecond: 0 });
    const { flow, place } = take();
    for (let ms = 0; ms < 7_000; ms += 1) {
      for (let i = 0; i < 50; i += 1) place?.onReceived();
      clock.advance(1);
    }
    expect(flow.failure).toBeUndefined();
  });
});
