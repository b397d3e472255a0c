import type { Ending } from 'wsproxy-test-support/sockets/application';
import type { Exchange, Witness } from 'wsproxy-test-support/traffic';
import type { Place } from './fleet.js';
import type { Lab } from './lab.js';

/** What a killed server had dialled may be seen that late, ms: less than it takes until the next one serves. */
const SEEN_WITHIN = 500;

/** Where the client dials from what comes to its `-R`. */
const CLIENT_ADDRESS = '127.0.0.1';

interface Carried {
  readonly at: number;
  /** Whose connection the application has, if it came to a port at a server; else the destination's, once it has seen one. */
  readonly place?: Place;
  readonly isIncoming?: boolean;
  /** A destination has it. */
  readonly isSeen?: boolean;
}

/**
 * Knows which server carried which exchange, and judges how each direction of it ended. Only the kill of that server
 * excuses a reset. It also excuses an early end where the server's system had the connection, since a system ends those of a
 * killed process as if they were complete. That is at destinations, or at applications that came to a `-R`.
 */
export class Carriers {
  readonly atApplications: Witness = this.#witness(false);
  readonly atDestinations: Witness = this.#witness(true);
  readonly #lab: Lab;
  readonly #places: readonly Place[];
  readonly #carried = new Map<string, Carried>();
  /** Directions that ended so, with the excuse that they need. */
  readonly excused = { resets: 0, ends: 0 };
  /** Those that came to a `-R`, and were reset before anybody was asked for them. */
  unserved = 0;

  constructor(lab: Lab, places: readonly Place[]) {
    this.#lab = lab;
    this.#places = places;
  }

  begin(seed: string): void {
    this.#carried.set(seed, { at: performance.now() });
  }

  /** An application comes for this exchange to a port at this server. */
  arrive(seed: string, place: Place): void {
    this.#carried.set(seed, { at: performance.now(), place, isIncoming: true });
  }

  /** A destination has a connection that says that it is for this exchange. */
  onExchange({ seed }: Exchange, from: string | undefined): void {
    const known = this.#carried.get(seed);
    const isIncoming = known?.isIncoming === true;
    const place = isIncoming ? known.place : this.#places.find(({ address }) => address === from);
    if (place === undefined || known === undefined || (isIncoming && from !== CLIENT_ADDRESS)) {
      return this.#lab.fail(`${seed}: comes from ${from}`);
    }
    if (known.isSeen === true) this.#lab.fail(`${seed}: dialled twice, now by ${from}`);
    this.#carried.set(seed, { at: isIncoming ? known.at : performance.now(), place, isIncoming, isSeen: true });
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
    const { isIncoming = false, isSeen = false } = this.#of(seed);
    const isExcusedEnd = isShort && isKilled && isDestination !== isIncoming;
    if (isExcusedEnd) this.excused.ends += 1;
    else if (isShort) this.#lab.fail(`${seed}: ended after ${bytes} bytes, as if complete`);
    else if (by === 'reset' && isKilled) this.excused.resets += 1;
    else if (by === 'reset' && isIncoming && !isSeen) this.unserved += 1;
    else if (by === 'reset') this.#lab.fail(`${seed}: reset after ${bytes} bytes, and its server was not killed`);
    // Booked as the reset that it would be, could the system tell.
    books.ended(seed, isExcusedEnd ? { ...ending, by: 'reset' } : ending);
  }

  /** A server was killed that may have been asked for this exchange. */
  isExcused(seed: string): boolean {
    return this.#isKilled(`${seed} up`);
  }

  #of(direction: string): Carried {
    return this.#carried.get(direction.slice(0, direction.lastIndexOf(' '))) ?? { at: 0 };
  }

  #isKilled(direction: string): boolean {
    const { at, place } = this.#of(direction);
    const may = place === undefined ? this.#places : [place];
    return may.some(({ killedAt }) => killedAt > at - SEEN_WITHIN);
  }
}
