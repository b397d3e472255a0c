import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { DescriptorReserve, descriptorLimit } from '../../src/sockets/descriptor-reserve.js';

/** A socket of the system that has this descriptor. */
const withFd = (fd: number | undefined): Socket => ({ _handle: { fd } }) as unknown as Socket;

function prepare(limit: number) {
  const events: string[] = [];
  const reserve = new DescriptorReserve(
    { onScarce: () => events.push('scarce'), onPlenty: (refused) => events.push(`plenty after ${refused}`) },
    limit,
  );
  return { events, reserve };
}

describe('a reserve of descriptors', () => {
  test.each([
    [1_024, 1_008],
    [64, 48],
    [20, 15],
  ])('of %d begins at %d', (limit, first) => {
    const { reserve } = prepare(limit);
    expect([reserve.admits(withFd(first - 1)), reserve.admits(withFd(first))]).toEqual([true, false]);
  });

  test('is told once, and once more when a while has passed without a refusal', () => {
    const { events, reserve } = prepare(64);
    for (const [fd, now] of [
      [48, 0],
      [50, 100],
      [20, 200],
      [49, 300],
      [20, 1_299],
    ] as const)
      reserve.admits(withFd(fd), now);
    expect(events).toEqual(['scarce']);
    reserve.admits(withFd(20), 1_300);
    reserve.admits(withFd(20), 9_000);
    expect(events).toEqual(['scarce', 'plenty after 3']);
    reserve.admits(withFd(60), 9_001);
    expect(events.at(-1)).toBe('scarce');
  });

  test.each([undefined, -1])('is of no account where a socket has the descriptor %s', (fd) => {
    expect(prepare(64).reserve.admits(withFd(fd))).toBe(true);
  });
});

test('the limit of descriptors is the soft one of the system', () => {
  const line = (soft: string): string =>
    `Limit      Soft Limit   Hard Limit   Units\nMax open files     ${soft}    128   files\n`;
  expect([line('64'), line('unlimited'), ''].map((text) => descriptorLimit(text))).toEqual([64, Infinity, Infinity]);
});
