import { patternsOf } from './host-name.js';

/**
 * Who has which name. A name belongs to one user, no matter what it is held for: nobody gets the requests of a name while somebody
 * else has its TLS. Of those that cover a name the closest counts, so a wildcard never covers what another user holds.
 */
export class NameDirectory<T extends NameOwner> {
  readonly #entries = new Map<string, Entry<T>>();

  /**
   * Has `owner` hold a canonical name, or `*.name`; returns what gives it back. Undefined when another user has it, or it is
   * held for that already.
   */
  hold(kind: NameKind, pattern: string, owner: T): (() => void) | undefined {
    const entry = this.#entries.get(pattern) ?? { userId: owner.userId };
    if (entry.userId !== owner.userId || entry[kind] !== undefined) return undefined;
    entry[kind] = owner;
    this.#entries.set(pattern, entry);
    return () => {
      if (entry[kind] !== owner) return;
      delete entry[kind];
      if (entry.http === undefined && entry.tls === undefined) this.#entries.delete(pattern);
    };
  }

  /** The closest pattern by which a canonical name is held, for anything. */
  closest(name: string): string | undefined {
    return patternsOf(name).find((pattern) => this.#entries.has(pattern));
  }

  /** Who takes what comes for a canonical name. */
  find(kind: NameKind, name: string): T | undefined {
    let userId: string | undefined;
    for (const pattern of patternsOf(name)) {
      const entry = this.#entries.get(pattern);
      if (entry === undefined) continue;
      userId ??= entry.userId;
      if (entry.userId !== userId) return undefined;
      if (entry[kind] !== undefined) return entry[kind];
    }
    return undefined;
  }
}

/** What a name is held for: requests over HTTP, or connections with TLS. */
export type NameKind = 'http' | 'tls';

interface NameOwner {
  readonly userId: string;
}

interface Entry<T> {
  readonly userId: string;
  http?: T;
  tls?: T;
}
