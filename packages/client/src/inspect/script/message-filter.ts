import { randomBytes } from 'node:crypto';
import { unmask } from 'wsproxy-node/transports';
import { GrowingBytes } from '../growing-bytes.js';
import { BINARY, CLOSE, CONTINUATION, type Frame, headSize, problemOf, readFrame, TEXT } from '../websocket-frames.js';
import type { MessageVerdict } from './calls.js';
import { MOST_BODY, type Room } from './room.js';

/**
 * Holds each message of one direction of a WebSocket until the script has seen it, and passes on what that leaves alone as it came.
 * Control frames do not wait. What is too large, or cannot be read, passes.
 */
export class MessageFilter {
  readonly #isMasked: boolean;
  readonly #room: Room;
  readonly #see: See;
  #head: Buffer = EMPTY;
  #frame: Frame | undefined;
  /** Of the frame, what is still to come. */
  #left = 0;
  /** Of the message, as it came: copied, since it may come in very many fragments. */
  #raw = new GrowingBytes(MOST_BODY);
  #payload = new GrowingBytes(MOST_BODY);
  /** Of a control frame. */
  #control: Buffer[] = [];
  #opcode: number | undefined;
  #held = 0;
  /** Nothing more is held, of this message or at all. */
  #isPassing = false;
  #isLost = false;

  /** `isMasked`: as it comes from the application (RFC 6455 section 5.3). */
  constructor(isMasked: boolean, room: Room, see: See) {
    this.#isMasked = isMasked;
    this.#room = room;
    this.#see = see;
  }

  /** What is to be sent on, in its order: nothing waits for the script behind which it does not come. */
  async *push(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const out: Buffer[] = [];
    let rest = bytes;
    while (rest.length > 0 && !this.#isLost) {
      rest = this.#frame === undefined ? this.#readHead(rest, out) : this.#readPayload(this.#frame, rest, out);
      if (this.#frame === undefined || this.#left > 0 || !this.#endsMessage(this.#frame, out)) continue;
      if (out.length > 0) yield Buffer.concat(out.splice(0));
      await this.#judge(out);
    }
    if (this.#isLost) out.push(rest);
    if (out.length > 0) yield Buffer.concat(out);
  }

  /** What is held when nothing more comes. */
  end(): Buffer {
    const rest = Buffer.concat([this.#raw.bytes, ...this.#control, this.#head]);
    this.close();
    return rest;
  }

  /** Forgets what it holds. */
  close(): void {
    this.#room.give(this.#held);
    this.#held = 0;
    [this.#raw, this.#payload] = [new GrowingBytes(MOST_BODY), new GrowingBytes(MOST_BODY)];
    [this.#control, this.#head] = [[], EMPTY];
  }

  #readHead(bytes: Buffer, out: Buffer[]): Buffer {
    const known = this.#head.length;
    this.#head = Buffer.concat([this.#head, bytes.subarray(0, LONGEST_HEAD - known)]);
    const size = headSize(this.#head, this.#head.length);
    if (this.#head.length < size) return EMPTY;
    const [head, frame] = [this.#head.subarray(0, size), readFrame(this.#head)];
    this.#head = EMPTY;
    const isBroken = problemOf(frame, this.#opcode !== undefined, false) !== undefined;
    if (isBroken || (frame.mask !== undefined) !== this.#isMasked) {
      out.push(this.#takeRaw(), head);
      this.#isLost = true;
      return bytes.subarray(size - known);
    }
    this.#frame = frame;
    this.#left = frame.length;
    if (frame.opcode < CLOSE && frame.opcode !== CONTINUATION) this.#opcode = frame.opcode;
    this.#keep(frame, head, out);
    return bytes.subarray(size - known);
  }

  #readPayload(frame: Frame, bytes: Buffer, out: Buffer[]): Buffer {
    const piece = bytes.subarray(0, this.#left);
    this.#left -= piece.length;
    this.#keep(frame, piece, out);
    if (frame.opcode < CLOSE && !this.#isPassing) this.#addPayload(frame, piece);
    return bytes.subarray(piece.length);
  }

  #addPayload(frame: Frame, piece: Buffer): void {
    const plain = Buffer.from(piece);
    if (frame.mask !== undefined) this.#frame = { ...frame, mask: unmask(plain, frame.mask) };
    this.#payload.push(plain);
  }

  #keep({ opcode }: Frame, bytes: Buffer, out: Buffer[]): void {
    if (opcode >= CLOSE) return void this.#control.push(bytes);
    if (this.#isPassing) return void out.push(bytes);
    this.#held += bytes.length;
    if (this.#room.take(bytes.length) && this.#held <= MOST_BODY) return this.#raw.push(bytes);
    out.push(this.#takeRaw(), bytes);
    this.#isPassing = true;
  }

  /** Whether a message is over with this frame. */
  #endsMessage({ opcode, isLast }: Frame, out: Buffer[]): boolean {
    this.#frame = undefined;
    if (opcode < CLOSE) return isLast;
    out.push(...this.#control.splice(0));
    return false;
  }

  async #judge(out: Buffer[]): Promise<void> {
    const [wasPassing, isText] = [this.#isPassing, this.#opcode === TEXT];
    this.#isPassing = false;
    this.#opcode = undefined;
    if (wasPassing) return void (await this.#see({ tooLarge: true }));
    const payload = this.#payload.bytes;
    const verdict = await this.#see(isText ? payload.toString() : payload);
    const raw = this.#takeRaw();
    if (verdict === undefined) out.push(raw);
    else if (verdict.kind === 'message') out.push(frameOf(verdict.data, this.#isMasked));
  }

  #takeRaw(): Buffer {
    const raw = this.#raw.bytes;
    this.close();
    return raw;
  }
}

/** What goes on in place of a message; undefined: the message itself. */
export type See = (message: SeenMessage) => Promise<MessageVerdict>;

/** Of a string it is a text. One that is too large has passed. */
export type SeenMessage = string | Uint8Array | { readonly tooLarge: true };

function frameOf(data: string | Uint8Array, isMasked: boolean): Buffer {
  const payload = Buffer.from(data as string);
  const opcode = typeof data === 'string' ? TEXT : BINARY;
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  unmask(payload, mask);
  return Buffer.concat([head, mask, payload]);
}

const LONGEST_HEAD = 14;
const EMPTY: Buffer = Buffer.alloc(0);
