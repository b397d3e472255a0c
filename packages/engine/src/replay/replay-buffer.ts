import type { MemoryBudget } from '../flow/memory-budget.js';
import { type Frame, isData, isOpening, SESSION_CHANNEL, wireLength } from '../frame/frame.js';
import type { SlabPool } from '../memory/slab-pool.js';

/** A frame that is counted, kept until acknowledged, and sent again after a resume. */
export type SequencedFrame = Frame;

/** Cost of keeping one frame beside its bytes: the object and its place in the queue. */
const FRAME_OVERHEAD = 100;

/**
 * The sequenced frames that the peer has not acknowledged, oldest first, and how far the present transport has got
 * with them. Positions are implied by counting from the session's first frame.
 */
export class ReplayBuffer {
  readonly #memory: SlabPool;
  readonly #budget: MemoryBudget;
  #frames: (SequencedFrame | undefined)[] = [];
  /** Index in #frames of the oldest unacknowledged frame: shifting an array for each would cost its length. */
  #head = 0;
  #acknowledged = 0;
  #cursor = 0;
  #bytes = 0;
  /** So is the session. */
  #isOver = false;

  /** `memory`: of the payloads. `budget`: what may be kept; it is `isFull` that has to be asked before each `append`. */
  constructor(memory: SlabPool, budget: MemoryBudget) {
    this.#memory = memory;
    this.#budget = budget;
  }

  /** Sequenced frames appended since the session began. */
  get total(): number {
    return this.#acknowledged + this.#frames.length - this.#head;
  }

  /** Sequenced frames that the peer has told it processed. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Memory held by unacknowledged frames, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sequenced frames that the present transport has carried, or need not carry. */
  get carried(): number {
    return this.#cursor;
  }

  /** The present transport has not carried all of them. */
  get isBehind(): boolean {
    return this.#cursor < this.total;
  }

  /** Channels and flows whose OPEN or FLOW the peer has not told that it has processed. */
  get unheard(): ReadonlySet<number> {
    const opens = this.#frames.filter((frame) => frame !== undefined && isOpening(frame.type));
    return new Set(opens.map((frame) => frame?.channel ?? SESSION_CHANNEL));
  }

  /** Bytes of an application are among what the peer has not told that it has processed. */
  get hasData(): boolean {
    return this.#frames.some((frame) => frame !== undefined && isData(frame.type));
  }

  get isFull(): boolean {
    return this.#budget.room === 0;
  }

  append(frame: SequencedFrame): void {
    // Taken from a channel whose end, told meanwhile, has made somebody end the session.
    if (this.#isOver) return this.#release(frame);
    this.#frames.push(frame);
    this.#hold(wireLength(frame) + FRAME_OVERHEAD);
  }

  /** The next frame that the present transport has not carried yet; undefined when it has carried all. */
  next(): SequencedFrame | undefined {
    const frame = this.#frames[this.#head + this.#cursor - this.#acknowledged];
    if (frame !== undefined) this.#cursor += 1;
    return frame;
  }

  /**
   * Forgets the frames before position `count`, and says how many bytes they had on the wire. Undefined when the peer
   * cannot have meant that: it lies before what it acknowledged already, or beyond what was sent.
   */
  acknowledge(count: number): number | undefined {
    if (count < this.#acknowledged || count > this.#cursor) return undefined;
    let bytes = 0;
    for (let n = count - this.#acknowledged; n > 0; n--) {
      const frame = this.#frames[this.#head] as SequencedFrame;
      this.#frames[this.#head] = undefined;
      this.#head += 1;
      bytes += wireLength(frame);
      this.#release(frame);
      this.#hold(-wireLength(frame) - FRAME_OVERHEAD);
    }
    this.#acknowledged = count;
    this.#compact();
    return bytes;
  }

  /** A new transport starts from the oldest unacknowledged frame. */
  rewind(): void {
    this.#cursor = this.#acknowledged;
  }

  /** The session is over: nothing will be sent again. */
  clear(): void {
    this.#isOver = true;
    this.#hold(-this.#bytes);
    for (const frame of this.#frames.slice(this.#head)) if (frame !== undefined) this.#release(frame);
    this.#frames = [];
    this.#head = 0;
  }

  #release({ payload }: SequencedFrame): void {
    if (payload !== undefined) this.#memory.release(payload);
  }

  #hold(bytes: number): void {
    this.#bytes += bytes;
    if (bytes > 0) this.#budget.take(bytes);
    else this.#budget.release(-bytes);
  }

  #compact(): void {
    if (this.#head === this.#frames.length) {
      this.#frames = [];
      this.#head = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
  }
}
