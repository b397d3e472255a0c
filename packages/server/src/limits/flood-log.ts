import type { Clock, Timer } from 'wsproxy-engine';
import { putNewest } from './put-newest.js';
import { RateBucket } from './rate-bucket.js';

/** Lines of one source that may come at once, and each second in the long run. */
const BURST = 100;
const PER_SECOND = 1;
/** The same of all sources together: 170 MB a day at most. */
const BURST_OF_ALL = 1_000;
const PER_SECOND_OF_ALL = 10;
/** Sources that are told apart, of those that have written and of those with something untold. */
const MAX_SOURCES = 1_000;
/** Stands for all that are not. No user, nor address, is called so. */
const OTHERS = ' ';
/** Until what was left out is told, ms. */
const INTERVAL = 1_000;

/**
 * Logs what peers cause as often as they like: of a flood only some lines, with how many there were besides (`unlogged`), or it
 * would fill the disk. Anyone who floods costs the lines of nobody else, and the lines together count everything: the last of a
 * flood is told too.
 */
export class FloodLog {
  readonly #write: (fields: object, message: string) => void;
  readonly #clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly #all = RateBucket.ofOnes(PER_SECOND_OF_ALL, BURST_OF_ALL);
  /** By source, the one that wrote longest ago first. */
  readonly #buckets = new Map<string, RateBucket>();
  /** By source and cause, what was told of longest ago first. */
  readonly #untold = new Map<string, Untold>();
  #timer: Timer | undefined;

  constructor(write: (fields: object, message: string) => void, clock: Pick<Clock, 'now' | 'setTimer'>) {
    this.#write = write;
    this.#clock = clock;
  }

  /** `source`: who has caused it; `cause`: what of it is counted together, from a set that nobody outside can make longer. */
  write({ source, cause = '' }: Origin, fields: object, message: string): void {
    const key = `${source} ${cause} ${message}`;
    const isKnown = this.#untold.has(key);
    if (!isKnown && this.#mayWrite(source)) return this.#write(fields, message);
    this.#timer ??= this.#clock.setTimer(() => this.#tell(), INTERVAL);
    if (isKnown || this.#untold.size < MAX_SOURCES) this.#count(key, { source, fields, message });
    // More than can be told apart: nobody is named, but the number stays right.
    else this.#count(message, { source: OTHERS, fields: {}, message });
  }

  #count(key: string, line: Omit<Untold, 'count'>): void {
    this.#untold.set(key, { ...line, count: (this.#untold.get(key)?.count ?? 0) + 1 });
  }

  /** Tells what was left out, since nothing more comes. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const [key, untold] of this.#untold) this.#tellOf(key, untold);
  }

  #mayWrite(source: string): boolean {
    const now = this.#clock.now();
    const bucket = this.#buckets.get(source) ?? RateBucket.ofOnes(PER_SECOND, BURST);
    putNewest(this.#buckets, source, bucket, MAX_SOURCES);
    if (this.#all.waitFor(now) > 0 || !bucket.take(1, now)) return false;
    this.#all.spend(1, now);
    return true;
  }

  /** One line of each source, as many as may be; those that were not told of come first the next time. */
  #tell(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    const told = new Set<string>();
    for (const [key, untold] of this.#untold) {
      const { source } = untold;
      if (told.has(source)) continue;
      if (!this.#all.take(1, now)) break;
      told.add(source);
      this.#buckets.get(source)?.spend(1, now);
      this.#tellOf(key, untold);
    }
    if (this.#untold.size > 0) this.#timer = this.#clock.setTimer(() => this.#tell(), INTERVAL);
  }

  #tellOf(key: string, { fields, message, count }: Untold): void {
    this.#untold.delete(key);
    this.#write(count === 1 ? fields : { ...fields, unlogged: count - 1 }, message);
  }
}

/** Where a line comes from. */
export interface Origin {
  readonly source: string;
  readonly cause?: string;
}

/** What one source has caused since that was last told of: the newest, and how many there were. */
interface Untold {
  readonly source: string;
  readonly fields: object;
  readonly message: string;
  readonly count: number;
}
