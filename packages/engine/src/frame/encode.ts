import { allocate, viewOf, writeU32 } from '../bytes.js';
import { BLOCK_SIZE, type HeaderBlock } from '../memory/header-arena.js';
import type { SlabPool } from '../memory/slab-pool.js';
import { HEADER_LENGTH } from './frame.js';

/** Payloads up to this size are copied next to their header: one write costs more than the copy. */
const COPY_LIMIT = 1_024;
/** A block with less room is left to those that write in it already, bytes. */
const WORTH_BEGINNING = 4_096;
/** Free in front of every batch, for anything that the transport puts there, bytes. */
export const HEADROOM = 16;

/**
 * Collects frames into as few buffers as possible. Large payloads are passed on by reference, never copied;
 * headers and small payloads share blocks of memory.
 */
export class FrameBatch {
  readonly #pool: SlabPool;
  #parts: Uint8Array[] = [];
  #block: HeaderBlock | undefined;
  #start = 0;
  #end = 0;
  #length = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Bytes collected since the last `take`. */
  get length(): number {
    return this.#length;
  }

  add(type: number, channel: number, payload: Uint8Array | undefined): void {
    const length = payload === undefined ? 0 : payload.length;
    const copied = length <= COPY_LIMIT ? length : 0;
    const { bytes } = this.#room(HEADER_LENGTH + copied);
    writeHeader(bytes, this.#end, type, channel, length);
    let end = this.#end + HEADER_LENGTH;
    if (copied > 0 && payload !== undefined) {
      bytes.set(payload, end);
      end += copied;
    }
    this.#end = end;
    this.#length += HEADER_LENGTH + length;
    if (copied < length && payload !== undefined) this.#addLarge(payload);
  }

  /** What was collected before it goes into the memory in front of it if there is room: one part is cheaper than two. */
  #addLarge(payload: Uint8Array): void {
    const length = this.#end - this.#start;
    const reserved = this.#parts.length === 0 ? HEADROOM : 0;
    if (this.#block === undefined || length + reserved > this.#pool.headroomOf(payload)) {
      this.#cut();
      this.#parts.push(payload);
      return;
    }
    const whole = viewOf(payload.buffer, payload.byteOffset - length, length + payload.length);
    whole.set(this.#block.bytes.subarray(this.#start, this.#end));
    this.#start = this.#end;
    this.#parts.push(whole);
  }

  /** What was collected, in order, with HEADROOM in front of the first part; the batch is empty afterwards. */
  take(): Uint8Array[] {
    this.#cut();
    this.#block = undefined;
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    return parts;
  }

  /** A block with so much room at `#end`. */
  #room(length: number): HeaderBlock {
    const block = this.#block;
    if (block?.end === this.#end && block.end + length <= BLOCK_SIZE) {
      block.end += length;
      return block;
    }
    this.#cut();
    const headroom = this.#length === 0 ? HEADROOM : 0;
    // A batch that begins near the end would be cut for little.
    const needed = Math.max(headroom + length, this.#length === 0 ? WORTH_BEGINNING : 0);
    const next = this.#pool.headers.withRoom(needed);
    this.#block = next;
    this.#start = next.end + headroom;
    this.#end = this.#start;
    next.end = this.#start + length;
    return next;
  }

  #cut(): void {
    if (this.#end === this.#start || this.#block === undefined) return;
    this.#parts.push(this.#block.bytes.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}

/** A small frame by itself, in memory of its own. */
export function encodeFrame(type: number, channel: number, payload: Uint8Array): Uint8Array {
  const bytes = allocate(HEADER_LENGTH + payload.length);
  writeHeader(bytes, 0, type, channel, payload.length);
  bytes.set(payload, HEADER_LENGTH);
  return bytes;
}

function writeHeader(bytes: Uint8Array, at: number, type: number, channel: number, length: number): void {
  bytes[at] = type;
  bytes[at + 1] = length >>> 16;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length & 0xff;
  writeU32(bytes, channel, at + 4);
}
