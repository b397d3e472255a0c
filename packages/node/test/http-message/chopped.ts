import fc from 'fast-check';

/** Bytes made of what likely stands in a message, in any order, and how they are chopped into reads. */
export function messages(pieces: readonly string[]): fc.Arbitrary<Message> {
  const noise = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const text = fc.array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...pieces) }, noise), { maxLength: 24 });
  return fc.record({
    bytes: text.map((parts) => Buffer.from(parts.join(''), 'latin1')),
    sizes: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 40 }),
  });
}

export interface Message {
  readonly bytes: Buffer;
  readonly sizes: readonly number[];
}

/** The bytes as reads of these sizes; the last takes what is left. */
export function chop({ bytes, sizes }: Message): Buffer[] {
  const reads: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    if (at < bytes.length) reads.push(bytes.subarray(at, at + size));
    at += size;
  }
  return reads;
}
