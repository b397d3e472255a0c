import { copyOf } from '../bytes.js';
import { callOut, tellProgram } from '../call-out.js';
import type { FailureCode } from '../failures.js';
import type { MemoryBudget } from '../flow/memory-budget.js';
import type { ReceiveWindow } from '../flow/receive-window.js';
import { SmallPieces } from '../memory/small-pieces.js';
import type { ChannelSink } from './handlers.js';
import { newWindow } from './new-window.js';

/** What a channel brings: it is handed on in its order, within its window; what arrives before there is a sink waits here. */
export class ReceivingHalf {
  window: ReceiveWindow;
  readonly #channel: ReceivingChannel;
  #sink: ChannelSink | undefined;
  /** Undefined, not empty, most of the time. */
  #held: Uint8Array[] | undefined;
  /** Behind these, once there are several. */
  #small: SmallPieces | undefined;
  #hasEnded = false;
  #reset: FailureCode | undefined;
  #isSilent = false;

  constructor(channel: ReceivingChannel, budget: MemoryBudget, now: number) {
    this.#channel = channel;
    this.window = newWindow(budget, now);
  }

  /** What still comes counts in `budget`. */
  moveTo(budget: MemoryBudget, now: number): void {
    this.window = newWindow(budget, now);
  }

  /** From here on `sink` takes it, beginning with what has arrived already. Returns how many bytes of that it did not take. */
  start(sink: ChannelSink): number {
    this.#sink = sink;
    const held = this.#takeHeld();
    let lost = 0;
    for (const chunk of held) {
      if (this.#isSilent) lost += chunk.length;
      else this.#tell(() => sink.onData(chunk, false));
    }
    if (this.#isSilent) return lost;
    if (this.#hasEnded) this.#tell(() => sink.onEnd());
    if (this.#reset !== undefined) this.#tellReset(sink, this.#reset);
    return 0;
  }

  /** `isMore`: the piece does not complete its frame. False when the peer sent more than its window. */
  onData(piece: Uint8Array, isMore = false): boolean {
    if (!this.window.receive(piece.length)) return false;
    const sink = this.#sink;
    if (sink === undefined) this.#hold(piece);
    else this.#tell(() => sink.onData(piece, isMore));
    return true;
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
    this.window.close();
    this.#hasEnded = true;
    this.#tell(() => this.#sink?.onEnd());
  }

  reset(code: FailureCode): void {
    this.#isSilent = false;
    this.#reset = code;
    if (this.#sink !== undefined) this.#tellReset(this.#sink, code);
  }

  writable(): void {
    this.#tell(() => this.#sink?.onWritable());
  }

  /** Who uses the channel has thrown `error`, and the channel is dead. */
  fail(error: unknown): void {
    const sink = this.#sink;
    this.#sink = undefined;
    if (sink?.onThrown !== undefined) return callOut(() => sink.onThrown?.(error));
    tellProgram(error);
    if (sink !== undefined) this.#tellReset(sink, 'INTERNAL');
  }

  #tell(call: () => void): void {
    callOut(call, (error) => this.#channel.onThrown(error));
  }

  #tellReset(sink: ChannelSink, code: FailureCode): void {
    callOut(() => sink.onReset(code));
  }

  /** The sink is told nothing any more. Returns how many bytes wait that nobody will take. */
  silence(): number {
    this.#isSilent = true;
    return this.#takeHeld().reduce((sum, { length }) => sum + length, 0);
  }
}

/** The channel that it is a half of. */
export interface ReceivingChannel {
  /** Who uses it has thrown this when it was told something. */
  onThrown(error: unknown): void;
}
