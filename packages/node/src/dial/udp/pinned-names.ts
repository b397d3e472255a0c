/**
 * The names that one flow sends to: each is resolved once, for all of its ports, and leads to the same place as long as it
 * is used, no matter what its zone says meanwhile.
 */
export class PinnedNames {
  readonly #lookUp: (name: string) => Promise<readonly string[]>;
  readonly #pinned = new Map<string, PinnedName>();

  constructor(lookUp: (name: string) => Promise<readonly string[]>) {
    this.#lookUp = lookUp;
  }

  /** `release` has to follow, no matter what comes of it. */
  take(name: string): PinnedName {
    const pinned = this.#pinned.get(name) ?? this.#begin(name);
    pinned.users += 1;
    return pinned;
  }

  release(pinned: PinnedName): void {
    pinned.users -= 1;
    if (pinned.users === 0) this.#forget(pinned);
  }

  #begin(name: string): PinnedName {
    const pinned = { name, addresses: this.#lookUp(name), users: 0 };
    this.#pinned.set(name, pinned);
    // What has failed may succeed for the one who asks next.
    pinned.addresses.catch(() => this.#forget(pinned));
    return pinned;
  }

  #forget(pinned: PinnedName): void {
    if (this.#pinned.get(pinned.name) === pinned) this.#pinned.delete(pinned.name);
  }
}

/** A name, and where it leads to. */
export interface PinnedName {
  readonly name: string;
  readonly addresses: Promise<readonly string[]>;
  /** How many destinations are of it. */
  users: number;
}
