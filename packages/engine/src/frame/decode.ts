import { allocate, readU16, readU32 } from '../bytes.js';
import { violation } from '../errors.js';
import {
  belongsToChannel,
  FrameType,
  HEADER_LENGTH,
  isData,
  isIgnorable,
  PAYLOAD_LIMITS,
  SESSION_CHANNEL,
} from './frame.js';

/** Takes what a decoder finds. */
export interface FrameSink {
  /** A whole frame of any type but DATA and LONG_DATA. The payload is a view that the sink must not keep. */
  onFrame(type: number, channel: number, payload: Uint8Array): void;
  /** The next piece of the payload of those, never empty; `last` with the piece that completes the frame. */
  onData(channel: number, piece: Uint8Array, last: boolean, type: number): void;
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

  /** Of a header whose rest has not come with it. */
  #header: Uint8Array | undefined;
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
      if (isData(this.#type)) this.sink.onData(this.#channel, piece, this.#missing === 0, this.#type);
      else if (PAYLOAD_LIMITS[this.#type] !== undefined) this.#collect(piece);
    }
  }

  #readHeader(chunk: Uint8Array, offset: number): number {
    if (this.#headerFill === 0 && chunk.length - offset >= HEADER_LENGTH) {
      this.#begin(chunk, offset);
      return offset + HEADER_LENGTH;
    }
    const taken = Math.min(HEADER_LENGTH - this.#headerFill, chunk.length - offset);
    this.#header ??= allocate(HEADER_LENGTH);
    const header = this.#header;
    header.set(chunk.subarray(offset, offset + taken), this.#headerFill);
    this.#headerFill += taken;
    if (this.#headerFill === HEADER_LENGTH) {
      this.#header = undefined;
      this.#headerFill = 0;
      this.#begin(header, 0);
    }
    return offset + taken;
  }

  #begin(bytes: Uint8Array, at: number): void {
    const type = bytes[at] as number;
    const isLong = type === FrameType.longData;
    const flags = isLong ? 0 : (bytes[at + 1] as number);
    const length = readU16(bytes, at + 2) + (isLong ? (bytes[at + 1] as number) << 16 : 0);
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

  /** What comes in pieces is copied, since the chunk may be reused by anyone who reads it from the network. */
  #collect(piece: Uint8Array): void {
    const isLast = this.#missing === 0;
    let payload = piece;
    if (!isLast || this.#collected !== undefined) {
      payload = this.#collected ?? allocate(piece.length + this.#missing);
      payload.set(piece, payload.length - this.#missing - piece.length);
    }
    this.#collected = isLast ? undefined : payload;
    if (isLast) this.sink?.onFrame(this.#type, this.#channel, payload);
  }
}
