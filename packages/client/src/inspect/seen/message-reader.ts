import { unmask } from 'wsproxy-node/transports';
import { GrowingBytes } from '../growing-bytes.js';
import { CLOSE, CONTINUATION, type Frame, headSize, problemOf, readFrame } from '../websocket-frames.js';
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

/** Of one message, compressed or not. */
const MOST_KEPT = 1_048_576;
function readable(opcode: number, payload: GrowingBytes, data: Buffer): ReadMessage {
  return { opcode, wireBytes: payload.count, bytes: payload.count, data: ownBytes(data) };
}
