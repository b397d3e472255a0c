import { allocate, allocateAlone, copyOf, join, readU16, readU32 } from '../bytes.js';
import { violation } from '../errors.js';
import { belongsToChannel, FrameType, HEADER_LENGTH, isIgnorable, PAYLOAD_LIMITS, SESSION_CHANNEL } from './frame.js';

/** Takes what a decoder finds. */
export interface FrameSink {
  /** A whole frame of any type but DATA. The payload is a view that the sink must not keep. */
  onFrame(type: number, channel: number, payload: Uint8Array): void;
  /** The next piece of a DATA frame's payload, never empty; `last` with the piece that completes the frame. */
  onData(channel: number, piece: Uint8Array, last: boolean): void;
}

const NOTHING = allocate(0);

/**
 * Cuts a byte stream into frames, however it is sliced. DATA is passed on as it arrives, without waiting for the
 * rest of its frame; everything else is small, and collected only after its length was checked.
 */
export class FrameDecoder {
  /** Where frames go; may be exchanged from within a call, the next frame goes to the new one. */
  sink: FrameSink | undefined;
  /** How many have begun so far. */
  frames = 0;

  readonly #header = allocateAlone(HEADER_LENGTH);
  #headerFill = 0;
  #type = 0;
  #channel = 0;
  /** Payload bytes of the current frame that are still to come. */
  #missing = 0;
  #collected: Uint8Array | undefined;

  constructor(sink?: FrameSink) {
    this.sink = sink;
  }

  /** Throws ProtocolError on the first byte that cannot be right; the decoder is of no use afterwards. */
  push(chunk: Uint8Array): void {
    const { length } = chunk;
    let at = 0;
    while (at < length && this.sink !== undefined) {
      if (this.#missing === 0) {
        at = this.#readHeader(chunk, at);
        continue;
      }
      const end = Math.min(length, at + this.#missing);
      this.#missing -= end - at;
      const piece = at === 0 && end === length ? chunk : chunk.subarray(at, end);
      at = end;
      if (this.#type === FrameType.data) this.sink.onData(this.#channel, piece, this.#missing === 0);
      else if (PAYLOAD_LIMITS[this.#type] !== undefined) this.#collect(piece);
    }
  }

  #readHeader(chunk: Uint8Array, offset: number): number {
    if (this.#headerFill === 0 && chunk.length - offset >= HEADER_LENGTH) {
      this.#begin(chunk, offset);
      return offset + HEADER_LENGTH;
    }
    const taken = Math.min(HEADER_LENGTH - this.#headerFill, chunk.length - offset);
    this.#header.set(chunk.subarray(offset, offset + taken), this.#headerFill);
    this.#headerFill += taken;
    if (this.#headerFill === HEADER_LENGTH) {
      this.#headerFill = 0;
      this.#begin(this.#header, 0);
    }
    return offset + taken;
  }

  #begin(bytes: Uint8Array, at: number): void {
    const type = bytes[at] as number;
    const flags = bytes[at + 1] as number;
    const length = readU16(bytes, at + 2);
    const channel = readU32(bytes, at + 4);
    const limits = PAYLOAD_LIMITS[type];
    if (limits === undefined) {
      if (!isIgnorable(type)) throw violation(`unknown frame type ${type}`);
    } else {
      if (flags !== 0) throw violation(`unknown flags ${flags} on frame type ${type}`);
      if (length < limits[0] || length > limits[1]) throw violation(`frame type ${type} with a payload of ${length}`);
      if ((channel !== SESSION_CHANNEL) !== belongsToChannel(type)) {
        throw violation(`frame type ${type} on channel ${channel}`);
      }
    }
    this.frames += 1;
    this.#type = type;
    this.#channel = channel;
    this.#missing = length;
    if (length === 0 && limits !== undefined) this.sink?.onFrame(type, channel, NOTHING);
  }

  #collect(piece: Uint8Array): void {
    const last = this.#missing === 0;
    const payload = this.#collected === undefined ? piece : join([this.#collected, piece]);
    // A copy, since the chunk may be reused by whoever reads it from the network.
    this.#collected = last ? undefined : copyOf(payload);
    if (last) this.sink?.onFrame(this.#type, this.#channel, payload);
  }
}
