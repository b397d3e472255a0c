import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WaitingLine } from '../../src/names/waiting-line.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a line', () => {
  test('gives places to those who came first, as others leave', async () => {
    const line = new WaitingLine({ places: () => 1, length: 2, time: 1_000 });
    const told: string[] = [];
    const enter = (name: string) => line.enter().then((hasPlace) => told.push(`${name} ${hasPlace}`));
    void enter('one');
    void enter('two');
    void enter('three');
    await enter('four');
    expect(told).toEqual(['one true', 'four false']);
    line.leave();
    line.leave();
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual(['one true', 'four false', 'two true', 'three true']);
    line.leave();
    expect([line.tryEnter(), line.tryEnter()]).toEqual([true, false]);
  });

  test('is left by the one who has waited for too long, or goes', async () => {
    const line = new WaitingLine({ places: () => 1, length: 2, time: 1_000 });
    const gone = new AbortController();
    line.tryEnter();
    const waits = [line.enter(gone.signal), line.enter()];
    gone.abort();
    expect(await waits[0]).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await waits[1]).toBe(false);
    expect(await line.enter(gone.signal)).toBe(false);
    line.leave();
    expect(line.tryEnter()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
