import { encodeCount, readCount } from '../frame/payload.js';

/** What PING carries at `now` ms, so that its answer tells the round trip. */
export function encodePing(now: number): Uint8Array {
  return encodeCount(Math.floor(now * MICROSECONDS));
}

/** The round trip, in ms, that the PONG with `payload` tells when it arrives at `now`. */
export function roundTripOf(payload: Uint8Array, now: number): number {
  return Math.max(0, now - readCount(payload) / MICROSECONDS);
}

/** A millisecond is too coarse nearby. */
const MICROSECONDS = 1_000;
