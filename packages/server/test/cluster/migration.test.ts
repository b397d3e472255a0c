import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { Migration } from '../../src/cluster/migration.js';

class FakeSession {
  readonly figures = { bytesInFlight: 0 };
  asked = 0;
  migrate(): void {
    this.asked += 1;
  }
}

let clock: FakeClock;
let random: number;
let migration: Migration;
beforeEach(() => {
  clock = new FakeClock();
  random = 0;
  migration = new Migration(clock, () => random);
});

/** `count` sessions that have come by another process. */
function handedOn(count: number): FakeSession[] {
  const sessions = Array.from({ length: count }, () => new FakeSession());
  for (const session of sessions) migration.onTransport(session, true);
  return sessions;
}

const askedOf = (sessions: readonly FakeSession[]) => sessions.reduce((sum, { asked }) => sum + asked, 0);

describe('a session that came by another process', () => {
  test.each([
    [0, 10_000],
    [0.5, 20_000],
    [0.999, 29_980],
  ])('is asked for another transport after 10 to 30 s: by %d, %d ms', (chance, delay) => {
    random = chance;
    const [session] = handedOn(1);
    clock.advance(delay - 1);
    expect(session?.asked).toBe(0);
    clock.advance(1);
    expect(session?.asked).toBe(1);
  });

  test('is asked once, whether that helps or not', () => {
    const sessions = handedOn(2);
    clock.advance(10_000);
    for (const [i, session] of sessions.entries()) migration.onTransport(session, i === 0);
    for (let round = 0; round < 20; round += 1) {
      for (const session of sessions) migration.onTransport(session, true);
      clock.advance(60_000);
    }
    expect(sessions.map(({ asked }) => asked)).toEqual([1, 1]);
    expect(clock.pending).toBe(0);
  });

  test('is asked once nothing much is in flight', () => {
    const [session] = handedOn(1) as [FakeSession];
    session.figures.bytesInFlight = 65_536;
    clock.advance(600_000);
    expect(session.asked).toBe(0);
    session.figures.bytesInFlight = 65_535;
    clock.advance(10_000);
    expect(session.asked).toBe(1);
  });

  test.each<[what: string, happen: (session: FakeSession) => void]>([
    ['is away', (session) => migration.onAway(session)],
    ['is over', (session) => migration.onOver(session)],
    ['has come here directly meanwhile', (session) => migration.onTransport(session, false)],
  ])('is not asked, when it %s', (_, happen) => {
    const [session] = handedOn(1) as [FakeSession];
    clock.advance(9_999);
    happen(session);
    clock.advance(60_000);
    expect(session.asked).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('is asked, from its next such transport on, when it was away before', () => {
    const [session] = handedOn(1) as [FakeSession];
    migration.onAway(session);
    clock.advance(60_000);
    migration.onTransport(session, true);
    clock.advance(10_000);
    expect(session.asked).toBe(1);
  });
});

test('a session that came here directly is never asked, and nothing is kept of it', () => {
  const session = new FakeSession();
  migration.onTransport(session, false);
  expect(clock.pending).toBe(0);
});

describe('of many sessions', () => {
  test('20 are asked at a time, the others as these have come again, or do not come', () => {
    const sessions = handedOn(50);
    clock.advance(10_000);
    expect(askedOf(sessions)).toBe(20);
    for (const session of sessions.slice(0, 5)) migration.onTransport(session, false);
    clock.advance(10_000);
    expect(askedOf(sessions)).toBe(25);
    migration.onOver(sessions[5] as FakeSession);
    clock.advance(10_000);
    expect(askedOf(sessions)).toBe(26);
    clock.advance(60_000);
    expect(askedOf(sessions)).toBe(46);
  });

  test.each([
    [9, 0],
    [10, 1],
  ])('nobody is asked for 10 minutes, when of the last 20 only %d came directly', (direct, asked) => {
    handedOn(20).forEach((session, i, all) => {
      if (i === 0) clock.advance(10_000);
      migration.onTransport(session, i >= direct);
      if (i === all.length - 1) expect(askedOf(all)).toBe(20);
    });
    const [later] = handedOn(1) as [FakeSession];
    clock.advance(590_000);
    expect(later.asked).toBe(asked);
    clock.advance(20_000);
    expect(later.asked).toBe(1);
  });

  test('each is asked at most once in an hour of round robin over three', () => {
    const sessions = handedOn(30);
    let turn = 0;
    for (let minute = 0; minute < 60; minute += 1) {
      clock.advance(30_000);
      for (const session of sessions) {
        turn += 1;
        if (turn % 7 === 0) migration.onAway(session);
        migration.onTransport(session, turn % 3 !== 0);
      }
      clock.advance(30_000);
    }
    expect(Math.max(...sessions.map(({ asked }) => asked))).toBe(1);
  });
});
