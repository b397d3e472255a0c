import { copyOf } from '../bytes.js';
import type { FailureCode } from '../failures.js';
import { SmallPieces } from '../memory/small-pieces.js';
import type { ChannelSink } from './handlers.js';

/** Hands on what a channel brings, in its order; what arrives before there is a sink waits here. */
export class Delivery {
  #sink: ChannelSink | undefined;
  /** Undefined, not empty, most of the time. */
  #held: Uint8Array[] | undefined;
  /** Behind these, once there are several. */
  #small: SmallPieces | undefined;
  #hasEnded = false;
  #reset: FailureCode | undefined;
  #isSilent = false;

  /** From here on `sink` takes it, beginning with what has arrived already. Returns how many bytes of that it did not take. */
  start(sink: ChannelSink): number {
    this.#sink = sink;
    const held = this.#takeHeld();
    let lost = 0;
    for (const chunk of held) {
      if (this.#isSilent) lost += chunk.length;
      else sink.onData(chunk, false);
    }
    if (this.#isSilent) return lost;
    if (this.#hasEnded) sink.onEnd();
    if (this.#reset !== undefined) sink.onReset(this.#reset);
    return 0;
  }

  data(piece: Uint8Array, isMore: boolean): void {
    if (this.#sink === undefined) this.#hold(piece);
    else this.#sink.onData(piece, isMore);
  }

  #hold(piece: Uint8Array): void {
    const held = this.#held;
    if (held === undefined) {
      this.#held = [copyOf(piece)];
      return;
    }
    this.#small ??= new SmallPieces((bytes) => held.push(bytes));
    if (!this.#small.add(piece)) held.push(copyOf(piece));
  }

  #takeHeld(): Uint8Array[] {
    this.#small?.flush();
    this.#small = undefined;
    const held = this.#held;
    this.#held = undefined;
    return held ?? [];
  }

  end(): void {
    this.#hasEnded = true;
    this.#sink?.onEnd();
  }

  reset(code: FailureCode): void {
    this.#isSilent = false;
    this.#reset = code;
    this.#sink?.onReset(code);
  }

  writable(): void {
    this.#sink?.onWritable();
  }

  /** The sink is told nothing any more. Returns how many bytes wait that nobody will take. */
  silence(): number {
    this.#isSilent = true;
    return this.#takeHeld().reduce((sum, { length }) => sum + length, 0);
  }
}
