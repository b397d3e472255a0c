import type { Duplex } from 'node:stream';
import { unmask } from './unmask.js';

/** Takes the masks off what comes on `connection` before anyone else reads it, who then finds masks of zeros. */
export function unmaskAhead(connection: Duplex): void {
  const masks = new MaskRemover();
  connection.prependListener('data', (chunk: Uint8Array) => masks.removeFrom(chunk));
  // Of what nobody has read by then, half a message may have its mask still.
  connection.prependListener('close', () => void connection.read());
}

/** Where the masks are in the bytes of a client (RFC 6455 section 5.2). What the frames mean is for others to judge. */
export class MaskRemover {
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #fill = 0;
  /** Of the present frame, as far as it is known. */
  #headerLength = SHORTEST_HEADER;
  /** Payload bytes of the present frame that are still to come. */
  #missing = 0;
  #mask: Uint8Array = NO_MASK;
  /** There was a frame without a mask, which ends the connection. */
  #isOver = false;

  /** `chunk`: the next bytes, in place. */
  removeFrom(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#isOver; )
      at = this.#missing > 0 ? this.#readPayload(chunk, at) : this.#readHeader(chunk, at);
  }

  #readPayload(chunk: Uint8Array, from: number): number {
    const end = Math.min(chunk.length, from + this.#missing);
    this.#missing -= end - from;
    this.#mask = unmask(chunk.subarray(from, end), this.#mask);
    return end;
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] as number;
    this.#header[this.#fill++] = byte;
    if (this.#fill === 2) {
      this.#isOver = (byte & MASK) === 0;
      this.#headerLength = SHORTEST_HEADER + ({ 126: 2, 127: 8 }[byte & ~MASK] ?? 0);
    } else if (this.#fill > this.#headerLength - 4) chunk[at] = 0;
    if (this.#fill === this.#headerLength) this.#beginPayload();
    return at + 1;
  }

  #beginPayload(): void {
    const short = (this.#header[1] as number) & ~MASK;
    if (short === 126) this.#missing = this.#header.readUInt16BE(2);
    else if (short === 127) this.#missing = this.#header.readUInt32BE(2) * 2 ** 32 + this.#header.readUInt32BE(6);
    else this.#missing = short;
    this.#mask = Uint8Array.from(this.#header.subarray(this.#fill - 4, this.#fill));
    this.#fill = 0;
    this.#headerLength = SHORTEST_HEADER;
  }
}

const MASK = 0x80;
/** With a mask, bytes. */
const SHORTEST_HEADER = 6;
const LONGEST_HEADER = 14;
const NO_MASK = new Uint8Array(4);
