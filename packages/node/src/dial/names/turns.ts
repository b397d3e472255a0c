/** Places for so many at a time, half of them for one user: nobody keeps the others out. */
export class Turns {
  readonly #places: number;
  readonly #userPlaces: number;
  readonly #waiting = new Set<Waiting>();
  /** Places that are taken, by user. */
  readonly #taken = new Map<Whose, number>();
  #total = 0;

  constructor(places: number) {
    this.#places = places;
    this.#userPlaces = Math.ceil(places / 2);
  }

  /**
   * Calls `start` as soon as there is a place for `user`, who gives it back with `giveBack`. If that is not at once, what
   * is returned gives up waiting for it.
   */
  take(user: Whose, start: () => void): (() => void) | undefined {
    const waiting = { user, start };
    if (this.#hasPlaceFor(user)) {
      this.#start(waiting);
      return undefined;
    }
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  giveBack(user: Whose): void {
    this.#count(user, -1);
    for (const waiting of this.#waiting) {
      if (!this.#hasPlaceFor(waiting.user)) continue;
      this.#waiting.delete(waiting);
      return this.#start(waiting);
    }
  }

  #start({ user, start }: Waiting): void {
    this.#count(user, 1);
    start();
  }

  #hasPlaceFor(user: Whose): boolean {
    return this.#total < this.#places && (this.#taken.get(user) ?? 0) < this.#userPlaces;
  }

  #count(user: Whose, change: 1 | -1): void {
    const taken = (this.#taken.get(user) ?? 0) + change;
    if (taken === 0) this.#taken.delete(user);
    else this.#taken.set(user, taken);
    this.#total += change;
  }
}

/** A user, or several who count as one. */
type Whose = string | symbol;

interface Waiting {
  readonly user: Whose;
  readonly start: () => void;
}
