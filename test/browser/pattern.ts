/** Bytes that tell their place in a stream: the same in Node and in a page. */
export function patternAt(start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const at = start + i;
    bytes[i] = Math.imul(at >>> 2, 2_654_435_761) >>> (8 * (at & 3));
  }
  return bytes;
}

/** Where `chunk`, which begins at `start` of a stream, is not the pattern; undefined when it is. */
export function firstWrong(chunk: Uint8Array, start: number): number | undefined {
  for (let i = 0; i < chunk.length; i++) {
    const at = start + i;
    if (chunk[i] !== ((Math.imul(at >>> 2, 2_654_435_761) >>> (8 * (at & 3))) & 0xff)) return at;
  }
  return undefined;
}
