import { decodeHuffman } from './huffman.js';
import { STATIC_TABLE } from './static-table.js';

/** Reads the headers of one direction of HTTP/2 (RFC 7541): each block, in its order, since each may lean on those before. */
export class HpackDecoder {
  /** The newest last; from the beginning on, so many are gone: the others are not moved for each of them. */
  #table: (Entry | undefined)[] = [];
  #gone = 0;
  /** As section 4.1 counts it. */
  #size = 0;
  #maxSize = USUAL_TABLE;

  /**
   * Names and values one after the other.
   * @throws Error when they cannot be read; none after these can
   */
  decode(block: Buffer): string[] {
    const input = new Input(block);
    const headers: string[] = [];
    let size = 0;
    while (!input.isAtEnd) {
      const entry = this.#readField(input);
      if (entry === undefined) continue;
      size += sizeOf(entry);
      // A number of one byte may stand for a long field.
      if (size > MAX_HEADERS) throw new Error('the headers are larger than 256 KiB');
      headers.push(...entry);
    }
    return headers;
  }

  #readField(input: Input): Entry | undefined {
    const first = input.peek();
    if (first >= 0x80) return this.#entry(input.number(7));
    if (first >= 0x40) return this.#add(this.#readLiteral(input, 6));
    // With 0x10, or without: whether it may be remembered further on is not said to readers.
    if (first < 0x20) return this.#readLiteral(input, 4);
    this.#maxSize = input.number(5);
    if (this.#maxSize > MAX_TABLE) throw new Error('the table of headers is larger than 256 KiB');
    this.#evict();
    return undefined;
  }

  #readLiteral(input: Input, bits: number): Entry {
    const index = input.number(bits);
    const name = index === 0 ? input.text() : this.#entry(index)[0];
    return [name, input.text()];
  }

  #entry(index: number): Entry {
    const entry = STATIC_TABLE[index - 1] ?? this.#table[this.#table.length + STATIC_TABLE.length - index];
    if (entry === undefined) throw new Error('a header has a number that none has');
    return entry;
  }

  #add(entry: Entry): Entry {
    this.#table.push(entry);
    this.#size += sizeOf(entry);
    this.#evict();
    return entry;
  }

  #evict(): void {
    while (this.#size > this.#maxSize) {
      const oldest = this.#table[this.#gone];
      if (oldest === undefined) break;
      this.#size -= sizeOf(oldest);
      this.#table[this.#gone] = undefined;
      this.#gone += 1;
    }
    if (this.#gone * 2 <= this.#table.length) return;
    this.#table.splice(0, this.#gone);
    this.#gone = 0;
  }
}

/** Bytes of a block of headers, and of all that it says. */
export const MAX_HEADERS: number = 256 * 1024;

type Entry = readonly [name: string, value: string];

class Input {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Error('the headers end too soon');
    return byte;
  }

  /** Section 5.1: it begins in the last bits of a byte. */
  number(bits: number): number {
    const most = 2 ** bits - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let factor = 1; factor <= 2 ** 21; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new Error('a number in the headers is too large');
  }

  /** Section 5.2. Every character is one byte. */
  text(): string {
    const isHuffman = this.peek() >= 0x80;
    const length = this.number(7);
    if (length > this.#bytes.length - this.#at) throw new Error('the headers end too soon');
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return isHuffman ? decodeHuffman(bytes) : bytes.toString('latin1');
  }

  #byte(): number {
    const byte = this.peek();
    this.#at += 1;
    return byte;
  }
}

function sizeOf([name, value]: Entry): number {
  return name.length + value.length + 32;
}

/** RFC 9113 section 6.5.2. */
const USUAL_TABLE = 4096;
const MAX_TABLE: number = 256 * 1024;
