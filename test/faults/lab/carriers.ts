import type { Ending } from 'wsproxy-test-support/sockets/application';
import type { Exchange, Witness } from 'wsproxy-test-support/traffic';
import type { Place } from './fleet.js';
import type { Lab } from './lab.js';

/** What a killed server had dialled may be seen that late, ms: less than it takes until the next one serves. */
const SEEN_WITHIN = 500;

interface Carried {
  readonly at: number;
  /** Whose connection the destination has; none, when it has seen nothing. */
  readonly place?: Place;
}

/**
 * Knows which server carried which exchange, and judges how each direction of it ended: only the kill of that server
 * excuses a reset, and an end before its time at a destination, whose connection the system of a killed process ends as
 * if it were complete.
 */
export class Carriers {
  readonly atApplications: Witness = this.#witness(false);
  readonly atDestinations: Witness = this.#witness(true);
  readonly #lab: Lab;
  readonly #places: readonly Place[];
  readonly #carried = new Map<string, Carried>();
  /** Directions that ended so, with the excuse that they need. */
  readonly excused = { resets: 0, ends: 0 };

  constructor(lab: Lab, places: readonly Place[]) {
    this.#lab = lab;
    this.#places = places;
  }

  begin(seed: string): void {
    this.#carried.set(seed, { at: performance.now() });
  }

  /** A destination has a connection that says that it is for this exchange. */
  onExchange({ seed }: Exchange, from: string | undefined): void {
    const place = this.#places.find(({ address }) => address === from);
    const known = this.#carried.get(seed);
    if (place === undefined || known === undefined) return this.#lab.fail(`${seed}: comes from ${from}`);
    if (known.place !== undefined) this.#lab.fail(`${seed}: dialled by ${known.place.address}, and by ${from}`);
    this.#carried.set(seed, { at: performance.now(), place });
  }

  #witness(areDestinations: boolean): Witness {
    return {
      receive: (seed, length) => this.#lab.books.receive(seed, length),
      ended: (seed, ending) => this.#judge(seed, ending, areDestinations),
    };
  }

  #judge(seed: string, ending: Ending, isDestination: boolean): void {
    const { books } = this.#lab;
    const { by, bytes } = ending;
    const isKilled = this.#isKilled(seed);
    const isShort = by === 'end' && books.isShort(seed, bytes);
    const isExcusedEnd = isShort && isKilled && isDestination;
    if (isExcusedEnd) this.excused.ends += 1;
    else if (isShort) this.#lab.fail(`${seed}: ended after ${bytes} bytes, as if complete`);
    else if (by === 'reset' && isKilled) this.excused.resets += 1;
    else if (by === 'reset') this.#lab.fail(`${seed}: reset after ${bytes} bytes, and its server was not killed`);
    // Booked as the reset that it would be, could the system tell.
    books.ended(seed, isExcusedEnd ? { ...ending, by: 'reset' } : ending);
  }

  /** A server was killed that may have been asked for this exchange. */
  isExcused(seed: string): boolean {
    return this.#isKilled(`${seed} up`);
  }

  #isKilled(direction: string): boolean {
    const { at, place } = this.#carried.get(direction.slice(0, direction.lastIndexOf(' '))) ?? { at: 0 };
    const may = place === undefined ? this.#places : [place];
    return may.some(({ killedAt }) => killedAt > at - SEEN_WITHIN);
  }
}
