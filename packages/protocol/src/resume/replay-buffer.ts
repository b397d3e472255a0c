import { HEADER_LENGTH } from '../frame/frame.js';

/** A frame that is counted, kept until acknowledged, and sent again after a resume. */
export interface SequencedFrame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer | undefined;
}

/** Cost of keeping one frame beside its payload, bytes: the object and its place in the queue. */
const FRAME_OVERHEAD = 100;

/**
 * The sequenced frames that the peer has not acknowledged, oldest first, and how far the present transport has got
 * with them. Positions are implied by counting from the session's first frame.
 */
export class ReplayBuffer {
  #frames: (SequencedFrame | undefined)[] = [];
  /** Index in #frames of the oldest unacknowledged frame: shifting an array for each would cost its length. */
  #head = 0;
  #acknowledged = 0;
  #cursor = 0;
  #bytes = 0;

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

  append(frame: SequencedFrame): void {
    this.#frames.push(frame);
    this.#bytes += cost(frame);
  }

  /** The next frame that the present transport has not carried yet; undefined when it has carried all. */
  next(): SequencedFrame | undefined {
    const frame = this.#frames[this.#head + this.#cursor - this.#acknowledged];
    if (frame !== undefined) this.#cursor += 1;
    return frame;
  }

  /** Forgets the frames before position `count`. False when the peer cannot have meant that: it lies before what it
   * acknowledged already, or beyond what was sent. */
  acknowledge(count: number): boolean {
    if (count < this.#acknowledged || count > this.#cursor) return false;
    for (let n = count - this.#acknowledged; n > 0; n--) {
      const frame = this.#frames[this.#head];
      if (frame === undefined) return false;
      this.#bytes -= cost(frame);
      this.#frames[this.#head] = undefined;
      this.#head += 1;
    }
    this.#acknowledged = count;
    this.#compact();
    return true;
  }

  /** A new transport starts from the oldest unacknowledged frame. */
  rewind(): void {
    this.#cursor = this.#acknowledged;
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

function cost(frame: SequencedFrame): number {
  return HEADER_LENGTH + FRAME_OVERHEAD + (frame.payload === undefined ? 0 : frame.payload.length);
}
