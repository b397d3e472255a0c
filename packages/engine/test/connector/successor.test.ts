import { describe, expect, test } from 'vitest';
import { MemoryTransport, type Transport } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { filled } from 'wsproxy-test-support/engine/bytes';
import { ConnectError } from '../../src/connector/connect-error.js';
import { Successor } from '../../src/connector/successor.js';

const MINUTE = 60_000;
const REFUSED = new ConnectError('no way', false);

function newWorld({ betterIn = Number.POSITIVE_INFINITY, safeAge = Number.POSITIVE_INFINITY } = {}) {
  const clock = new FakeClock();
  const [present] = MemoryTransport.pair();
  const opened: Transport[] = [];
  const cuts: number[] = [];
  const tried: string[] = [];
  /** Of an attempt; undefined: none. */
  const world = { outcome: REFUSED as ConnectError | Transport | undefined, betterIn };
  const signals: AbortSignal[] = [];
  const open = async (kind: string): Promise<Transport> => {
    tried.push(kind);
    const { outcome } = world;
    if (outcome instanceof Error) throw outcome;
    return outcome ?? new Promise(() => {});
  };
  const greeting = { next: { id: filled(16, 0), resumes: true }, route: undefined };
  const successor = new Successor({
    ...{ clock, greeting },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    onTransport: (transport) => opened.push(transport),
    server: {
      name: 'the server',
      connect: () => open('any'),
      connectBetter: (signal) => {
        signals.push(signal);
        return open('better');
      },
      ways: {
        fieldsOf: () => ({ way: 'HTTP' }),
        statusOf: () => ({ name: 'HTTP', sinceMs: 7, reason: undefined }),
        greetingTime: () => 1_000,
        betterIn: () => world.betterIn,
        safeAge: () => safeAge,
        onAnswered() {},
        onUnwelcome() {},
        onCut: (_transport, age) => cuts.push(age),
      },
    },
  });
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  return { world, successor, present, opened, cuts, tried, signals, pass, clock };
}

describe('a better way', () => {
  test('is tried when its time has come, and carries the session if it opens', async () => {
    const { world, successor, present, opened, tried, pass } = newWorld({ betterIn: MINUTE });
    const [better] = MemoryTransport.pair();
    world.outcome = better;
    successor.watch(present);
    await pass(MINUTE - 1);
    expect(tried).toEqual([]);
    await pass(1);
    expect([tried, opened]).toEqual([['better'], [better]]);
  });

  test('is tried again, as long as it fails', async () => {
    const { world, successor, present, opened, tried, pass } = newWorld({ betterIn: MINUTE });
    successor.watch(present);
    await pass(MINUTE);
    world.betterIn = 10 * MINUTE;
    await pass(MINUTE);
    await pass(9 * MINUTE);
    await pass(10 * MINUTE);
    expect([tried.length, opened]).toEqual([3, []]);
  });

  test('that stays silent changes nothing for what carries the session, and is given up when that is lost', async () => {
    const { world, successor, present, opened, tried, signals, pass } = newWorld({ betterIn: MINUTE });
    world.outcome = undefined;
    successor.watch(present);
    await pass(2 * MINUTE);
    expect([tried, opened, successor.way?.name, signals.map(({ aborted }) => aborted)]).toEqual([
      ...[['better'], [], 'HTTP', [false]],
    ]);
    successor.end();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('is not tried where there is none, nor once the session has no transport', async () => {
    const best = newWorld();
    best.successor.watch(best.present);
    await best.pass(100 * MINUTE);
    const lost = newWorld({ betterIn: MINUTE });
    lost.successor.watch(lost.present);
    lost.successor.end();
    await lost.pass(100 * MINUTE);
    expect([best.tried, lost.tried, lost.clock.pending]).toEqual([[], [], 0]);
  });
});

describe('a transport that will be cut at its age', () => {
  test('is replaced before that', async () => {
    const { world, successor, present, opened, tried, pass } = newWorld({ safeAge: 24_000 });
    const [next] = MemoryTransport.pair();
    world.outcome = next;
    successor.watch(present);
    await pass(23_999);
    expect(tried).toEqual([]);
    await pass(1);
    expect([tried, opened]).toEqual([['any'], [next]]);
  });

  test('stays where no other opens', async () => {
    const { successor, present, opened, tried, pass } = newWorld({ safeAge: 24_000 });
    successor.watch(present);
    await pass(MINUTE);
    expect([tried, opened]).toEqual([['any'], []]);
    expect(successor.way?.name).toBe('HTTP');
  });
});

describe('a session without a transport', () => {
  test('waits for no age of what carried it', async () => {
    const { successor, present, tried, pass, clock } = newWorld({ safeAge: 24_000 });
    successor.watch(present);
    successor.end();
    expect(clock.pending).toBe(0);
    await pass(MINUTE);
    expect(tried).toEqual([]);
  });
});

describe('a cut', () => {
  test.each([1006, 1000, 1001, 1012])('with %i tells how old the transport was', async (code) => {
    const { successor, present, cuts, pass } = newWorld();
    successor.watch(present);
    await pass(30_000);
    successor.onLost({ code, reason: '' }, false);
    expect(cuts).toEqual([30_000]);
  });

  test('of the server, and what follows an end, tell nothing', async () => {
    const { successor, present, cuts } = newWorld();
    successor.watch(present);
    successor.onLost({ code: 4002, reason: '' }, false);
    successor.end();
    successor.onLost({ code: 1006, reason: '' }, false);
    expect([cuts, successor.way]).toEqual([[], undefined]);
  });
});
