import { type ByteTaker, LONE_FRAME_SIZE, type Transport } from 'wsproxy-engine';
import { CLIENT_FORM, type ClosingForm, closingStart, SERVER_FORM } from './closing-tail.js';
import { unmask } from './unmask.js';

/** RFC 6455 section 5.2: the bits of the first byte, and of the second. */
const FIN = 0x80;
const CONTINUATION = 0x00;
const BINARY = 0x02;
const CLOSE = 0x08;
const PONG = 0x0a;
const MASK = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const LONGEST_HEADER = 14;
/** Section 5.5: a control frame carries at most 125 bytes. */
const MAX_CONTROL = 125;
const SMALL_READS = 64;

/**
 * Reads the WebSocket frames of one direction (RFC 6455 section 5) and passes the payload of binary messages on as it
 * arrives, without joining or copying it. Knows no more of the protocol than it takes to recognize messages that are one
 * frame; all others are somebody else's.
 */
export class MessageReader implements ByteTaker {
  readonly #options: MessageReaderOptions;
  readonly #taker: MessageTaker;
  /** Of the present header, when its rest has not come with it. */
  #partial: Buffer | undefined;
  #headerFill = 0;
  /** The first byte of the present frame. */
  #first = 0;
  /** Of the present frame, as far as it is known. */
  #headerLength = 2;
  /** Payload bytes of the present frame that are still to come. */
  #missing = 0;
  /** The present frame is not a whole binary message. */
  #isOther = false;
  /** Fragments of the present message so far, and their bytes; 0 between messages and in whole ones. */
  #fragments = 0;
  #fragmentBytes = 0;
  /** The frame's mask, if it changes anything; turned so that its first byte belongs to the next byte of payload that is passed on. */
  #mask: Uint8Array | undefined;
  /** `other`: all that comes is passed on. `closed`: nothing counts after a close frame (section 5.5.1). */
  #state: 'reading' | 'other' | 'closed' = 'reading';
  /** The end of what has arrived, when it may be a close frame that cut a message off. */
  #doubtful: Buffer | undefined;
  readonly #closingForm: ClosingForm;
  /** So many reads are still to bring little. */
  #smallReads = 0;

  /**
   * The receiver of `taker` gets the next bytes of a binary message, as they arrive; never none. `onOther` gets what a
   * complete implementation has to read: control frames, fragmented messages, and from the first frame on that is not right,
   * or not binary, everything.
   */
  constructor(options: MessageReaderOptions, taker: MessageTaker) {
    this.#options = options;
    this.#taker = taker;
    this.#closingForm = options.isServer ? CLIENT_FORM : SERVER_FORM;
  }

  get appetite(): number {
    return this.#smallReads > 0 ? LONE_FRAME_SIZE : Number.POSITIVE_INFINITY;
  }

  /** What comes takes long to read: the next reads bring less, so that others have their turn in between. */
  readLess(): void {
    this.#smallReads = SMALL_READS;
  }

