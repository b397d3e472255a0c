/** RFC 6455 section 5.3, in place; returns the mask for the bytes that follow. */
export function unmask(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  if (bytes.length < SHORT) unmaskBytes(bytes, mask);
  else unmaskWords(bytes, mask);
  return turned(mask, bytes.length);
}

/** Where words gain nothing yet, bytes. */
const SHORT = 64;

function unmaskBytes(bytes: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ (mask[i & 3] as number);
}

/** Of what a page sends, little else costs as much. */
function unmaskWords(bytes: Uint8Array, mask: Uint8Array): void {
  const start = -bytes.byteOffset & 3;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, (bytes.length - start) >> 2);
  const turnedMask = turned(mask, start);
  const word = new Int32Array(turnedMask.buffer)[0] as number;
  unmaskBytes(bytes.subarray(0, start), mask);
  for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ word;
  unmaskBytes(bytes.subarray(start + words.byteLength), turnedMask);
}

/** As it is for what comes `length` bytes later. */
function turned(mask: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(mask, (_, i) => mask[(i + length) & 3] as number);
}
