import { describe, expect, test } from 'vitest';
import { ListenerPlace } from '../../src/limits/listener-place.js';
import type { User } from '../../src/users/user.js';
import { atOnce, newGuard } from './new-guard.js';

const alice: User = { id: 'alice' };

describe('a place for a remote listener', () => {
  test('is there as long as its user has fewer than may be', () => {
    const { guard, hits } = newGuard({ listenersPerUser: 2 });
    const place = atOnce(ListenerPlace.take(guard, alice));
    expect(atOnce(ListenerPlace.take(guard, alice))).toBeDefined();
    expect(atOnce(ListenerPlace.take(guard, alice))).toBeUndefined();
    expect(hits).toEqual(['listenersPerUser']);
    expect(atOnce(ListenerPlace.take(guard, { id: 'bob' }))).toBeDefined();
    place?.leave();
    expect(atOnce(ListenerPlace.take(guard, alice))).toBeDefined();
  });

  test('is what the own limit of a user says, as it is now', () => {
    const { guard } = newGuard();
    expect(atOnce(ListenerPlace.take(guard, { id: 'alice', limits: { listeners: 1 } }))).toBeDefined();
    expect(atOnce(ListenerPlace.take(guard, { id: 'alice', limits: { listeners: 1 } }))).toBeUndefined();
    expect(atOnce(ListenerPlace.take(guard, { id: 'alice', limits: { listeners: 2 } }))).toBeDefined();
  });

  test('holds a socket of those that are there for all, and gives it back', () => {
    const { guard, hits } = newGuard({ sockets: 4 });
    const places = [1, 2, 3, 4].map(() => atOnce(ListenerPlace.take(guard, alice)));
    expect(places.map((place) => place?.takeSocket())).toEqual([true, true, true, false]);
    expect([guard.inUse.sockets, hits]).toEqual([3, ['sockets']]);
    for (const place of places) place?.leave();
    expect(guard.inUse.sockets).toBe(0);
  });
});
