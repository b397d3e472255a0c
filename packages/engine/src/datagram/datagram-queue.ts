import { CoDel } from './codel.js';
import type { DatagramStore } from './datagram-store.js';

/** No datagram is sent that has waited for so long, ms: anyone who needs it has sent another one. */
const MAX_AGE = 500;
/** What one flow may have waiting, bytes of memory: a burst of a fast path passes. */
const QUEUE_LIMIT = 262_144;
/** Memory for one datagram beside its bytes. */
const OVERHEAD = 256;

/**
 * Datagrams of one flow that wait to be sent, oldest first. What is too much, or too late, is dropped from the head, since
 * that tells the one who sends the soonest. Judged when something is put in or taken out; times are arguments, in ms.
 */
export class DatagramQueue {
  #store: DatagramStore;
  readonly #onDrop: (why: 'full' | 'late') => void;
  readonly #codel = new CoDel();
  #waiting: Waiting[] = [];
  /** Index of the oldest. */
  #head = 0;
  #bytes = 0;

  constructor(store: DatagramStore, onDrop: (why: 'full' | 'late') => void) {
    this.#store = store;
    this.#onDrop = onDrop;
  }

  get isEmpty(): boolean {
    return this.#head === this.#waiting.length;
  }

  /** Memory that it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `payload` belongs to the queue from here on. */
  push(payload: Uint8Array, now: number): void {
    this.#dropOld(now);
    const bytes = payload.length + OVERHEAD;
    while (!this.isEmpty && this.#bytes + bytes > QUEUE_LIMIT) this.dropOldest();
    if (!this.#store.reserve(bytes)) return this.#onDrop('full');
    this.#waiting.push({ payload, since: now });
    this.#bytes += bytes;
    this.#store.enlist(this);
  }

  /** The next one to be sent; undefined when there is none that is not too late. */
  take(now: number): Uint8Array | undefined {
    this.#dropOld(now);
    for (let one = this.#shift(); one !== undefined; one = this.#shift()) {
      if (!this.#codel.drops(now - one.since, this.#bytes, now)) return one.payload;
      this.#onDrop('late');
    }
    this.#codel.rest();
    return undefined;
  }

  /** There is no room for all: the one that has waited longest goes. */
  dropOldest(): void {
    if (this.#shift() !== undefined) this.#onDrop('full');
  }

  /** What waits counts in `store` from here on. */
  moveTo(store: DatagramStore): void {
    this.#store.release(this.#bytes);
    this.#store.strike(this);
    this.#store = store;
    store.take(this.#bytes);
    if (!this.isEmpty) store.enlist(this);
  }

  clear(): void {
    while (this.#shift() !== undefined);
  }

  #dropOld(now: number): void {
    while (now - (this.#waiting[this.#head]?.since ?? now) > MAX_AGE) {
      this.#shift();
      this.#onDrop('late');
    }
  }

  #shift(): Waiting | undefined {
    const one = this.#waiting[this.#head];
    if (one === undefined) return undefined;
    this.#waiting[this.#head] = GONE;
    this.#head += 1;
    const bytes = one.payload.length + OVERHEAD;
    this.#bytes -= bytes;
    this.#store.release(bytes);
    if (this.isEmpty) {
      this.#waiting = [];
      this.#head = 0;
      this.#store.strike(this);
    } else if (this.#head > MANY && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return one;
  }
}

interface Waiting {
  readonly payload: Uint8Array;
  readonly since: number;
}

/** In place of what has left: its memory is free at once. */
const GONE: Waiting = { payload: new Uint8Array(0), since: 0 };
/** Shifting an array for each would cost its length. */
const MANY = 64;
