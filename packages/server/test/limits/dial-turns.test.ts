import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { DialTurns } from '../../src/limits/dial-turns.js';

function prepare() {
  const clock = new FakeClock();
  const turns = new DialTurns(clock);
  const begun: string[] = [];
  /** Wants to begin so many. */
  const userWith = (name: string, dials: number) => {
    let left = dials;
    const user = {
      beginNext: () => {
        if (left === 0) return false;
        left -= 1;
        begun.push(name);
        return true;
      },
      want: (more: number) => {
        left += more;
        turns.call(user);
      },
    };
    return user;
  };
  const count = (name: string) => begun.filter((each) => each === name).length;
  return { clock, turns, begun, userWith, count };
}

describe('the turns of all users', () => {
  test('come one after the other, anyone who wants thousands', () => {
    const { clock, begun, userWith, count } = prepare();
    const flood = userWith('flood', 0);
    flood.want(10_000);
    const before = count('flood');
    const other = userWith('other', 0);
    const third = userWith('third', 0);
    other.want(3);
    third.want(1);
    // Other things have their turn first.
    expect(begun).toHaveLength(before);
    begun.length = 0;
    clock.advance(1);
    expect(begun.slice(0, 8)).toEqual(['flood', 'other', 'third', 'flood', 'other', 'flood', 'other', 'flood']);
  });

  test('are shared out evenly among those who want more than there is', () => {
    const { clock, userWith, count } = prepare();
    const users = ['a', 'b', 'c'].map((name) => userWith(name, 0));
    users[0]?.want(100_000);
    const alone = count('a');
    for (const user of users.slice(1)) user.want(100_000);
    for (let i = 0; i < 100; i += 1) clock.advance(1);
    expect(Math.abs(count('b') - count('c'))).toBeLessThanOrEqual(1);
    // The first one was alone for a moment.
    expect(count('a') - count('b')).toBe(alone);
    expect(count('b')).toBeGreaterThan(900);
  });

  test('come at once to those who are alone, and everybody else has theirs now and then', () => {
    const { clock, turns } = prepare();
    let begun = 0;
    while (turns.takeTurn()) begun += 1;
    expect(begun).toBeGreaterThan(1);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect([turns.takeTurn(), clock.pending]).toEqual([true, 0]);
  });

  test('are not overtaken by anyone who comes later', () => {
    const { clock, turns, begun, userWith } = prepare();
    const user = userWith('first', 0);
    while (turns.takeTurn());
    user.want(1);
    clock.stall(10);
    expect([turns.takeTurn(), begun]).toEqual([false, []]);
    clock.advance(1);
    expect(begun).toEqual(['first']);
  });
});
