import { constants, inflateRawSync } from 'node:zlib';
import { ownBytes } from './own-memory.js';

/**
 * Decompresses the messages of one direction of a WebSocket (RFC 7692). Node has no inflate that is bounded, keeps a context and
 * answers at once; the context is no more than the last 32 KiB, which it takes as a dictionary.
 */
export class Inflater {
  readonly #keepsContext: boolean;
  readonly #onHold: (change: number) => void;
  #window: Buffer = Buffer.alloc(0);
  #credit = FIRST_CREDIT;
  #isLost = false;

  /** `onHold` is told by how many bytes the memory that this takes has changed. */
  constructor(keepsContext: boolean, onHold: (change: number) => void) {
    this.#keepsContext = keepsContext;
    this.#onHold = onHold;
  }

  /** Whether nothing that follows can be read. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Undefined if it is damaged, or too large: with a context, all that follows then is lost too. */
  inflate(payload: Uint8Array): Buffer | undefined {
    if (this.#isLost) return undefined;
    this.#credit += payload.length * MOST_RATIO;
    const data = this.#try(payload);
    if (data !== undefined) {
      this.#credit -= data.length;
      if (this.#keepsContext) this.#keep(data);
      return data;
    }
    // The work that a failed try has cost is not known: the most that it may be.
    this.#credit -= MOST_OUTPUT;
    if (this.#keepsContext || this.#credit <= 0) this.skip();
    return undefined;
  }

  #try(payload: Uint8Array): Buffer | undefined {
    try {
      const { buffer, engine } = inflateRawSync(Buffer.concat([payload, TAIL]), {
        info: true,
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: Math.max(1, Math.min(MOST_OUTPUT, this.#credit)),
        ...(this.#window.length > 0 && { dictionary: this.#window }),
      }) as unknown as Inflated;
      // A block may say that it is the last. Blocks behind it (section 7.2.3.5), which nobody sends, zlib leaves out.
      return payload.length - engine.bytesWritten > MOST_PADDING ? undefined : buffer;
    } catch {
      return undefined;
    }
  }

  /** A message was not given to it. */
  skip(): void {
    if (!this.#keepsContext && this.#credit > 0) return;
    this.#isLost = true;
    this.close();
  }

  close(): void {
    this.#onHold(-this.#window.length);
    this.#window = Buffer.alloc(0);
  }

  #keep(data: Buffer): void {
    const former = this.#window.length;
    const window = data.length >= WINDOW ? data : Buffer.concat([this.#window, data]);
    this.#window = ownBytes(window.subarray(-WINDOW));
    this.#onHold(this.#window.length - former);
  }
}

/** With `info`, which the types do not know. */
interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten`: how much of the input it has taken. */
  readonly engine: { readonly bytesWritten: number };
}

/** Behind a last block (RFC 7692 section 7.2.3.4), bytes. */
const MOST_PADDING = 1;
/** What a sender leaves out (RFC 7692 section 7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** The largest window of DEFLATE. */
const WINDOW = 32_768;
/** Of one message: about 30 ms of work. */
const MOST_OUTPUT = 16_777_216;
/** What may come of compressed bytes in the long run: DEFLATE makes up to 1,032 of one. */
const MOST_RATIO = 64;
const FIRST_CREDIT = MOST_OUTPUT * 2;
