import { Keystream } from 'wsproxy-test-support/keystream';

/** How far from where it should be a stretch of bytes is looked for: nearby, then further than any buffer on the way. */
const REACHES = [64 * 1024, 32 * 1024 * 1024];
/** So many bytes in a row are at the same place twice by design, not by chance. */
const SURE = 12;
/** Longest run of changed bytes behind which the rest is still looked for in place. */
const LONGEST_CHANGE = 8;

/**
 * Books what arrives of a keystream, byte by byte: what is in its place, what was lost, what came twice, what came late
 * and what was changed. Goes on after a fault, so that each is counted.
 */
export class ByteLedger {
  readonly #seed: string;
  #keystream: Keystream;
  /** The place in the keystream that the next byte should be of. */
  #place = 0;
  /** Bytes from the start that have been seen, but for the gaps. */
  #reached = 0;
  #gaps: [from: number, to: number][] = [];
  #length = 0;
  #duplicated = 0;
  #reordered = 0;
  #corrupted = 0;

  constructor(seed: string) {
    this.#seed = seed;
    this.#keystream = new Keystream(seed);
  }

  /** Bytes that have arrived, right or wrong. */
  get length(): number {
    return this.#length;
  }

  get duplicated(): number {
    return this.#duplicated;
  }

  /** Bytes that came after bytes which belong behind them. */
  get reordered(): number {
    return this.#reordered;
  }

  get corrupted(): number {
    return this.#corrupted;
  }

  /** Bytes that are missing ahead of others that have arrived. */
  get holes(): number {
    return this.#gaps.reduce((sum, [from, to]) => sum + to - from, 0);
  }

  /** Bytes that are missing when `total` were sent. */
  lost(total: number): number {
    return this.holes + Math.max(0, total - this.#reached);
  }

  push(chunk: Buffer): void {
    this.#length += chunk.length;
    const expected = this.#keystream.next(chunk.length);
    if (chunk.equals(expected)) return this.#book(chunk.length);
    const wrongAt = chunk.findIndex((byte, i) => byte !== expected[i]);
    this.#book(wrongAt);
    const changed = changedBytes(chunk, expected, wrongAt);
    const rest = chunk.subarray(wrongAt);
    const moved = changed === undefined ? this.#find(rest) : undefined;
    if (moved !== undefined) this.#place = moved;
    else {
      this.#corrupted += changed ?? rest.length;
      this.#skip(changed ?? rest.length);
    }
    this.#keystream = new Keystream(this.#seed, this.#place);
    const left = moved !== undefined ? rest : rest.subarray(changed ?? rest.length);
    this.#length -= left.length;
    if (left.length > 0) this.push(left);
  }

  /** The next `length` bytes are those of their place. */
  #book(length: number): void {
    const [from, to] = [this.#place, this.#place + length];
    this.#place = to;
    if (from === this.#reached) {
      this.#reached = to;
      return;
    }
    const late = this.#fill(from, Math.min(to, this.#reached));
    this.#reordered += late;
    this.#duplicated += Math.max(0, Math.min(to, this.#reached) - from) - late;
    if (from > this.#reached) this.#gaps.push([this.#reached, from]);
    this.#reached = Math.max(this.#reached, to);
  }

  /** Changed bytes are neither lost nor doubled. */
  #skip(length: number): void {
    this.#place += length;
    this.#reached = Math.max(this.#reached, this.#place);
  }

  /** Takes a stretch out of the gaps, and gives how much of it was in them. */
  #fill(from: number, to: number): number {
    let filled = 0;
    this.#gaps = this.#gaps.flatMap(([start, end]): [number, number][] => {
      const [low, high] = [Math.max(start, from), Math.min(end, to)];
      if (low >= high) return [[start, end]];
      filled += high - low;
      const left: [number, number][] = [
        [start, low],
        [high, end],
      ];
      return left.filter(([a, b]) => a < b);
    });
    return filled;
  }

  /** Where in the keystream these bytes belong, if not here. */
  #find(bytes: Buffer): number | undefined {
    if (bytes.length < SURE) return undefined;
    for (const reach of REACHES) {
      const start = Math.max(0, this.#place - reach);
      const around = new Keystream(this.#seed, start).next(this.#place - start + reach);
      const at = around.indexOf(bytes.subarray(0, SURE));
      if (at >= 0) return start + at;
    }
    return undefined;
  }
}

/** How many bytes are changed at `from`, if those that follow are in their place. */
function changedBytes(chunk: Buffer, expected: Buffer, from: number): number | undefined {
  for (let length = 1; length <= LONGEST_CHANGE; length++) {
    const next = from + length;
    const sure = Math.min(SURE, chunk.length - next);
    if (sure <= 0) return length;
    if (chunk.subarray(next, next + sure).equals(expected.subarray(next, next + sure))) return length;
  }
  return undefined;
}