  /** `chunk`: the next bytes of the connection. They may be changed, and belong to the sink afterwards. */
  onBytes(chunk: Uint8Array): void {
    if (this.#smallReads > 0) this.#smallReads -= 1;
    const before = this.#doubtful;
    if (before !== undefined) {
      this.#doubtful = undefined;
      if (chunk.length < this.#closingForm.length) return this.onBytes(Buffer.concat([before, chunk]));
      this.#read(before, 0, before.length);
    }
    const doubt = closingStart(chunk, this.#closingForm);
    this.#read(chunk, 0, doubt);
    if (doubt === chunk.length) return;
    // Between frames a close frame is what it looks like; and only zeros as a mask let a sender see what it looks like.
    const isWhole = this.#headerFill === 0 && this.#missing === chunk.length - doubt;
    if (this.#isInMessage && !(isWhole && this.#mask !== undefined))
      this.#doubtful = Buffer.from(chunk.subarray(doubt));
    else this.#read(chunk, doubt, chunk.length);
  }

  get #isInMessage(): boolean {
    const isControl = (this.#first & CLOSE) !== 0;
    return this.#state === 'reading' && !isControl && (this.#missing > 0 || this.#headerFill > 0);
  }

  #read(chunk: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to && this.#state === 'reading') {
      at = this.#missing > 0 ? this.#readPayload(chunk, at, to) : this.#readHeader(chunk, at, to);
    }
    if (at < to && this.#state === 'other') this.#taker.onOther(Buffer.from(chunk.subarray(at, to)));
  }

  #readPayload(chunk: Uint8Array, from: number, to: number): number {
    const end = Math.min(to, from + this.#missing);
    this.#missing -= end - from;
    const piece = from === 0 && end === chunk.length ? chunk : chunk.subarray(from, end);
    if (this.#isOther) {
      this.#taker.onOther(Buffer.from(piece));
      if (this.#missing === 0) this.#endOther();
    } else {
      if (this.#mask !== undefined) this.#mask = unmask(piece, this.#mask);
      this.#taker.receiver.onBytes(piece);
    }
    return end;
  }

  #readHeader(chunk: Uint8Array, from: number, to: number): number {
    const header = this.#partial ?? PASSING;
    let at = from;
    while (this.#headerFill < this.#headerLength && at < to) {
      const byte = chunk[at++] as number;
      header[this.#headerFill++] = byte;
      if (this.#headerFill === 1) this.#first = byte;
      else if (this.#headerFill === 2) this.#classifyStart(header);
    }
    if (this.#state !== 'reading') return at;
    if (this.#headerFill < this.#headerLength) this.#partial ??= Buffer.from(header);
    else this.#beginPayload(header);
    return at;
  }

  /** The first two bytes: whether the frame is one of ours, and how long its header is. */
  #classifyStart(header: Buffer): void {
    const { isServer, maxFragments } = this.#options;
    const [first, second] = [this.#first, header[1] as number];
    const short = second & ~MASK;
    const isControl = first >= (FIN | CLOSE) && first <= (FIN | PONG) && short <= MAX_CONTROL;
    const expected = this.#fragments > 0 ? CONTINUATION : BINARY;
    const isRight = isControl || ((first & ~FIN) === expected && this.#fragments < maxFragments);
    if (!isRight || (second & MASK) !== (isServer ? MASK : 0)) return this.#giveUp(header, 2);
    this.#isOther = first !== (FIN | BINARY);
    this.#headerLength = 2 + (short === LENGTH_16 ? 2 : short === LENGTH_64 ? 8 : 0) + (isServer ? 4 : 0);
  }

  #beginPayload(header: Buffer): void {
    const [first, length, whole] = [this.#first, payloadLength(header), this.#headerLength];
    this.#partial = undefined;
    this.#headerFill = 0;
    this.#headerLength = 2;
    const isControl = (first & CLOSE) !== 0;
    if (!isControl && this.#fragmentBytes + length > this.#options.maxPayload) return this.#giveUp(header, whole);
    this.#missing = length;
    this.#mask = this.#options.isServer ? maskOf(header.subarray(whole - 4, whole)) : undefined;
    if (!this.#isOther) return;
    this.#taker.onOther(Buffer.from(header.subarray(0, whole)));
    if (!isControl) {
      const isLast = first >= FIN;
      this.#fragments = isLast ? 0 : this.#fragments + 1;
      this.#fragmentBytes = isLast ? 0 : this.#fragmentBytes + length;
    }
    if (length === 0) this.#endOther();
  }

  #endOther(): void {
    if (this.#first === (FIN | CLOSE)) this.#state = 'closed';
  }

  /** Anyone who reads on begins with the present header, of which there are `length` bytes. */
  #giveUp(header: Buffer, length: number): void {
    this.#state = 'other';
    this.#taker.onOther(Buffer.from(header.subarray(0, length)));
  }
}

/** Where a header is read whose rest comes with it, of any connection. */
const PASSING = Buffer.alloc(LONGEST_HEADER);

function payloadLength(header: Buffer): number {
  const short = (header[1] as number) & ~MASK;
  if (short === LENGTH_16) return header.readUInt16BE(2);
  return short === LENGTH_64 ? header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6) : short;
}

/** A mask of zeros changes nothing. */
function maskOf(bytes: Buffer): Uint8Array | undefined {
  return bytes.readUInt32BE(0) === 0 ? undefined : Uint8Array.from(bytes);
}

export interface MessageReaderOptions {
  /** A server's peer masks, a client's does not (section 5.1). */
  readonly isServer: boolean;
  /** Bytes of a message at most, all fragments together. */
  readonly maxPayload: number;
  readonly maxFragments: number;
}

/** Takes what is read. */
export interface MessageTaker extends Pick<Transport, 'receiver'> {
  onOther(bytes: Buffer): void;
}
