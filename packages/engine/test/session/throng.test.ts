import { describe, expect, test } from 'vitest';
import { SlabPool } from '../../src/memory/slab-pool.js';
import { MemoryTransport } from '../../src/memory-transport.js';
import { joinUngreeted } from '../../src/session/handshake.js';
import { Session } from '../../src/session/session.js';
import { Throng } from '../../src/session/throng.js';
import { FakeClock } from '../../src/testing/fake-clock.js';

/** Sends messages with frames of these channels, `gap` ms one after the other, and tells whether they are a throng then. */
function isDenseAfter(messages: readonly (readonly number[])[], { gap = 0.1, bytes = 100 } = {}): boolean {
  const throng = new Throng();
  messages.forEach((channels, i) => {
    for (const channel of channels) throng.note(channel);
    throng.sent(bytes, i * gap);
  });
  return throng.isDense;
}

describe('a throng', () => {
  test('is what many channels send closely one after the other', () => {
    expect(isDenseAfter([[1], [3], [5], [7]])).toBe(true);
  });

  test('is what many channels send in one message, however long after the last', () => {
    expect(isDenseAfter([[1], [3, 5, 7, 9]], { gap: 1_000 })).toBe(true);
  });

  test('goes on as long as messages are of many channels', () => {
    const rounds = Array.from({ length: 10 }, (_, i) => [8 * i + 1, 8 * i + 3, 8 * i + 5, 8 * i + 7]);
    expect(isDenseAfter(rounds, { gap: 20 })).toBe(true);
  });

  test('is not one channel, however much it sends', () => {
    expect(isDenseAfter(Array.from({ length: 20 }, () => [1]))).toBe(false);
  });

  test('is not one channel after the other, each overlapping with the one before', () => {
    const overlapping = Array.from({ length: 20 }, (_, i) => [[2 * i + 3], [2 * i + 1], [2 * i + 3]]).flat();
    for (let end = 1; end <= overlapping.length; end++) expect(isDenseAfter(overlapping.slice(0, end))).toBe(false);
  });

  test('is not what many channels send now and then', () => {
    expect(isDenseAfter([[1], [3], [5], [7]], { gap: 5 })).toBe(false);
  });

  test('is not what is large', () => {
    expect(isDenseAfter([[1], [3], [5], [7, 9, 11]], { bytes: 60_000 })).toBe(false);
  });

  test('is over when one channel is left', () => {
    expect(isDenseAfter([[1, 3, 5, 7], [9], [9], [9]])).toBe(false);
  });
});

/** One on which the input of a turn is handled when the test says so. */
class TurnClock extends FakeClock {
  readonly #waiting: (() => void)[] = [];

  override deferPastInput(callback: () => void): void {
    this.#waiting.push(callback);
  }

  /** Returns how many have waited for it. */
  endTurn(): number {
    const waiting = this.#waiting.splice(0);
    for (const callback of waiting) callback();
    return waiting.length;
  }
}

test('a session sends what a throng brings in one turn as one message, and what one channel brings at once', () => {
  const clock = new TurnClock();
  const [transport] = MemoryTransport.pair();
  const session = new Session({
    role: 'client',
    clock,
    memory: new SlabPool(clock),
    onDetached() {},
    onClosed() {},
  });
  joinUngreeted(session, transport);
  clock.runDeferred();
  const openOne = (): number => {
    const before = transport.backlog;
    session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    clock.runDeferred();
    return transport.backlog - before;
  };

  const size = openOne();
  expect(size).toBeGreaterThan(0);
  while (openOne() > 0);
  const before = transport.backlog;
  expect([openOne(), openOne()]).toEqual([0, 0]);
  expect(clock.endTurn()).toBe(1);
  expect(transport.backlog - before).toBe(3 * size);
});
