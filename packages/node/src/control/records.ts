/**
 * What is said on a control socket, both ways: records of a type, a length and so many bytes. A Unix socket knows no reset:
 * a program that was killed, or has given up, looks as if it had ended. So an end is a record of its own here, and what is
 * cut off before it is not whole.
 */
export const RecordType = {
  /** The first record of the one who has connected: the destination, `host:port`. */
  request: 1,
  /** The first one back: anyone who listens has understood, and dials. From here on there are bytes. */
  accepted: 2,
  /** Some bytes of the connection. */
  data: 3,
  /** There are no more of them in this direction. */
  end: 4,
  /** It has failed, both ways: in words for people. The last record. */
  failed: 5,
} as const;

export type RecordType = (typeof RecordType)[keyof typeof RecordType];

/** The header of a record, and what follows in it, if that is little. */
export function encodeRecord(type: RecordType, payload: Uint8Array = NOTHING): [header: Buffer, payload: Uint8Array] {
  const header = Buffer.allocUnsafe(HEADER_LENGTH);
  header.writeUInt8(type, 0);
  header.writeUIntBE(payload.length, 1, 3);
  return [header, payload];
}

/** Reads records from pieces of any size. */
export class RecordReader {
  readonly #sink: RecordSink;
  readonly #header = Buffer.alloc(HEADER_LENGTH);
  #headerFill = 0;
  #missing = 0;
  #payload: Uint8Array[] = [];

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  /** @throws Error for what is no record */
  read(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#headerFill < HEADER_LENGTH) rest = this.#readHeader(rest);
      if (this.#headerFill === HEADER_LENGTH) rest = this.#readPayload(rest);
    }
  }

  #readHeader(bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, HEADER_LENGTH - this.#headerFill);
    this.#header.set(part, this.#headerFill);
    this.#headerFill += part.length;
    if (this.#headerFill === HEADER_LENGTH) {
      this.#missing = this.#header.readUIntBE(1, 3);
      if (!TYPES.has(this.#type) || (this.#type !== RecordType.data && this.#missing > LONGEST_TEXT)) {
        throw new Error('what it says is no record');
      }
    }
    return bytes.subarray(part.length);
  }

  #readPayload(bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, this.#missing);
    this.#missing -= part.length;
    const isOver = this.#missing === 0;
    if (isOver) this.#headerFill = 0;
    if (this.#type !== RecordType.data) {
      this.#payload.push(part);
      if (isOver) this.#sink.onRecord(this.#type, Buffer.concat(this.#payload.splice(0)).toString());
    } else if (part.length > 0) this.#sink.onData(part);
    return bytes.subarray(part.length);
  }

  get #type(): RecordType {
    return this.#header[0] as RecordType;
  }
}

/** What they are read for. */
export interface RecordSink {
  /** Bytes of the connection, as they come; never none. */
  onData(bytes: Uint8Array): void;
  /** Any other record, with its text. */
  onRecord(type: RecordType, text: string): void;
}

/** The type, and the length of what follows, in 24 bits. */
const HEADER_LENGTH = 4;
/** Of a record that is no data, bytes. */
const LONGEST_TEXT = 4_096;
const TYPES: ReadonlySet<number> = new Set(Object.values(RecordType));
const NOTHING = new Uint8Array();
