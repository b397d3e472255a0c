/**
 * Reads capsules (RFC 9297 section 3.2), however they are sliced, and gives the UDP payloads in them (RFC 9298 section 5).
 * Types and contexts that are not known are skipped.
 */
export class CapsuleReader {
  readonly #onPayload: (payload: Uint8Array) => void;
  /** Of a capsule that has begun: type and length, as far as they have come. */
  #head: number[] = [];
  /** The value of a DATAGRAM capsule that has come in part, and how much of it. */
  #value: Uint8Array | undefined;
  #filled = 0;
  /** Bytes that belong to a capsule of another type. */
  #skipped = 0;

  /** `onPayload` gets bytes that are valid until it returns. */
  constructor(onPayload: (payload: Uint8Array) => void) {
    this.#onPayload = onPayload;
  }

  /** Throws CapsuleError: then there is no telling where the next capsule begins. */
  read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#skipped > 0) at += this.#skip(bytes.length - at);
      else if (this.#value !== undefined) at += this.#fill(this.#value, bytes.subarray(at));
      else at = this.#readHead(bytes, at);
    }
  }

  #skip(available: number): number {
    const skipped = Math.min(this.#skipped, available);
    this.#skipped -= skipped;
    return skipped;
  }

  #fill(value: Uint8Array, bytes: Uint8Array): number {
    const piece = bytes.subarray(0, value.length - this.#filled);
    value.set(piece, this.#filled);
    this.#filled += piece.length;
    if (this.#filled === value.length) {
      this.#value = undefined;
      this.#takeValue(value);
    }
    return piece.length;
  }

  /** Returns how far it has read: with the head, a value that is there in whole. */
  #readHead(bytes: Uint8Array, start: number): number {
    for (let at = start; at < bytes.length; at += 1) {
      this.#head.push(bytes[at] ?? 0);
      const type = readVarint(this.#head, 0);
      const length = type && readVarint(this.#head, type.end);
      if (length === undefined) continue;
      this.#head = [];
      return this.#begin(type?.value === DATAGRAM, length.value, bytes, at + 1);
    }
    return bytes.length;
  }

  #begin(isDatagram: boolean, length: number, bytes: Uint8Array, at: number): number {
    if (length > (isDatagram ? MAX_VALUE : MAX_SKIPPED)) throw new CapsuleError(`a capsule of ${length} bytes`);
    const end = at + length;
    if (!isDatagram) this.#skipped = length;
    else if (end <= bytes.length) this.#takeValue(bytes.subarray(at, end));
    else {
      this.#value = new Uint8Array(length);
      this.#filled = 0;
      return at;
    }
    return isDatagram ? end : at;
  }

  #takeValue(value: Uint8Array): void {
    const context = readVarint(value, 0);
    if (context === undefined) throw new CapsuleError('a datagram without a whole context ID');
    if (context.value !== UDP_CONTEXT) return;
    const payload = value.subarray(context.end);
    if (payload.length > MAX_PAYLOAD) throw new CapsuleError(`a UDP payload of ${payload.length} bytes`);
    this.#onPayload(payload);
  }
}

/** A DATAGRAM capsule with a UDP payload, of which it has a copy. */
export function encodeCapsule(payload: Uint8Array): Buffer {
  const length = encodeVarint(payload.length + 1);
  const capsule = Buffer.allocUnsafe(2 + length.length + payload.length);
  capsule[0] = DATAGRAM;
  capsule.set(length, 1);
  capsule[1 + length.length] = UDP_CONTEXT;
  capsule.set(payload, 2 + length.length);
  return capsule;
}

/** What came is no sequence of capsules, or one that is too long. */
export class CapsuleError extends Error {}

/** RFC 9298 section 5: a longer UDP payload ends the tunnel. */
export const MAX_PAYLOAD = 65_527;
/** With a context ID of any length. */
const MAX_VALUE: number = MAX_PAYLOAD + 8;
/** Of a capsule that is not known. */
const MAX_SKIPPED = 1_048_576;
/** RFC 9297 section 3.5. */
const DATAGRAM = 0;
/** RFC 9298 section 4. */
const UDP_CONTEXT = 0;

/** A number as RFC 9000 section 16 has it, and where it ends; undefined when it is not there in whole. */
function readVarint(bytes: ArrayLike<number>, start: number): { value: number; end: number } | undefined {
  const first = bytes[start];
  if (first === undefined) return undefined;
  const end = start + 2 ** (first >> 6);
  if (end > bytes.length) return undefined;
  let value = first & 0x3f;
  // Beyond 2^53 it is not exact, and too long for everything here.
  for (let at = start + 1; at < end; at += 1) value = value * 256 + (bytes[at] ?? 0);
  return { value, end };
}

/** Of a number below 2^30. */
function encodeVarint(value: number): number[] {
  if (value < 64) return [value];
  if (value < 16_384) return [0x40 | (value >> 8), value & 0xff];
  return [0x80 | (value >> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
}
