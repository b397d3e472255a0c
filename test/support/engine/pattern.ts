import { allocateAlone } from '../../../packages/engine/src/bytes.js';

/** Bytes that tell which byte stream they belong to and where in it they stand: a gap, repeat or mix-up shows. */
const TABLE_LENGTH = 1 << 16;
const table = allocateAlone(TABLE_LENGTH * 3);
for (let i = 0, state = 1; i < table.length; i++) {
  if (i >= TABLE_LENGTH) {
    table[i] = table[i - TABLE_LENGTH] ?? 0;
    continue;
  }
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  table[i] = state >>> 16;
}

/** Where in the table the byte at `offset` of stream `key` stands; the period is beyond what a test sends. */
function place(key: number, offset: number): number {
  return (Math.imul(key + 1, 40_503) + offset + Math.imul(offset >>> 16, 7_919)) & (TABLE_LENGTH - 1);
}

/** The bytes of the stream `key` from `offset` on. */
export function pattern(key: number, offset: number, length: number): Uint8Array {
  const bytes = allocateAlone(length);
  for (let at = 0; at < length; ) {
    const untilNextRow = TABLE_LENGTH - ((offset + at) & (TABLE_LENGTH - 1));
    const count = Math.min(untilNextRow, length - at);
    const from = place(key, offset + at);
    bytes.set(table.subarray(from, from + count), at);
    at += count;
  }
  return bytes;
}
