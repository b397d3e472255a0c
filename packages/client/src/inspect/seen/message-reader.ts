import { unmask } from 'wsproxy-node/transports';
import { GrowingBytes } from '../growing-bytes.js';
import type { Inflater } from './inflater.js';
import { ownBytes } from './own-memory.js';

/** Reads the messages of one direction of a WebSocket (RFC 6455 section 5) as they pass, those of control frames too. */
export class MessageReader {
  readonly #inflater: Inflater | undefined;
  readonly #onHold: (change: number) => void;
  readonly #onMessage: (message: ReadMessage) => void;
  readonly #head = Buffer.alloc(14);
  #headLength = 0;
  #frame: Frame | undefined;
  /** What of the frame is still to come. */
  #left = 0;
  /** That of the frame, turned so that its first byte belongs to the next byte that is kept. */
  #mask: Uint8Array | undefined;
  /** The message whose fragments come. */
  #message: Assembly | undefined;
  #control: Assembly | undefined;
  #problem: string | undefined;

  /** `inflater`: where permessage-deflate was agreed on. `onHold` is told by how many bytes the memory that this takes has changed. */
  constructor(
    inflater: Inflater | undefined,
    onHold: (change: number) => void,
    onMessage: (message: ReadMessage) => void,
  ) {
    this.#inflater = inflater;
    this.#onHold = onHold;
    this.#onMessage = onMessage;
  }

  /** Why nothing more is read, if so. */
  get problem(): string | undefined {
    return this.#problem;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#problem === undefined) {
      at += this.#frame === undefined ? this.#readHead(chunk, at) : this.#readPayload(this.#frame, chunk, at);
    }
  }

  /** Forgets what has come in part. */
  close(): void {
    this.#problem ??= 'closed';
    this.#message?.payload.drop();
    this.#control?.payload.drop();
    this.#inflater?.close();
  }

  #readHead(chunk: Uint8Array, at: number): number {
    const missing = headSize(this.#head, this.#headLength) - this.#headLength;
    const taken = chunk.subarray(at, at + missing);
    this.#head.set(taken, this.#headLength);
    this.#headLength += taken.length;
    if (this.#headLength === headSize(this.#head, this.#headLength)) this.#begin(readFrame(this.#head));
    return taken.length;
  }

  #begin(frame: Frame): void {
    this.#headLength = 0;
    const problem = problemOf(frame, this.#message !== undefined, this.#inflater !== undefined);
    if (problem !== undefined) {
      this.close();
      this.#problem = problem;
      return;
    }
    this.#frame = frame;
    this.#left = frame.length;
    this.#mask = frame.mask;
    if (frame.opcode >= CLOSE) this.#control = this.#assemble(frame);
    else if (frame.opcode !== CONTINUATION) this.#message = this.#assemble(frame);
    if (frame.length === 0) this.#endFrame(frame);
  }

  #assemble({ opcode, isCompressed }: Frame): Assembly {
    return { opcode, isCompressed, payload: new GrowingBytes(MOST_KEPT, this.#onHold) };
  }

  #readPayload(frame: Frame, chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + this.#left);
    const payload = (frame.opcode >= CLOSE ? this.#control : this.#message)?.payload;
    // What is only counted needs no unmasking.
    payload?.push(payload.isFull ? part : this.#unmasked(part));
    this.#left -= part.length;
    if (this.#left === 0) this.#endFrame(frame);
    return part.length;
  }

  /** A copy: what passes stays as it is. */
  #unmasked(part: Uint8Array): Uint8Array {
    if (this.#mask === undefined) return part;
    const plain = new Uint8Array(part);
    this.#mask = unmask(plain, this.#mask);
    return plain;
  }

  #endFrame(frame: Frame): void {
    this.#frame = undefined;
    if (frame.opcode >= CLOSE) {
      const control = this.#control;
      this.#control = undefined;
      if (control !== undefined) this.#tell(control);
    } else if (frame.isLast) {
      const message = this.#message;
      this.#message = undefined;
      if (message !== undefined) this.#tell(message);
    }
  }

  #tell({ opcode, isCompressed, payload }: Assembly): void {
    const message = isCompressed ? this.#decompressed(opcode, payload) : readable(opcode, payload, payload.bytes);
    // The copy counts for the one who keeps it.
    payload.drop();
    this.#onMessage(message);
  }

  #decompressed(opcode: number, payload: GrowingBytes): ReadMessage {
    if (!payload.isWhole) this.#inflater?.skip();
    const data = payload.isWhole ? this.#inflater?.inflate(payload.bytes) : undefined;
    const { count } = payload;
    if (data === undefined) return { opcode, wireBytes: count, bytes: undefined, data: Buffer.alloc(0) };
    return { opcode, wireBytes: count, bytes: data.length, data: ownBytes(data.subarray(0, MOST_KEPT)) };
  }
}

/** A message, or a control frame. */
export interface ReadMessage {
  readonly opcode: number;
  /** Of its payload, as it has passed. */
  readonly wireBytes: number;
  /** Of its payload; undefined where it could not be decompressed. */
  readonly bytes: number | undefined;
  /** What is kept of it. */
  readonly data: Buffer;
}

interface Assembly {
  readonly opcode: number;
  readonly isCompressed: boolean;
  readonly payload: GrowingBytes;
}

interface Frame {
  readonly isLast: boolean;
  readonly reserved: number;
  readonly isCompressed: boolean;
  readonly opcode: number;
  readonly length: number;
  readonly mask: Uint8Array | undefined;
}

/** Of one message, compressed or not. */
const MOST_KEPT = 1_048_576;
const CONTINUATION = 0;
const BINARY = 2;
const CLOSE = 8;
const PONG = 10;

/** How long the head of a frame is, as far as that is known from its first bytes. */
function headSize(head: Buffer, known: number): number {
  if (known < 2) return 2;
  const second = head[1] ?? 0;
  const length = second & 0x7f;
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0);
}

function readFrame(head: Buffer): Frame {
  const [first = 0, second = 0] = head;
  const short = second & 0x7f;
  const length = short === 127 ? Number(head.readBigUInt64BE(2)) : short === 126 ? head.readUInt16BE(2) : short;
  const size = headSize(head, 2);
  return {
    isLast: (first & 0x80) !== 0,
    reserved: first & 0x30,
    isCompressed: (first & 0x40) !== 0,
    opcode: first & 0x0f,
    length,
    mask: second & 0x80 ? Uint8Array.from(head.subarray(size - 4, size)) : undefined,
  };
}

function problemOf(frame: Frame, isAmidMessage: boolean, mayCompress: boolean): string | undefined {
  const { opcode, length, isLast, reserved, isCompressed } = frame;
  if (reserved !== 0) return 'a frame has reserved bits';
  if (isCompressed && (!mayCompress || opcode === CONTINUATION || opcode >= CLOSE)) {
    return 'a frame is compressed that may not be';
  }
  if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) return `a frame has the opcode ${opcode}`;
  if (opcode >= CLOSE && (length > 125 || !isLast)) return 'a control frame is too long, or a fragment';
  if (opcode === CONTINUATION && !isAmidMessage) return 'a fragment follows nothing';
  if (opcode !== CONTINUATION && opcode < CLOSE && isAmidMessage) return 'a message begins within another one';
  if (!Number.isSafeInteger(length)) return 'a frame is too long';
  return undefined;
}

function readable(opcode: number, payload: GrowingBytes, data: Buffer): ReadMessage {
  return { opcode, wireBytes: payload.count, bytes: payload.count, data: ownBytes(data) };
}
