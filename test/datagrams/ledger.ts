import { createHash, randomFillSync } from 'node:crypto';

/** flow u16, direction u8, number u32. */
const HEAD = 7;
/** Of SHA-256 over all before it. */
const HASH = 8;
/** What is shorter has no room for a number: such datagrams are the same for each flow, direction and length, and are counted. */
const SHORTEST_NUMBERED = HEAD + HASH;

/** What a datagram may hold over IPv4. */
export const LONGEST = 65_507;

export type Direction = 'up' | 'down';

/** What has become of all datagrams. The last four must stay 0. */
export interface Balance {
  sent: number;
  received: number;
  lost: number;
  doubled: number;
  changed: number;
  /** That arrived in another flow, or turned round. */
  astray: number;
}

/** One direction of one flow. */
class Page {
  readonly #numbers = new Set<number>();
  readonly #short = new Map<number, { sent: number; received: number }>();
  sent = 0;

  noteSent(length: number): number {
    if (length < SHORTEST_NUMBERED) this.#shortOf(length).sent += 1;
    this.sent += 1;
    return this.sent - 1;
  }

  /** Whether it has not arrived before. */
  noteNumber(number: number): boolean {
    if (this.#numbers.has(number)) return false;
    this.#numbers.add(number);
    return true;
  }

  noteShort(length: number): boolean {
    const count = this.#shortOf(length);
    if (count.received === count.sent) return false;
    count.received += 1;
    return true;
  }

  #shortOf(length: number): { sent: number; received: number } {
    const known = this.#short.get(length) ?? { sent: 0, received: 0 };
    this.#short.set(length, known);
    return known;
  }
}

/** Makes numbered, hashed datagrams of many flows, and knows of each that arrives whether it may. */
export class Ledger {
  readonly #pages = new Map<string, Page>();
  readonly #counts = { sent: 0, received: 0, doubled: 0, changed: 0, astray: 0 };

  /** Another one, of so many bytes, at least 1. */
  make(flow: number, direction: Direction, length: number): Buffer {
    const number = this.#page(flow, direction).noteSent(length);
    this.#counts.sent += 1;
    if (length < SHORTEST_NUMBERED) return shortOne(flow, direction, length);
    const bytes = randomFillSync(Buffer.allocUnsafe(length));
    bytes.writeUInt16BE(flow, 0);
    bytes.writeUInt8(codeOf(direction), 2);
    bytes.writeUInt32BE(number, 3);
    hashOf(bytes).copy(bytes, length - HASH);
    return bytes;
  }

  /** Somebody has got it in this flow. */
  take(flow: number, direction: Direction, bytes: Buffer): void {
    const page = this.#page(flow, direction);
    if (bytes.length < SHORTEST_NUMBERED) {
      if (!bytes.equals(shortOne(flow, direction, bytes.length))) this.#counts.changed += 1;
      else if (page.noteShort(bytes.length)) this.#counts.received += 1;
      else this.#counts.doubled += 1;
      return;
    }
    const number = bytes.readUInt32BE(3);
    if (!hashOf(bytes).equals(bytes.subarray(bytes.length - HASH))) this.#counts.changed += 1;
    else if (bytes.readUInt16BE(0) !== flow || bytes.readUInt8(2) !== codeOf(direction)) this.#counts.astray += 1;
    else if (number >= page.sent || !page.noteNumber(number)) this.#counts.doubled += 1;
    else this.#counts.received += 1;
  }

  balance(): Balance {
    return { ...this.#counts, lost: this.#counts.sent - this.#counts.received };
  }

  #page(flow: number, direction: Direction): Page {
    const key = `${flow} ${direction}`;
    const page = this.#pages.get(key) ?? new Page();
    this.#pages.set(key, page);
    return page;
  }
}

function codeOf(direction: Direction): number {
  return direction === 'up' ? 1 : 2;
}

/** No two of up to 64 flows have the same, not even of one byte. */
function shortOne(flow: number, direction: Direction, length: number): Buffer {
  return Buffer.alloc(length, (flow << 2) | codeOf(direction));
}

function hashOf(bytes: Buffer): Buffer {
  return createHash('sha256')
    .update(bytes.subarray(0, bytes.length - HASH))
    .digest()
    .subarray(0, HASH);
}
