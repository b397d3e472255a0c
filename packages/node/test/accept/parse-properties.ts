import fc from 'fast-check';
import { expect } from 'vitest';
import type { ParseResult } from '../../src/accept/socks/parse-result.js';

type Parse<T> = (bytes: Buffer) => ParseResult<T>;

/** Feeds the first byte, then the first two, and so on: the most careful way to read. */
function parseByteByByte<T>(parse: Parse<T>, bytes: Buffer): ParseResult<T> {
  for (let length = 0; length < bytes.length; length += 1) {
    const result = parse(bytes.subarray(0, length));
    if (result.state !== 'more') return result;
  }
  return parse(bytes);
}

/**
 * What holds for every handshake parser, with inputs from `likely` that get past the first bytes: it never throws,
 * slicing does not matter, what follows a message does not matter, and it never waits for more than `bound` bytes.
 */
export function expectSoundParser<T>(parse: Parse<T>, likely: fc.Arbitrary<Buffer>, bound: number): void {
  const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  const input = fc.oneof(
    noise,
    likely,
    fc.tuple(likely, noise).map((parts) => Buffer.concat(parts)),
    fc.tuple(likely, fc.nat()).map(([bytes, end]) => bytes.subarray(0, end % (bytes.length + 1))),
  );
  fc.assert(
    fc.property(input, noise, (bytes, tail) => {
      const result = parse(bytes);
      expect(parseByteByByte(parse, bytes)).toEqual(result);
      if (result.state === 'done') expect(result.length).toBeLessThanOrEqual(bytes.length);
      if (result.state === 'more') expect(bytes.length).toBeLessThan(bound);
      else expect(parse(Buffer.concat([bytes, tail]))).toEqual(result);
    }),
    { numRuns: 500 },
  );
}
