/**
 * What both directions of an HTTP transport are made of (PROTOCOL.md, "Over HTTP"): `kind u8, length u24`, and so many bytes.
 * Where a body ends and the next one begins has no meaning for them.
 */
export const RecordKind = {
  /** The next bytes of the stream of frames. */
  bytes: 0,
  /** The last record: close code u16, and the reason in UTF-8. */
  end: 1,
  /** Means nothing. */
  padding: 2,
  /** Of the server: something has reached it; u8, one of `Heard`. */
  heard: 3,
} as const;

export const Heard = {
  /** The request that opens the transport; so anything that goes down is not held back on the way. */
  open: 0,
  /** The beginning of the body without end; so anything that goes up in it is not held back. */
  stream: 1,
} as const;

/** Of `kind` and length, bytes. */
export const RECORD_HEAD = 4;
/** What a record may carry, bytes. */
const MAX_RECORD = 0xff_ff_ff;

export function recordHead(kind: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(RECORD_HEAD);
  head.writeUInt8(kind, 0);
  head.writeUIntBE(length, 1, 3);
  return head;
}

/** A whole record. */
export function record(kind: number, content: Uint8Array = EMPTY): Buffer {
  return Buffer.concat([recordHead(kind, content.length), content]);
}

export function padding(length: number): Buffer {
  return record(RecordKind.padding, Buffer.alloc(length));
}

export function endRecord(code: number, reason: string): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  // As a stream, so that a letter cut in two is left out.
  const words = new TextDecoder().decode(Buffer.from(reason).subarray(0, MAX_REASON), { stream: true });
  return record(RecordKind.end, Buffer.concat([head, Buffer.from(words)]));
}

/** Takes what the records of one direction say. */
export interface RecordTaker {
  /** The next bytes of the stream of frames; as long as this takes, no longer. */
  onBytes(bytes: Uint8Array): void;
  onHeard(what: number): void;
  onEnd(code: number, reason: string): void;
}

/** Cuts a stream into records, no matter what parts it comes in. Nothing is kept of one that carries bytes. */
export class RecordReader {
  readonly #taker: RecordTaker;
  /** What has come of the head, and of the content that counts as a whole. */
  #kept = EMPTY;
  #kind: number | undefined;
  /** Of the present record, bytes. */
  #left = 0;
  #isOver = false;

  constructor(taker: RecordTaker) {
    this.#taker = taker;
  }

  /** No record has come in part. */
  get isWhole(): boolean {
    return this.#kind === undefined && this.#kept.length === 0;
  }

  /** The last record has come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Throws RangeError for what no end of ours sends; then nothing more may come. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isOver)
      at = this.#kind === undefined ? this.#readHead(chunk, at) : this.#read(chunk, at);
  }

  #readHead(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + RECORD_HEAD - this.#kept.length);
    const head =
      this.#kept.length === 0 ? chunk.subarray(at, end) : Buffer.concat([this.#kept, chunk.subarray(at, end)]);
    if (head.length < RECORD_HEAD) {
      this.#kept = Buffer.from(head);
      return end;
    }
    this.#kept = EMPTY;
    this.#kind = head.readUInt8(0);
    this.#left = head.readUIntBE(1, 3);
    const [least, most] = LENGTHS[this.#kind] ?? [0, MAX_RECORD];
    if (this.#left < least || this.#left > most)
      throw new RangeError(`a record of kind ${this.#kind} with ${this.#left} bytes`);
    if (this.#left === 0) this.#kind = undefined;
    return end;
  }

  #read(chunk: Buffer, at: number): number {
    const content = chunk.subarray(at, at + this.#left);
    this.#left -= content.length;
    const kind = this.#kind;
    if (this.#left === 0) this.#kind = undefined;
    if (kind === RecordKind.bytes) this.#taker.onBytes(content);
    else if (kind === RecordKind.end || kind === RecordKind.heard) this.#keep(kind, content);
    return at + content.length;
  }

  #keep(kind: number, content: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, content]);
    if (this.#left > 0) return;
    const whole = this.#kept;
    this.#kept = EMPTY;
    if (kind === RecordKind.heard) return this.#taker.onHeard(whole.readUInt8(0));
    this.#isOver = true;
    this.#taker.onEnd(whole.readUInt16BE(0), whole.toString('utf8', 2));
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
/** As in a close frame of a WebSocket (RFC 6455 section 5.5), bytes. */
const MAX_REASON = 123;
/** Of those kinds of which something is kept; other kinds may come with later versions, and are skipped. */
const LENGTHS: Readonly<Record<number, readonly [least: number, most: number]>> = {
  [RecordKind.end]: [2, 2 + MAX_REASON],
  [RecordKind.heard]: [1, 1],
};
