import { EARLY_WINDOW } from '../constants.js';
import type { MemoryBudget } from '../flow/memory-budget.js';
import { SendWindow } from '../flow/send-window.js';
import { compact } from '../memory/compact.js';
import type { SlabPool } from '../memory/slab-pool.js';
import { ByteQueue, type FrameSizer } from './byte-queue.js';

/** What a channel sends: bytes that wait for the window of the peer, and a source that may have to wait for them. */
export class SendingHalf {
  window: SendWindow;
  /** How often bytes began to wait because the window was used up. */
  stalls = 0;
  readonly #memory: SlabPool;
  readonly #queue: ByteQueue;
  #isSourcePaused = false;

  /** `credit`: how much the peer takes. Without it that is not known: what is sent until it answers may have to be said again, to another peer. */
  constructor(memory: SlabPool, budget: MemoryBudget, credit?: number) {
    this.#memory = memory;
    this.window = credit === undefined ? new SendWindow(EARLY_WINDOW, true) : new SendWindow(credit);
    this.#queue = new ByteQueue(memory, budget, credit === undefined);
  }

  /** Nothing waits. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** What waits can be sent. */
  get hasCredit(): boolean {
    return this.window.credit > 0;
  }

  /** So many bytes are best brought at once; `session`: its own. */
  appetite(session: FrameSizer): number {
    return this.#queue.appetite(session);
  }

  /** False asks the source for a pause, until `resumesSource`. */
  push(bytes: Uint8Array, session: FrameSizer): boolean {
    if (this.isEmpty && !this.hasCredit) this.stalls += 1;
    this.#queue.push(this.#memory.keep(compact(bytes)));
    if (this.#queue.length >= this.#queue.appetite(session)) this.#isSourcePaused = true;
    return !this.#isSourcePaused;
  }

  /** What is sent next, at most `limit` bytes. */
  take(limit: number): Uint8Array | undefined {
    const bytes = this.#queue.take(Math.min(limit, this.window.credit));
    if (bytes === undefined) return undefined;
    this.window.spend(bytes.length);
    if (!this.isEmpty && !this.hasCredit) {
      this.stalls += 1;
      this.#queue.rest();
    }
    return bytes;
  }

  /** True, once, when a source that was asked for a pause may go on. */
  resumesSource(session: FrameSizer): boolean {
    if (!this.#isSourcePaused || this.#queue.length > this.#queue.appetite(session) / 2) return false;
    this.#isSourcePaused = false;
    return true;
  }

  /** The peer has answered, and takes `limit` bytes: nothing will have to be said to another one. */
  open(limit: number): void {
    this.#queue.commit();
    this.window.open(limit);
  }

  /** What waits counts in `budget` from here on. */
  moveTo(budget: MemoryBudget): void {
    this.#queue.moveTo(budget);
  }

  /** Everything is to be said again, to another peer. */
  rewind(): void {
    this.window = new SendWindow(EARLY_WINDOW, true);
    this.#queue.rewind();
  }

  /** Nothing will be sent any more. */
  clear(): void {
    this.#queue.clear();
  }
}
