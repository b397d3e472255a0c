import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, filled, isEqual, textOf } from 'wsproxy-test-support/engine/bytes';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { encodePlain, type PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import { join } from '../../src/bytes.js';
import { FrameBatch, HEADROOM } from '../../src/frame/encode.js';
import { FrameType, HEADER_LENGTH } from '../../src/frame/frame.js';
import { SLAB_SIZE } from '../../src/memory/slab-pool.js';

const memory = newMemory();

/** Payloads around the size up to which they are copied, and in quantities that fill several slabs. */
const payload = fc
  .oneof(fc.nat(40), fc.integer({ min: 1_000, max: 1_050 }), fc.constantFrom(16_384, 65_535))
  .map((length) => filled(length, length & 0xff));
const frame = fc.record({ type: fc.constant(FrameType.data), channel: fc.nat(0xffff_ffff), payload });
const batches = fc.array(fc.array(frame, { maxLength: 60 }), { maxLength: 6 });

const add = (batch: FrameBatch, { type, channel, payload }: PlainFrame) => batch.add(type, channel, payload);

describe('FrameBatch', () => {
  test('gives the bytes of its frames, and knows their number', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const batch = new FrameBatch(memory);
        for (const frames of all) {
          for (const one of frames) add(batch, one);
          const bytes = join(frames.map(encodePlain));
          expect(batch.length).toBe(bytes.length);
          expect(isEqual(join(batch.take()), bytes)).toBe(true);
          expect(batch.length).toBe(0);
        }
      }),
    );
  });

  test('never writes again to what it has handed out', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const batch = new FrameBatch(memory);
        const taken = all.map((frames) => {
          for (const one of frames) add(batch, one);
          return batch.take();
        });
        const expected = all.map((frames) => join(frames.map(encodePlain)));
        expect(taken.map((parts) => join(parts)).every((bytes, i) => isEqual(bytes, expected[i] ?? bytes))).toBe(true);
      }),
    );
  });

  test('hands out no empty buffer', () => {
    fc.assert(
      fc.property(fc.array(frame), (frames) => {
        const batch = new FrameBatch(memory);
        for (const one of frames) add(batch, one);
        expect(batch.take().filter((part) => part.length === 0)).toEqual([]);
      }),
    );
  });

  test('puts what comes before a payload that was just read into the memory in front of it', () => {
    const slab = memory.post();
    slab.bytes.fill(7);
    const batch = new FrameBatch(memory);
    batch.add(FrameType.ack, 0, filled(8, 1));
    batch.add(FrameType.data, 1, slab.bytes);
    const [part, ...others] = batch.take();
    expect(others).toEqual([]);
    expect(part?.buffer).toBe(slab.bytes.buffer);
    expect(part?.byteOffset).toBeGreaterThanOrEqual(HEADROOM);
    const frames: PlainFrame[] = [
      { type: FrameType.ack, channel: 0, payload: filled(8, 1) },
      { type: FrameType.data, channel: 1, payload: filled(SLAB_SIZE, 7) },
    ];
    expect(isEqual(part, join(frames.map(encodePlain)))).toBe(true);
    expect(isEqual(slab.bytes, filled(SLAB_SIZE, 7))).toBe(true);
  });

  test('writes in front of no payload that others may precede', () => {
    const slab = memory.post();
    slab.bytes.fill(7);
    const batch = new FrameBatch(memory);
    batch.add(FrameType.data, 1, slab.bytes.subarray(2_000));
    for (let i = 0; i < 10; i++) batch.add(FrameType.ack, 0, filled(8, 1));
    batch.add(FrameType.data, 1, slab.bytes);
    batch.take();
    expect(isEqual(slab.bytes, filled(SLAB_SIZE, 7))).toBe(true);
  });

  test('passes a large payload on by reference', () => {
    const batch = new FrameBatch(memory);
    const large = filled(32_768, 1);
    batch.add(FrameType.data, 1, large);
    expect(batch.take()[1]).toBe(large);
  });

  test('joins small frames into one buffer', () => {
    const batch = new FrameBatch(memory);
    for (let n = 0; n < 100; n++) batch.add(FrameType.data, n, bytesOf('small'));
    expect(batch.take()).toHaveLength(1);
  });

  test('copies a small payload, which may change afterwards', () => {
    const batch = new FrameBatch(memory);
    const small = bytesOf('before');
    batch.add(FrameType.data, 1, small);
    small.set(bytesOf('after!'));
    expect(textOf(join(batch.take()).subarray(8))).toBe('before');
  });

  test('fills a buffer to its last byte before it takes another one', () => {
    const batch = new FrameBatch(memory);
    const payload = filled(1_024 - HEADER_LENGTH, 7);
    const fill = () => {
      for (let n = 0; n < 16; n++) batch.add(FrameType.data, n, payload);
    };
    fill();
    batch.add(FrameType.fin, 99, undefined);
    fill();
    const lengths = batch.take().map(({ length }) => length);
    // Batches share their buffers: the first one begins anywhere, and the last one is not full.
    const between = lengths.slice(1, -1);
    expect(between.length).toBeGreaterThan(0);
    for (const length of between) expect(16_384 - length).toBeLessThan(1_024);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(32 * 1_024 + HEADER_LENGTH);
  });

  test.each([
    [1_024, false],
    [1_025, true],
  ])('of a payload of %d bytes, the bytes themselves are handed out: %s', (length, isByReference) => {
    const batch = new FrameBatch(memory);
    const payload = filled(length, 1);
    batch.add(FrameType.data, 1, payload);
    expect(batch.take().includes(payload)).toBe(isByReference);
  });

  test('is empty after nothing was added', () => {
    expect(new FrameBatch(memory).take()).toEqual([]);
  });
});
