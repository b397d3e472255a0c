import { HEADER_LENGTH } from './frame.js';

/** Payloads up to this size are copied next to their header: one write costs more than the copy. */
const COPY_LIMIT = 1_024;
const SLAB_SIZE = 16_384;

/**
 * Collects frames into as few buffers as possible. Large payloads are passed on by reference, never copied;
 * headers and small payloads share slabs, which are never written again once handed out.
 */
export class FrameBatch {
  #parts: Buffer[] = [];
  #slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
  #start = 0;
  #end = 0;
  #length = 0;

  /** Bytes collected since the last `take`. */
  get length(): number {
    return this.#length;
  }

  add(type: number, channel: number, payload: Buffer | undefined): void {
    const length = payload === undefined ? 0 : payload.length;
    const copied = length <= COPY_LIMIT ? length : 0;
    if (this.#end + HEADER_LENGTH + copied > SLAB_SIZE) this.#newSlab();
    const slab = this.#slab;
    let end = this.#end;
    slab[end] = type;
    slab[end + 1] = 0;
    slab[end + 2] = length >>> 8;
    slab[end + 3] = length & 0xff;
    slab.writeUInt32BE(channel, end + 4);
    end += HEADER_LENGTH;
    if (copied > 0 && payload !== undefined) end += payload.copy(slab, end);
    this.#end = end;
    this.#length += HEADER_LENGTH + length;
    if (copied === length || payload === undefined) return;
    this.#cut();
    this.#parts.push(payload);
  }

  /** What was collected, in order; the batch is empty afterwards. */
  take(): Buffer[] {
    this.#cut();
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    return parts;
  }

  #cut(): void {
    if (this.#end === this.#start) return;
    this.#parts.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #newSlab(): void {
    this.#cut();
    this.#slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
    this.#start = 0;
    this.#end = 0;
  }
}
