/**
 * Local ports that the connections of one user have left behind, towards each destination. Anyone who ends a TCP connection
 * first keeps its port for a minute (TIME_WAIT), and the system has a bounded number of them towards one port of one address.
 * Destinations are told apart by a hash, so that the memory is the same however many there are: two that share a counter
 * may have less each. Times are in ms.
 */
export class LeftPorts {
  /** Of each slot of time, in turn, what each counter has; undefined while nothing is left. */
  #counts: Uint16Array | undefined;
  /** The slot of time that it is now, counted from the beginning. */
  #slot = 0;

  /** Which counter a destination has. */
  static counterOf(endpoint: string): number {
    // FNV-1a; anyone who finds destinations that share a counter has found a way to do less.
    let hash = 0x811c9dc5;
    for (let i = 0; i < endpoint.length; i++) hash = Math.imul(hash ^ endpoint.charCodeAt(i), 0x01000193);
    return (hash >>> 0) % COUNTERS;
  }

  /** One more is left. */
  add(counter: number, now: number): void {
    this.#forget(now);
    this.#counts ??= new Uint16Array(SLOTS * COUNTERS);
    const at = (this.#slot % SLOTS) * COUNTERS + counter;
    const count = this.#counts[at] ?? 0;
    if (count < MOST) this.#counts[at] = count + 1;
  }

  /** How many are left. */
  count(counter: number, now: number): number {
    this.#forget(now);
    let sum = 0;
    for (let at = counter; at < SLOTS * COUNTERS; at += COUNTERS) sum += this.#counts?.[at] ?? 0;
    return sum;
  }

  /** Those of the slots that are over by so much that the system has all of them back. */
  #forget(now: number): void {
    const slot = Math.floor(now / SLOT);
    if (slot - this.#slot >= SLOTS) this.#counts = undefined;
    else
      for (let next = this.#slot + 1; next <= slot; next += 1) {
        const at = (next % SLOTS) * COUNTERS;
        this.#counts?.fill(0, at, at + COUNTERS);
      }
    this.#slot = slot;
  }
}

const COUNTERS = 256;
/** A minute, and the one that is not over. */
const SLOTS = 7;
const SLOT = 10_000;
/** What a counter can hold in one slot: there are no more ports. */
const MOST = 0xffff;
