import fc from 'fast-check';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import type { PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { belongsToChannel, FrameType, PAYLOAD_LIMITS } from '../../src/frame/frame.js';

const types = Object.values(FrameType).filter((type) => type !== FrameType.longData);

/** None of its bytes is special. */
export const longFrame: fc.Arbitrary<PlainFrame> = fc.record({
  type: fc.constant(FrameType.longData),
  channel: fc.integer({ min: 1, max: 0xffff_ffff }),
  payload: fc.integer({ min: 65_536, max: 200_000 }).map((length) => pattern(1, 0, length)),
});

/** A frame that the decoder must take, of any type but LONG_DATA. */
export const frames: fc.Arbitrary<PlainFrame> = fc.constantFrom(...types).chain((type) => {
  const [min, max] = PAYLOAD_LIMITS[type] ?? [0, 0];
  const channel = belongsToChannel(type) ? fc.integer({ min: 1, max: 0xffff_ffff }) : fc.constant(0);
  const payload = fc.uint8Array({ minLength: min, maxLength: Math.min(max, 400) }).map((bytes) => bytesOf(bytes));
  return fc.record({ type: fc.constant(type), channel, payload });
});

/** Cuts bytes at arbitrary places: the lengths are taken in turn until nothing is left. */
export const slicing: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1 });

export function slice(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const slices: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    slices.push(bytesOf(bytes.subarray(at, at + length)));
    at += length;
  }
  return slices;
}
