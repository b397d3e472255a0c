/**
 * Bytes as the engine makes them, for anyone who fills them: their content is anything. On Node they are Buffers, of which
 * small ones share memory, and sockets take them as they are; elsewhere they are arrays of the language. All are handled
 * as what both are. `slice` is not to be used, since it copies of an array, and not of a Buffer.
 */
export function allocate(length: number): Uint8Array {
  return maker === undefined ? new Uint8Array(length) : maker.allocUnsafe(length);
}

/** Zeros where nobody has written over them. */
export function zeros(length: number): Uint8Array {
  return allocate(length).fill(0);
}

/** As `allocate`, with memory of its own. */
export function allocateAlone(length: number): Uint8Array {
  return maker === undefined ? new Uint8Array(length) : maker.allocUnsafeSlow(length);
}

export function copyOf(bytes: Uint8Array): Uint8Array {
  return maker === undefined ? new Uint8Array(bytes) : maker.from(bytes);
}

/** A part of a memory, without copying it. */
export function viewOf(memory: ArrayBufferLike, start: number, length: number): Uint8Array {
  return maker === undefined ? new Uint8Array(memory, start, length) : maker.from(memory, start, length);
}

/** All parts in one, copied. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  if (maker !== undefined) return maker.concat(parts);
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    joined.set(part, end);
    end += part.length;
  }
  return joined;
}

/** What Node can do with bytes beyond the language, as far as it is used. */
interface Maker {
  allocUnsafe(length: number): Uint8Array;
  allocUnsafeSlow(length: number): Uint8Array;
  from(bytes: Uint8Array): Uint8Array;
  from(memory: ArrayBufferLike, start: number, length: number): Uint8Array;
  concat(parts: readonly Uint8Array[]): Uint8Array;
}

const maker = (globalThis as { Buffer?: Maker }).Buffer;

/** Integers of PROTOCOL.md, big-endian. Beyond the end of `bytes` they read as zeros: anyone who reads has checked the length. */
export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) * 0x1_0000 + readU16(bytes, at + 2);
}

export function writeU16(bytes: Uint8Array, value: number, at: number): void {
  if (!(value >= 0 && value <= 0xffff)) throw new RangeError(`${value} does not fit into 16 bits`);
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function writeU32(bytes: Uint8Array, value: number, at: number): void {
  if (!(value >= 0 && value <= 0xffff_ffff)) throw new RangeError(`${value} does not fit into 32 bits`);
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Exact up to 2^53. */
export function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) * 0x1_0000_0000 + readU32(bytes, at + 4);
}

export function writeU64(bytes: Uint8Array, value: number, at: number): void {
  writeU32(bytes, Math.floor(value / 0x1_0000_0000), at);
  writeU32(bytes, value % 0x1_0000_0000, at + 4);
}

/** One byte a character: the lower half of its number. */
export function writeLatin1(bytes: Uint8Array, text: string, at: number): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

/** Of no more than some hundred bytes: each is an argument of a call. */
export function readLatin1(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes);
}

/** Undefined for a text with half a character. Encoders and decoders are of a platform, these functions of the language. */
export function utf8(text: string): Uint8Array | undefined {
  try {
    const spelt = encodeURIComponent(text).replaceAll(/%(..)/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    const bytes = allocate(spelt.length);
    writeLatin1(bytes, spelt, 0);
    return bytes;
  } catch {
    return undefined;
  }
}

/** Undefined for what is no text. As `readLatin1`, of no more than some hundred bytes. */
export function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decodeURIComponent(
      readLatin1(bytes).replaceAll(/[%\x80-\xff]/g, (one) => `%${one.charCodeAt(0).toString(16)}`),
    );
  } catch {
    return undefined;
  }
}
