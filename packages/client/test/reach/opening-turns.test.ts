import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpeningTurns } from '../../src/reach/opening-turns.js';

/** What opens until it is told how it ends. */
function attempt() {
  let resolve: (value: string) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<string>((onEnd, onFailure) => {
    [resolve, reject] = [onEnd, onFailure];
  });
  return {
    open: vi.fn(() => promise),
    resolve: (value: string) => resolve(value),
    reject: (error: Error) => reject(error),
  };
}

const never = new AbortController().signal;

describe('OpeningTurns', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('opens at once while fewer than the limit are under way', async () => {
    const turns = new OpeningTurns(2);
    const all = [attempt(), attempt(), attempt()];
    const ends = all.map(({ open, resolve }, n) => {
      const end = turns.run(open, never);
      if (n === 2) resolve('third');
      return end;
    });
    expect(all.map(({ open }) => open.mock.calls.length)).toEqual([1, 1, 0]);
    all[0]?.resolve('first');
    all[1]?.resolve('second');
    expect(await Promise.all(ends)).toEqual(['first', 'second', 'third']);
  });

  it('lets the next in, in the order of their coming, when one has failed', async () => {
    const turns = new OpeningTurns(1);
    const [first, second, third] = [attempt(), attempt(), attempt()];
    const end = turns.run(first.open, never);
    void turns.run(second.open, never);
    void turns.run(third.open, never);
    first.reject(new Error('refused'));
    await expect(end).rejects.toThrow('refused');
    await vi.advanceTimersByTimeAsync(0);
    expect([second, third].map(({ open }) => open.mock.calls.length)).toEqual([1, 0]);
  });

  it('counts one no more that has taken three seconds, and counts it once', async () => {
    const turns = new OpeningTurns(1);
    const [slow, second, third] = [attempt(), attempt(), attempt()];
    const end = turns.run(slow.open, never);
    void turns.run(second.open, never);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(second.open).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(second.open).toHaveBeenCalled();
    slow.resolve('late');
    expect(await end).toBe('late');
    void turns.run(third.open, never);
    await vi.advanceTimersByTimeAsync(0);
    expect(third.open).not.toHaveBeenCalled();
  });

  it('lets out of the line who is given up', async () => {
    const turns = new OpeningTurns(1);
    const [first, second, third] = [attempt(), attempt(), attempt()];
    const given = new AbortController();
    void turns.run(first.open, never);
    const end = turns.run(second.open, given.signal);
    void turns.run(third.open, never);
    given.abort();
    second.reject(new Error('given up'));
    await expect(end).rejects.toThrow('given up');
    expect(third.open).not.toHaveBeenCalled();
    first.resolve('first');
    await vi.advanceTimersByTimeAsync(0);
    expect(third.open).toHaveBeenCalled();
  });
});
