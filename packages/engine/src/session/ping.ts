import { encodeCount, readCount } from '../frame/payload.js';

/** What a PING carries that is sent at `now` ms: its answer brings the same. */
export function encodePing(now: number): Uint8Array {
  return encodeCount(stampOf(now));
}

/** Whether the PONG with `payload` answers the PING of that time, ms. */
export function isAnswerTo(payload: Uint8Array, askedAt: number): boolean {
  return readCount(payload) === stampOf(askedAt);
}

function stampOf(now: number): number {
  return Math.floor(now * MICROSECONDS);
}

/** A millisecond is too coarse: two PINGs must not be the same. */
const MICROSECONDS = 1_000;
