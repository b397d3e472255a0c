import type { User } from '../users/user.js';

/**
 * Every living session, by its id and by its user. It is counted as it comes and goes, and never looked through for that: behind
 * a reverse proxy that was restarted a hundred thousand clients come back at a time.
 */
export class SessionTable<Entry extends TableEntry> implements Iterable<Entry> {
  readonly #byId = new Map<string, Entry>();
  readonly #byUser = new Map<string, OfUser<Entry>>();
  #attached = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** Those with a transport. */
  get attached(): number {
    return this.#attached;
  }

  sizeOf(userId: string): number {
    return this.#byUser.get(userId)?.entries.size ?? 0;
  }

  /** Those of a user with a transport. */
  attachedOf(userId: string): number {
    return this.#byUser.get(userId)?.attached ?? 0;
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  /** Oldest first. */
  [Symbol.iterator](): Iterator<Entry> {
    return this.#byId.values();
  }

  /** Those of a user, oldest first; a copy. */
  of(userId: string): Entry[] {
    return [...(this.#byUser.get(userId)?.entries ?? [])];
  }

  /** A new one, with the transport that it began on. */
  add(entry: Entry): void {
    const { id, user } = entry;
    this.#byId.set(id, entry);
    const theirs = this.#byUser.get(user.id);
    if (theirs === undefined) this.#byUser.set(user.id, { entries: new Set([entry]), attached: 0 });
    else theirs.entries.add(entry);
    this.#count(entry, 1);
  }

  /** It has no transport any more, since `now`. */
  detach(entry: Entry, now: number): void {
    if (entry.awaySince === undefined) this.#count(entry, -1);
    entry.awaySince = now;
  }

  /** It has one again; undefined in `awaySince` says so. */
  attach(entry: Entry): void {
    if (entry.awaySince !== undefined) this.#count(entry, 1);
    entry.awaySince = undefined;
  }

  /** It is over. */
  remove(entry: Entry): void {
    const { id, user, awaySince } = entry;
    if (!this.#byId.delete(id)) return;
    if (awaySince === undefined) this.#count(entry, -1);
    const theirs = this.#byUser.get(user.id);
    theirs?.entries.delete(entry);
    if (theirs?.entries.size === 0) this.#byUser.delete(user.id);
  }

  #count({ user }: Entry, by: 1 | -1): void {
    this.#attached += by;
    const theirs = this.#byUser.get(user.id);
    if (theirs !== undefined) theirs.attached += by;
  }
}

/** What the table has to know of a session. */
export interface TableEntry {
  readonly id: string;
  /** The same id for life. */
  readonly user: User;
  /** Since when it is without a transport, by the clock; undefined while it has one. For the table to write. */
  awaySince: number | undefined;
}

interface OfUser<Entry> {
  readonly entries: Set<Entry>;
  attached: number;
}
