import type { Socket } from 'node:net';
import type { Dice } from '../dice.js';
import { reset } from './reset.js';

/** What a path does to the bytes that pass in one direction. Times in ms. */
export interface Conditions {
  /** How much later every piece arrives, and by how much more at most. */
  readonly latency: number;
  readonly jitter: number;
  /** Bytes a second. */
  readonly bandwidth: number;
  /** The longest piece that is passed on, bytes. */
  readonly slice: number;
  /** The place of one byte that arrives changed, counted from the beginning of the connection. */
  readonly corruptAt: number;
  /** How much later an end arrives. */
  readonly closeDelay: number;
}

export const GOOD_CONDITIONS: Conditions = {
  latency: 0,
  jitter: 0,
  bandwidth: Number.POSITIVE_INFINITY,
  slice: Number.POSITIVE_INFINITY,
  corruptAt: Number.NaN,
  closeDelay: 0,
};

/** Bytes under way at most: beyond them the sender meets resistance, as it does where a network is full. */
const CAPACITY = 1024 * 1024;

interface Piece {
  readonly due: number;
  /** None: the end. */
  readonly bytes: Buffer | undefined;
}

/** One direction of a relayed connection. */
export class RelayLane {
  conditions: Conditions;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #dice: Dice;
  readonly #pieces: Piece[] = [];
  #underWay = 0;
  #taken = 0;
  #lastDue = 0;
  #freeAt = 0;
  #isHeld = false;
  #isBlocked = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, conditions: Conditions, dice: Dice, onBytes: (bytes: number) => void) {
    this.#from = from;
    this.#to = to;
    this.conditions = conditions;
    this.#dice = dice;
    from.on('error', () => {});
    from.on('data', (chunk: Buffer) => {
      this.#take(chunk);
      onBytes(chunk.length);
    });
    from.on('end', () => this.#append(undefined, this.conditions.closeDelay));
    from.on('close', (failed) => this.#onClose(failed));
    to.on('drain', () => {
      this.#isBlocked = false;
      this.#pass();
    });
    to.on('close', () => this.#clear());
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Keeps what arrives from now on, ends too. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Passes on what was kept, as late as it is. */
  release(): void {
    this.#isHeld = false;
    this.#pass();
    if (this.#from.destroyed) this.#onClose(false);
  }

  #take(chunk: Buffer): void {
    const { slice, latency, jitter, corruptAt } = this.conditions;
    const at = corruptAt - this.#taken;
    this.#taken += chunk.length;
    const bytes = at >= 0 && at < chunk.length ? flipped(chunk, at) : chunk;
    for (let start = 0; start < bytes.length; start += slice) {
      this.#append(bytes.subarray(start, start + slice), latency + (jitter > 0 ? this.#dice.between(0, jitter) : 0));
    }
    if (this.#underWay > CAPACITY) this.#from.pause();
  }

  #append(bytes: Buffer | undefined, delay: number): void {
    // Nothing overtakes: this is TCP.
    this.#lastDue = Math.max(this.#lastDue, performance.now() + delay);
    this.#pieces.push({ due: this.#lastDue, bytes });
    this.#underWay += bytes?.length ?? 0;
    this.#pass();
  }

  #pass(): void {
    for (let [piece] = this.#pieces; piece !== undefined && !this.#isHeld && !this.#isBlocked; [piece] = this.#pieces) {
      const wait = Math.max(piece.due, this.#freeAt) - performance.now();
      if (wait > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#pass();
        }, wait);
        return;
      }
      this.#pieces.shift();
      this.#passOn(piece.bytes);
    }
    if (this.#underWay <= CAPACITY) this.#from.resume();
  }

  #passOn(bytes: Buffer | undefined): void {
    if (bytes === undefined) {
      this.#to.end();
      return;
    }
    this.#underWay -= bytes.length;
    this.#freeAt = performance.now() + (bytes.length / this.conditions.bandwidth) * 1000;
    this.#isBlocked = !this.#to.write(bytes);
  }

  #onClose(failed: boolean): void {
    if (this.#isHeld) return;
    if (failed) reset(this.#to);
    else if (this.#pieces.length === 0) this.#to.destroySoon();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pieces.length = 0;
    this.#underWay = 0;
    // What still arrives is nobody's; unread, the end behind it would never be seen.
    this.#from.resume();
  }
}

function flipped(chunk: Buffer, at: number): Buffer {
  const bytes = Buffer.from(chunk);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  return bytes;
}
