import type { Clock } from 'wsproxy-engine';

/** The names of transports that are over, for a while: nobody may begin one of them again. What one owner ends costs no other one. */
export class EndedIds {
  readonly #clock: Pick<Clock, 'now'>;
  /** The oldest first. */
  readonly #ended = new Map<string, Ended>();
  /** The same for each owner that has any. */
  readonly #byOwner = new Map<string, Set<string>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#ended.size;
  }

  has(id: string): boolean {
    this.#forgetOld();
    return this.#ended.has(id);
  }

  add(id: string, owner: string): void {
    this.#forgetOld();
    const theirs = this.#byOwner.get(owner) ?? new Set();
    this.#byOwner.set(owner, theirs.add(id));
    this.#ended.set(id, { owner, since: this.#clock.now() });
    if (theirs.size > MAX_OF_OWNER) this.#forgetFirst(theirs);
    if (this.#ended.size > MAX_OF_ALL) this.#forgetFirst(this.#ended.keys());
  }

  #forgetOld(): void {
    const now = this.#clock.now();
    for (const [id, { since }] of this.#ended) {
      if (now - since < REMEMBER_TIME) return;
      this.#forget(id);
    }
  }

  #forgetFirst(ids: Iterable<string>): void {
    for (const id of ids) return this.#forget(id);
  }

  #forget(id: string): void {
    const { owner = '' } = this.#ended.get(id) ?? {};
    this.#ended.delete(id);
    const theirs = this.#byOwner.get(owner);
    theirs?.delete(id);
    if (theirs?.size === 0) this.#byOwner.delete(owner);
  }
}

interface Ended {
  readonly owner: string;
  readonly since: number;
}

/** For how long a name is kept, ms: a proxy may ask again for so long. */
const REMEMBER_TIME = 60_000;
/** Ten for each of the sessions that a user may have unless told otherwise. */
const MAX_OF_OWNER = 80;
const MAX_OF_ALL = 8_192;
