import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { DialTurns } from '../../src/limits/dial-turns.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';

function turnsWith(limits: LimitOptions) {
  const clock = new FakeClock();
  const events: string[] = [];
  const turns = new DialTurns(resolveLimits(limits), clock, (limit) => events.push(`waits for ${limit}`));
  const controllers = new Map<string, AbortController>();
  const ends = new Map<string, () => void>();
  /** Tells of the dial's beginning and of what has become of it; it lasts until it is ended by hand. */
  const run = (name: string) => {
    const controller = new AbortController();
    controllers.set(name, controller);
    const dial = () => {
      events.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(`${name} ended`)));
    };
    void turns.run(dial, controller.signal).then((outcome) => events.push(outcome ?? `${name} out`));
  };
  const end = async (name: string) => {
    ends.get(name)?.();
    await settle();
  };
  return { clock, turns, events, run, end, leave: (name: string) => controllers.get(name)?.abort() };
}

/** Promises come to rest. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('turns', () => {
  test('come at once, or later with the name of what is in the way', async () => {
    const { clock, events, run, end } = turnsWith({ opensBurst: 1, opensPerSecond: 10, pendingDials: 2 });
    run('a');
    expect(events).toEqual(['a']);
    run('b');
    expect(events).toEqual(['a', 'waits for opensPerSecond']);
    clock.advance(99);
    await settle();
    expect(events).toEqual(['a', 'waits for opensPerSecond']);
    clock.advance(1);
    await settle();
    expect(events.splice(0)).toEqual(['a', 'waits for opensPerSecond', 'b']);
    run('c');
    expect(events).toEqual(['waits for pendingDials']);
    clock.advance(1_000);
    await end('a');
    expect(events).toEqual(['waits for pendingDials', 'c', 'a ended']);
  });

  test('end without a dial after as long as one may take', async () => {
    const { clock, events, run, end } = turnsWith({ pendingDials: 1, dialTimeout: 500 });
    run('a');
    run('b');
    clock.advance(300);
    run('c');
    clock.advance(200);
    await settle();
    expect(events.splice(0)).toEqual(['a', 'waits for pendingDials', 'waits for pendingDials', 'b out']);
    await end('a');
    expect(events).toEqual(['c', 'a ended']);
  });

  test('end with a dial that fails as with one that succeeds', async () => {
    const { turns, events, run } = turnsWith({ pendingDials: 1 });
    const { signal } = new AbortController();
    const failed = turns.run(() => Promise.reject(new Error('refused')), signal);
    run('b');
    await expect(failed).rejects.toThrow('refused');
    await settle();
    expect(events).toEqual(['waits for pendingDials', 'b']);
  });

  test('of thousands that are done at once follow each other without growing the stack', async () => {
    const { turns, run, end } = turnsWith({ pendingDials: 1, opensBurst: 100_000 });
    run('first');
    let dialed = 0;
    const dial = async () => {
      dialed += 1;
    };
    const others = Array.from({ length: 50_000 }, () => turns.run(dial, new AbortController().signal));
    expect(dialed).toBe(0);
    await end('first');
    await Promise.all(others);
    expect(dialed).toBe(50_000);
  });

  test('leave no timer when nobody waits', async () => {
    const { clock, events, run, end, leave } = turnsWith({ pendingDials: 1 });
    run('a');
    run('impatient');
    expect(clock.pending).toBe(1);
    leave('impatient');
    expect(clock.pending).toBe(0);
    await settle();
    expect(events.splice(0)).toEqual(['a', 'waits for pendingDials', 'impatient out']);
    await end('a');
    expect(events).toEqual(['a ended']);
    expect(clock.pending).toBe(0);
  });
});
