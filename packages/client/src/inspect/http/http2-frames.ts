import { GrowingBytes } from '../growing-bytes.js';

/** Takes the frames of one direction of HTTP/2 apart (RFC 9113 section 4), however they are sliced. Content of DATA is not kept. */
export class FrameReader {
  readonly #sink: FrameSink;
  #header: Buffer = Buffer.alloc(0);
  /** Of the present frame, once its header has come. */
  #frame: FrameHeader | undefined;
  #left = 0;
  /** What has come of a frame that is read as a whole. */
  #payload = new GrowingBytes(MAX_WHOLE);
  /** Of the present frame: bytes of padding at its end; undefined while their number has not come. */
  #padding: number | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @throws Error when they are no frames */
  read(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#frame === undefined) {
        const header = Buffer.concat([this.#header, rest.subarray(0, HEADER - this.#header.length)]);
        rest = rest.subarray(header.length - this.#header.length);
        this.#header = header;
        if (header.length < HEADER) return;
        this.#header = Buffer.alloc(0);
        this.#begin(header);
      } else {
        const piece = rest.subarray(0, this.#left);
        rest = rest.subarray(piece.length);
        this.#left -= piece.length;
        this.#take(this.#frame, piece);
      }
      if (this.#frame !== undefined && this.#left === 0) this.#end(this.#frame);
    }
  }

  #begin(header: Buffer): void {
    this.#left = header.readUIntBE(0, 3);
    const [type = 0, flags = 0] = header.subarray(3, 5);
    this.#frame = { type, flags, stream: header.readUInt32BE(5) & 0x7f_ff_ff_ff };
    this.#padding = hasFlag(flags, Flag.padded) ? undefined : 0;
    if (WHOLE.has(type) && this.#left > MAX_WHOLE) throw new Error('a frame is larger than it may be');
  }

  #take(frame: FrameHeader, piece: Buffer): void {
    if (WHOLE.has(frame.type)) this.#payload.push(piece);
    else if (frame.type === FrameType.data) this.#takeData(frame, piece);
  }

  #takeData({ stream }: FrameHeader, piece: Buffer): void {
    const isFirst = this.#padding === undefined;
    this.#padding ??= piece[0] ?? 0;
    const content = isFirst ? piece.subarray(1) : piece;
    // What is left of the frame ends with the padding.
    const paddingHere = Math.max(0, this.#padding - this.#left);
    const bytes = content.subarray(0, Math.max(0, content.length - paddingHere));
    if (bytes.length > 0) this.#sink.onData(stream, bytes);
  }

  #end(frame: FrameHeader): void {
    this.#frame = undefined;
    const payload = this.#payload.bytes;
    if (payload.length > 0) this.#payload = new GrowingBytes(MAX_WHOLE);
    const isEnd = hasFlag(frame.flags, Flag.endStream);
    if (frame.type === FrameType.data) {
      if (isEnd) this.#sink.onDataEnd(frame.stream);
    } else if (WHOLE.has(frame.type)) this.#sink.onFrame(frame, payload);
  }
}

export interface FrameSink {
  onData(stream: number, bytes: Buffer): void;
  onDataEnd(stream: number): void;
  /** Of those that are read as a whole. */
  onFrame(frame: FrameHeader, payload: Buffer): void;
}

export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
}

/** RFC 9113 section 6; the others are of no interest. */
export const FrameType = { data: 0, headers: 1, reset: 3, promise: 5, continuation: 9 } as const;
export const Flag = { endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export function hasFlag(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

const HEADER = 9;
const WHOLE: ReadonlySet<number> = new Set([
  FrameType.headers,
  FrameType.reset,
  FrameType.promise,
  FrameType.continuation,
]);
/** Nobody allows more for headers; the rule would be up to 16 MiB. */
const MAX_WHOLE: number = 256 * 1024;
