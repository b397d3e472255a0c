import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { type AttemptRoom, race } from '../../../src/dial/race/race.js';

interface Runner {
  readonly name: number;
  win(): void;
  lose(error?: Error): void;
  isGivenUp: boolean;
}

/** A race of so many, each of which wins and loses by hand. */
function startRace(candidates: number, options: { room?: AttemptRoom; signal?: AbortSignal } = {}) {
  const clock = new FakeClock();
  const controller = new AbortController();
  const { signal = controller.signal, room } = options;
  const runners: Runner[] = [];
  const names = Array.from({ length: candidates }, (_, i) => i);
  const result = race<number, string>(
    names,
    (name, onWon, onLost) => {
      const runner: Runner = {
        name,
        win: () => onWon(`won by ${name}`),
        lose: (error = new Error(`${name}`)) => onLost(error),
        isGivenUp: false,
      };
      runners.push(runner);
      return () => {
        runner.isGivenUp = true;
      };
    },
    {
      delay: 100,
      clock,
      signal,
      room,
      failureOf: (errors) => new Error(`lost by ${errors.map(({ message }) => message).join(', ')}`),
      isFinal: ({ message }) => message === 'final',
    },
  );
  const outcome = result.catch((error: Error) => error.message);
  return { clock, controller, runners, outcome, started: () => runners.map(({ name }) => name) };
}

describe('a race', () => {
  test('without candidates is lost', async () => {
    expect(await startRace(0).outcome).toBe('lost by ');
  });

  test('is lost when all have lost, in the order in which they have', async () => {
    const { clock, runners, outcome } = startRace(3);
    clock.advance(200);
    for (const i of [1, 0, 2]) runners[i]?.lose();
    expect(await outcome).toBe('lost by 1, 0, 2');
    expect([clock.pending, runners.some(({ isGivenUp }) => isGivenUp)]).toEqual([0, false]);
  });

  test('is lost with what no other attempt can mend, and the others are given up', async () => {
    const { clock, runners, outcome, started } = startRace(3);
    clock.advance(100);
    runners[1]?.lose(new Error('final'));
    expect(await outcome).toBe('final');
    expect([started(), runners[0]?.isGivenUp, clock.pending]).toEqual([[0, 1], true, 0]);
  });

  test('leaves nothing at its signal', async () => {
    const { controller, runners, outcome } = startRace(2);
    runners[0]?.win();
    expect(await outcome).toBe('won by 0');
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});

test('no matter what happens, a race has one outcome, gives up anyone who still runs, and gives back every place', async () => {
  const step = fc.record({ kind: fc.constantFrom('win', 'lose', 'final', 'wait', 'abort'), who: fc.nat() });
  const walk = fc.record({
    candidates: fc.integer({ min: 0, max: 6 }),
    places: fc.integer({ min: 0, max: 4 }),
    steps: fc.array(step, { maxLength: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(walk, async ({ candidates, places, steps }) => {
      let taken = 0;
      const room = {
        tryAnother() {},
        takeAttempt: () => taken < places && ++taken > 0,
        releaseAttempt: () => {
          taken -= 1;
        },
      };
      const { clock, controller, runners, outcome, started } = startRace(candidates, { room });
      const running = new Set<Runner>();
      const seen = () => {
        for (const runner of runners) if (!ended.has(runner) && !runner.isGivenUp) running.add(runner);
        for (const runner of running) if (runner.isGivenUp) running.delete(runner);
      };
      const ended = new Set<Runner>();
      let expected: string | undefined = candidates === 0 ? 'lost by ' : undefined;
      const lost: number[] = [];
      for (const { kind, who } of steps) {
        if (expected !== undefined) break;
        seen();
        const runner = [...running][who % running.size];
        if (kind === 'wait') clock.advance(100);
        else if (kind === 'abort') {
          controller.abort(new Error('given up'));
          expected = 'given up';
        } else if (runner !== undefined) {
          running.delete(runner);
          ended.add(runner);
          if (kind === 'win') {
            expected = `won by ${runner.name}`;
            runner.win();
          } else if (kind === 'final') {
            expected = 'final';
            runner.lose(new Error('final'));
          } else {
            lost.push(runner.name);
            if (lost.length === candidates) expected = `lost by ${lost.join(', ')}`;
            runner.lose();
          }
        }
        seen();
        // One runs without a place.
        expect(taken).toBe(expected === undefined ? Math.max(0, running.size - 1) : 0);
        // Nobody waits for a turn that is there.
        if (expected === undefined) expect(running.size).toBeGreaterThan(0);
      }
      if (expected === undefined) {
        controller.abort(new Error('given up'));
        expected = 'given up';
      }
      expect(await outcome).toBe(expected);
      // In their order, and none twice.
      expect(started()).toEqual(started().map((_, i) => i));
      expect(runners.filter((runner) => !runner.isGivenUp && !ended.has(runner))).toEqual([]);
      expect([taken, clock.pending]).toEqual([0, 0]);
      // What comes too late counts for nothing.
      for (const runner of runners) {
        runner.win();
        runner.lose();
      }
      expect(await outcome).toBe(expected);
    }),
  );
});
