import { allocateAlone, viewOf, writeU32 } from '../bytes.js';
import { headroomOf } from '../memory/slabs.js';
import { HEADER_LENGTH } from './frame.js';

/** Payloads up to this size are copied next to their header: one write costs more than the copy. */
const COPY_LIMIT = 1_024;
/** A slab with less room is left to those that write in it already, bytes. */
const WORTH_BEGINNING = 4_096;
/** Free in front of every batch, for whatever the transport puts there, bytes. */
export const HEADROOM = 16;

/**
 * Where headers and small payloads are written, one after the other, and never again once handed out. All batches of the
 * process share it, so that a session at rest holds none of it.
 */
class Slab {
  static readonly SIZE = 16_384;
  static current = new Slab();
  readonly bytes: Uint8Array = allocateAlone(Slab.SIZE);
  end = 0;
}

/**
 * Collects frames into as few buffers as possible. Large payloads are passed on by reference, never copied;
 * headers and small payloads share slabs.
 */
export class FrameBatch {
  #parts: Uint8Array[] = [];
  #slab: Slab | undefined;
  #start = 0;
  #end = 0;
  #length = 0;

  /** Bytes collected since the last `take`. */
  get length(): number {
    return this.#length;
  }

  add(type: number, channel: number, payload: Uint8Array | undefined): void {
    const length = payload === undefined ? 0 : payload.length;
    const copied = length <= COPY_LIMIT ? length : 0;
    const { bytes } = this.#room(HEADER_LENGTH + copied);
    let end = this.#end;
    bytes[end] = type;
    bytes[end + 1] = 0;
    bytes[end + 2] = length >>> 8;
    bytes[end + 3] = length & 0xff;
    writeU32(bytes, channel, end + 4);
    end += HEADER_LENGTH;
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
    if (this.#slab === undefined || length + reserved > headroomOf(payload)) {
      this.#cut();
      this.#parts.push(payload);
      return;
    }
    const whole = viewOf(payload.buffer, payload.byteOffset - length, length + payload.length);
    whole.set(this.#slab.bytes.subarray(this.#start, this.#end));
    this.#start = this.#end;
    this.#parts.push(whole);
  }

  /** What was collected, in order, with HEADROOM in front of the first part; the batch is empty afterwards. */
  take(): Uint8Array[] {
    this.#cut();
    this.#slab = undefined;
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    return parts;
  }

  /** A slab with so much room at `#end`. */
  #room(length: number): Slab {
    const slab = this.#slab;
    if (slab?.end === this.#end && slab.end + length <= Slab.SIZE) {
      slab.end += length;
      return slab;
    }
    this.#cut();
    const headroom = this.#length === 0 ? HEADROOM : 0;
    // A batch that begins near the end would be cut for little.
    const needed = Math.max(headroom + length, this.#length === 0 ? WORTH_BEGINNING : 0);
    if (Slab.current.end + needed > Slab.SIZE) Slab.current = new Slab();
    const { current } = Slab;
    this.#slab = current;
    this.#start = current.end + headroom;
    this.#end = this.#start;
    current.end = this.#start + length;
    return current;
  }

  #cut(): void {
    if (this.#end === this.#start || this.#slab === undefined) return;
    this.#parts.push(this.#slab.bytes.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}
