import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { DialTurns, type Waiting } from '../../src/limits/dial-turns.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';

function turnsWith(limits: LimitOptions) {
  const clock = new FakeClock();
  const turns = new DialTurns(resolveLimits(limits), clock);
  const events: string[] = [];
  const waiting = (name: string, onTurn = () => {}): Waiting => ({
    onTurn: () => {
      events.push(name);
      onTurn();
    },
    onLate: () => events.push(`${name} late`),
  });
  return { clock, turns, events, waiting };
}

describe('turns', () => {
  test('come at once, or later with the name of what is in the way', () => {
    const { clock, turns, events, waiting } = turnsWith({ opensBurst: 1, opensPerSecond: 10, pendingDials: 2 });
    expect(turns.enter(waiting('a'))).toBeUndefined();
    expect(turns.enter(waiting('b'))).toBe('opensPerSecond');
    clock.advance(99);
    expect(events).toEqual(['a']);
    clock.advance(1);
    expect(events).toEqual(['a', 'b']);
    expect(turns.enter(waiting('c'))).toBe('pendingDials');
    clock.advance(1_000);
    turns.dialEnded();
    expect(events).toEqual(['a', 'b', 'c']);
  });

  test('end with a refusal after as long as a dial may take', () => {
    const { clock, turns, events, waiting } = turnsWith({ pendingDials: 1, dialTimeout: 500 });
    turns.enter(waiting('a'));
    turns.enter(waiting('b'));
    clock.advance(300);
    turns.enter(waiting('c'));
    clock.advance(200);
    expect(events).toEqual(['a', 'b late']);
    turns.dialEnded();
    expect(events).toEqual(['a', 'b late', 'c']);
  });

  test('of thousands that are done at once follow each other without growing the stack', () => {
    const { turns, events, waiting } = turnsWith({ pendingDials: 1, opensBurst: 100_000 });
    turns.enter(waiting('first'));
    for (let i = 0; i < 50_000; i++) turns.enter(waiting('next', () => turns.dialEnded()));
    turns.dialEnded();
    expect(events.length).toBe(50_001);
  });

  test('leave no timer when nobody waits', () => {
    const { clock, turns, events, waiting } = turnsWith({ pendingDials: 1 });
    turns.enter(waiting('a'));
    const impatient = waiting('b');
    turns.enter(impatient);
    expect(clock.pending).toBe(1);
    turns.leave(impatient);
    expect(clock.pending).toBe(0);
    turns.dialEnded();
    expect(events).toEqual(['a']);
  });
});
