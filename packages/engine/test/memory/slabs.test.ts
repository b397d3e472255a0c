import { describe, expect, test } from 'vitest';
import { filled, isEqual } from 'wsproxy-test-support/engine/bytes';
import { zeros } from '../../src/bytes.js';
import { keep, postSlab, release, SLAB_SIZE, scratch, trimSlabs, unpostSlab } from '../../src/memory/slabs.js';

/** Takes every free slab away, and gives the first of them that is not new. */
function nextFree(): ArrayBufferLike {
  const slab = postSlab();
  unpostSlab(slab);
  return slab.bytes.buffer;
}

describe('a slab', () => {
  test('is used again when nobody reads into it or keeps any of it', () => {
    const slab = postSlab();
    const kept = keep(slab.bytes.subarray(10, 20));
    expect(kept.buffer).toBe(slab.bytes.buffer);
    unpostSlab(slab);
    expect(nextFree()).not.toBe(slab.bytes.buffer);
    release(kept);
    expect(nextFree()).toBe(slab.bytes.buffer);
  });

  test('is not used again while it is posted, whoever has released it', () => {
    const slab = postSlab();
    release(keep(slab.bytes));
    expect(nextFree()).not.toBe(slab.bytes.buffer);
    unpostSlab(slab);
    expect(nextFree()).toBe(slab.bytes.buffer);
  });

  test('waits for the last of those who keep it', () => {
    const slab = postSlab();
    const both = [keep(slab.bytes.subarray(0, 5)), keep(slab.bytes.subarray(0, 5))];
    unpostSlab(slab);
    release(both[0] as Uint8Array);
    expect(nextFree()).not.toBe(slab.bytes.buffer);
    release(both[1] as Uint8Array);
    expect(nextFree()).toBe(slab.bytes.buffer);
  });

  test('of which somebody has released too much is never used again', () => {
    const slab = postSlab();
    release(slab.bytes);
    unpostSlab(slab);
    expect(nextFree()).not.toBe(slab.bytes.buffer);
    const kept = keep(slab.bytes);
    release(kept);
    expect(nextFree()).not.toBe(slab.bytes.buffer);
  });

  test('that was superfluous for a while is let go', () => {
    const slab = postSlab();
    unpostSlab(slab);
    trimSlabs();
    trimSlabs();
    expect(nextFree()).not.toBe(slab.bytes.buffer);
  });
});

describe('keep', () => {
  test.each([10, SLAB_SIZE])(
    'copies %d bytes of the scratch buffer, which is overwritten by the next read',
    (length) => {
      scratch.fill(1);
      const kept = keep(scratch.subarray(0, length));
      scratch.fill(2);
      expect(isEqual(kept, filled(length, 1))).toBe(true);
      release(kept);
    },
  );

  test('leaves other bytes as they are', () => {
    const bytes = zeros(100);
    expect(keep(bytes)).toBe(bytes);
    release(bytes);
  });
});
