import { beforeEach, describe, expect, test } from 'vitest';
import { filled, isEqual } from 'wsproxy-test-support/engine/bytes';
import { zeros } from '../../src/bytes.js';
import { SLAB_SIZE, SlabPool } from '../../src/memory/slab-pool.js';
import { FakeClock } from '../../src/testing/fake-clock.js';

let pool: SlabPool;

beforeEach(() => {
  pool = new SlabPool(new FakeClock());
});

/** Takes every free slab away, and gives the first of them that is not new. */
function nextFree(): ArrayBufferLike {
  const slab = pool.post();
  pool.unpost(slab);
  return slab.bytes.buffer;
}

describe('a slab', () => {
  test('is used again when nobody reads into it or keeps any of it', () => {
    const slab = pool.post();
    const kept = pool.keep(slab.bytes.subarray(10, 20));
    expect(kept.buffer).toBe(slab.bytes.buffer);
    pool.unpost(slab);
    expect(nextFree()).not.toBe(slab.bytes.buffer);
    pool.release(kept);
    expect(nextFree()).toBe(slab.bytes.buffer);
  });

  test('is not used again while it is posted, no matter who has released it', () => {
    const slab = pool.post();
    pool.release(pool.keep(slab.bytes));
    expect(nextFree()).not.toBe(slab.bytes.buffer);
    pool.unpost(slab);
    expect(nextFree()).toBe(slab.bytes.buffer);
  });

  test('waits for the last of those who keep it', () => {
    const slab = pool.post();
    const both = [pool.keep(slab.bytes.subarray(0, 5)), pool.keep(slab.bytes.subarray(0, 5))];
    pool.unpost(slab);
    pool.release(both[0] as Uint8Array);
    expect(nextFree()).not.toBe(slab.bytes.buffer);
    pool.release(both[1] as Uint8Array);
    expect(nextFree()).toBe(slab.bytes.buffer);
  });

  test('of which somebody has released too much is never used again', () => {
    const slab = pool.post();
    expect(() => pool.release(slab.bytes)).toThrow('more of a slab is released than was kept');
    pool.unpost(slab);
    expect(nextFree()).not.toBe(slab.bytes.buffer);
    const kept = pool.keep(slab.bytes);
    pool.release(kept);
    expect(nextFree()).not.toBe(slab.bytes.buffer);
  });

  test('that is free only long after the last reader has rested is let go as well', () => {
    const clock = new FakeClock();
    pool = new SlabPool(clock);
    const reader = { restIfSilent() {} };
    const slab = pool.lend(reader);
    const kept = pool.keep(pool.scratch.subarray(0, SLAB_SIZE));
    if (slab !== undefined) pool.takeBack(reader, slab);
    clock.advance(10_000);
    pool.release(kept);
    clock.advance(10_000);
    expect(clock.pending).toBe(0);
    expect(nextFree()).not.toBe(kept.buffer);
  });

  test('that was superfluous for a while is let go', () => {
    const slab = pool.post();
    pool.unpost(slab);
    pool.trim();
    pool.trim();
    expect(nextFree()).not.toBe(slab.bytes.buffer);
  });

  test('is looked for until none is left, and no longer', () => {
    const clock = new FakeClock();
    pool = new SlabPool(clock);
    pool.unpost(pool.post());
    expect([pool.trim(), clock.pending]).toEqual([1, 1]);
    expect([pool.trim(), clock.pending]).toEqual([0, 0]);
    const reader = { restIfSilent() {} };
    const slab = pool.lend(reader);
    expect([pool.trim(), clock.pending]).toEqual([0, 1]);
    if (slab !== undefined) pool.takeBack(reader, slab);
    clock.advance(10_000);
    expect(clock.pending).toBe(0);
  });
});

test('only in front of the first bytes of a slab is there room for headers', () => {
  const { bytes } = pool.post();
  expect(pool.headroomOf(bytes.subarray(0, 10))).toBeGreaterThan(0);
  expect(pool.headroomOf(bytes)).toBeLessThanOrEqual(bytes.byteOffset);
  // Those before it are somebody's.
  expect(pool.headroomOf(bytes.subarray(1))).toBe(0);
  expect(pool.headroomOf(zeros(10))).toBe(0);
});

test('a pool tells of how many slabs somebody keeps bytes', () => {
  const [one, other] = [pool.post(), pool.post()];
  const kept = [one.bytes, one.bytes.subarray(1), other.bytes].map((bytes) => pool.keep(bytes));
  expect(pool.kept).toBe(2);
  for (const [n, bytes] of kept.entries()) {
    pool.release(bytes);
    expect(pool.kept).toBe([2, 1, 0][n]);
  }
});

describe('memory behind a little that waits', () => {
  test('is pinned up to 16 MiB', () => {
    const little = zeros(1_048_576).subarray(0, 1);
    for (let n = 0; n < 16; n++) expect(pool.pin(little)).toBe(true);
    expect(pool.pin(little)).toBe(false);
    pool.unpin(1_048_576);
    expect(pool.pin(little)).toBe(true);
  });

  test('is not unpinned more often than it was pinned', () => {
    expect(() => pool.unpin(1)).toThrow('more memory is unpinned than was pinned');
  });
});

describe('keep', () => {
  test.each([10, SLAB_SIZE])(
    'copies %d bytes of the scratch buffer, which is overwritten by the next read',
    (length) => {
      pool.scratch.fill(1);
      const kept = pool.keep(pool.scratch.subarray(0, length));
      pool.scratch.fill(2);
      expect(isEqual(kept, filled(length, 1))).toBe(true);
      pool.release(kept);
    },
  );

  test('leaves other bytes as they are', () => {
    const bytes = zeros(100);
    expect(pool.keep(bytes)).toBe(bytes);
    pool.release(bytes);
  });
});
