import { allocateAlone } from '../bytes.js';

/** Copying less than this costs less than what it may keep alive; copying more would cost the data path. */
const COPY_BELOW = 16_384;

/**
 * The same bytes without a much larger buffer behind them, for bytes that wait: a small slice keeps all of the
 * network read alive that it was cut from, and a peer could make thousands of such slices wait. `below`: from this length
 * on the same, no matter what is behind them.
 */
export function compact(chunk: Uint8Array, below: number = COPY_BELOW): Uint8Array {
  if (chunk.length >= below || chunk.buffer.byteLength <= 2 * chunk.length) return chunk;
  const copy = allocateAlone(chunk.length);
  copy.set(chunk);
  return copy;
}
