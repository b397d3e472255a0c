import { randomInt } from 'node:crypto';
import { Keystream } from './keystream.js';

/** Numbers that look random, and are the same for the same seed. */
export class Dice {
  readonly #keystream: Keystream;

  constructor(seed: string) {
    this.#keystream = new Keystream(seed);
  }

  /** A whole number from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + Math.floor((this.#keystream.next(4).readUInt32BE() / 2 ** 32) * (high - low));
  }

  /** The same items in another order. */
  shuffle<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.flatMap(() => left.splice(this.between(0, left.length), 1));
  }
}

/** WSPROXY_SEED, to repeat a run that failed, or a new one. */
export function chooseSeed(): string {
  return process.env['WSPROXY_SEED'] ?? String(randomInt(2 ** 32));
}
