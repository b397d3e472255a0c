import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, isEqual, textOf } from 'wsproxy-test-support/engine/bytes';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { join } from '../../src/bytes.js';
import { ByteQueue } from '../../src/channel/byte-queue.js';
import { ReceivingHalf } from '../../src/channel/receiving-half.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { SmallPieces } from '../../src/memory/small-pieces.js';

const BYTES = 10_000;
/** Pieces of one byte. */
const crumbs = Array.from({ length: BYTES }, (_, at) => pattern(1, at, 1));
const whole = pattern(1, 0, BYTES);
/** Of pieces that were joined. */
const FEW = 10;

test('keeps the order of all bytes, no matter what their pieces, and passes none with much memory behind it', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 5_000 }))), (lengths) => {
      const passed: Uint8Array[] = [];
      const small = new SmallPieces((bytes) => passed.push(bytes));
      let at = 0;
      for (const length of lengths) {
        const piece = pattern(1, at, length);
        if (!small.add(piece)) passed.push(piece);
        at += length;
      }
      const waiting = small.length;
      expect(passed.reduce((sum, { length }) => sum + length, waiting)).toBe(at);
      small.flush();
      expect(small.length).toBe(0);
      expect(isEqual(join(passed), pattern(1, 0, at))).toBe(true);
      for (const bytes of passed)
        expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2 * Math.max(bytes.length, 4_096));
    }),
  );
});

test('copies what it is given', () => {
  const passed: Uint8Array[] = [];
  const small = new SmallPieces((bytes) => passed.push(bytes));
  const piece = bytesOf('abc');
  small.add(piece);
  piece.fill(0);
  small.flush();
  expect(passed.map(textOf)).toEqual(['abc']);
});

describe('crumbs are joined', () => {
  test('as they wait for a sink', () => {
    const receiving = new ReceivingHalf({ onThrown() {} }, new MemoryBudget(0), 0);
    for (const crumb of crumbs) expect(receiving.onData(crumb)).toBe(true);
    const taken: Uint8Array[] = [];
    receiving.start({ onData: (chunk) => taken.push(chunk), onEnd() {}, onReset() {}, onWritable() {} });
    expect(isEqual(join(taken), whole)).toBe(true);
    expect(taken.length).toBeLessThan(FEW);
  });

  test('as they wait for a sink that never comes, and all are counted', () => {
    const receiving = new ReceivingHalf({ onThrown() {} }, new MemoryBudget(0), 0);
    for (const crumb of crumbs) expect(receiving.onData(crumb)).toBe(true);
    expect(receiving.silence()).toBe(BYTES);
  });

  test('as they wait to be sent, or to be sent again', () => {
    const budget = new MemoryBudget(1e6);
    const queue = new ByteQueue(newMemory(), budget, true);
    for (const crumb of crumbs) queue.push(crumb);
    for (let take = 0; take < 2; take++) {
      const taken: Uint8Array[] = [];
      for (let slice = queue.take(65_536); slice !== undefined; slice = queue.take(65_536)) taken.push(slice);
      expect(isEqual(join(taken), whole)).toBe(true);
      expect([taken.length < FEW, queue.length, budget.reserved]).toEqual([true, 0, 0]);
      queue.rewind();
    }
    queue.push(bytesOf('more'));
    queue.clear();
    expect([queue.length, budget.reserved, queue.take(1)]).toEqual([0, 0, undefined]);
  });
});
