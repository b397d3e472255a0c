import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Channel } from 'wsproxy-engine';
import { releaseOnceRead } from '../../src/accept/release-once-read.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A channel as far as it is looked at, and a socket of which the system knows nothing. Returns ms until it is released. */
async function timeOf(
  state: Partial<Channel['state']>,
  bytesReceived: number,
  hasRead?: () => Promise<boolean | undefined>,
): Promise<number> {
  const channel = { state: { dead: false, receiving: 'open', ...state }, figures: { bytesReceived } } as Channel;
  let ms = 0;
  const held = {
    isHeld: true,
    release() {
      held.isHeld = false;
    },
  };
  releaseOnceRead(held, channel, new Socket(), hasRead);
  for (; held.isHeld && ms < 5_000; ms += 5) await vi.advanceTimersByTimeAsync(5);
  expect(vi.getTimerCount()).toBe(0);
  return ms;
}

describe('what is held', () => {
  it.each<[title: string, state: Partial<Channel['state']>, bytesReceived: number, ms: number]>([
    ['is let go in the end though nothing comes', {}, 0, 1_275],
    ['is let go sooner when something waits, and nobody can say who has read what', {}, 6, 155],
    ['is let go at once when nothing will come', { receiving: 'ended' }, 0, 5],
    ['is let go at once when the channel is dead', { dead: true }, 0, 5],
  ])('%s', async (_title, state, bytesReceived, ms) => {
    expect(await timeOf(state, bytesReceived)).toBe(ms);
  });

  it('is let go though the system does not answer', async () => {
    expect(await timeOf({}, 6, () => new Promise(() => {}))).toBe(645);
  });

  it('is let go once the system says that it was read', async () => {
    const hasRead = vi.fn(async () => hasRead.mock.calls.length === 3);
    expect(await timeOf({}, 6, hasRead)).toBe(5 + 10 + 20);
  });

  it('is not looked at any more when it was let go by others', async () => {
    const channel = {} as Channel;
    releaseOnceRead({ isHeld: false, release() {} }, channel, new Socket());
    await vi.advanceTimersByTimeAsync(5);
    expect(vi.getTimerCount()).toBe(0);
  });
});
