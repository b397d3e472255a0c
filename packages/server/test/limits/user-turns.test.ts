import { describe, expect, test } from 'vitest';
import { type FailureCode, TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { DialTurns } from '../../src/limits/dial-turns.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';
import { SessionTurns } from '../../src/limits/session-turns.js';
import { UserTurns } from '../../src/limits/user-turns.js';

function turnsWith(limits: LimitOptions) {
  const clock = new FakeClock();
  const events: string[] = [];
  const all = resolveLimits(limits);
  const user = new UserTurns({
    limits: all,
    clock,
    turns: new DialTurns(clock),
    onWait: (limit) => events.push(`waits for ${limit}`),
  });
  const beginSession = () => new SessionTurns(user, all);
  const turns = beginSession();
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
  /** Dials that end so at once, one after the other. */
  const fail = async (session: SessionTurns, ...codes: readonly FailureCode[]) => {
    for (const code of codes) {
      void session.run(() => Promise.reject(new TunnelError(code)), new AbortController().signal).catch(() => {});
      await settle();
    }
  };
  return {
    clock,
    beginSession,
    turns,
    events,
    run,
    end,
    fail,
    leave: (name: string) => controllers.get(name)?.abort(),
  };
}

/** Promises come to rest. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the turns of a session', () => {
  test('come at once, or later with the name of what is in the way', async () => {
    const { clock, events, run, end } = turnsWith({ failedDialsBurst: 1, failedDialsPerSecond: 10, pendingDials: 2 });
    run('a');
    expect(events).toEqual(['a']);
    run('b');
    expect(events).toEqual(['a', 'waits for failedDialsPerSecond']);
    clock.advance(99);
    await settle();
    expect(events).toEqual(['a', 'waits for failedDialsPerSecond']);
    clock.advance(1);
    await settle();
    expect(events.splice(0)).toEqual(['a', 'waits for failedDialsPerSecond', 'b']);
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

  test('are held up by failures, those of another session of the user too, and by nothing else', async () => {
    const { beginSession, turns, events, run, fail } = turnsWith({ failedDialsBurst: 2, failedDialsPerSecond: 1 });
    const dials = ['CONNECTION_REFUSED', 'LIMIT_REACHED', 'LIMIT_REACHED', 'CANCELLED'] as const;
    await fail(turns, ...dials);
    run('a');
    expect(events).toEqual(['waits for failedDialsPerSecond']);
    await fail(beginSession(), 'LIMIT_REACHED');
    expect(events).toEqual(['waits for failedDialsPerSecond', 'waits for failedDialsPerSecond']);
  });

  test('of thousands that are done at once follow each other without growing the stack', async () => {
    const { clock, turns, run, end } = turnsWith({ pendingDials: 1 });
    run('first');
    let dialed = 0;
    const dial = async () => {
      dialed += 1;
    };
    const others = Array.from({ length: 20_000 }, () => turns.run(dial, new AbortController().signal));
    expect(dialed).toBe(0);
    await end('first');
    while (dialed < 20_000) {
      clock.advance(1);
      await settle();
    }
    await Promise.all(others);
    expect(dialed).toBe(20_000);
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
