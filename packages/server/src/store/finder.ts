import type { KnownProcess, Store } from './store.js';

/** Finds the processes that hold places. What is asked while the store is being asked is asked together. */
export class Finder {
  readonly #store: Pick<Store, 'find' | 'read'>;
  /** Those that are there, by their uid. */
  #processes: ReadonlyMap<string, KnownProcess> = new Map();
  readonly #waiting: Question[] = [];
  #isAsking = false;

  constructor(store: Pick<Store, 'find' | 'read'>) {
    this.#store = store;
  }

  /** What the store has said last of who is there. */
  update(processes: readonly KnownProcess[]): void {
    this.#processes = new Map(processes.map((each) => [each.uid, each]));
  }

  /** Rejects as the store does. */
  find(key: string): Promise<readonly KnownProcess[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject });
      if (!this.#isAsking) void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    // Those of this turn as well.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0, MOST_KEYS);
      try {
        const found = await this.#store.find(asked.map(({ key }) => key));
        await this.#know(found.flat());
        for (const [index, { resolve }] of asked.entries()) resolve(this.#known(found[index] ?? []));
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#isAsking = false;
  }

  /** One that has just begun is not among those who were there at the last look. */
  async #know(uids: readonly string[]): Promise<void> {
    if (uids.some((uid) => !this.#processes.has(uid))) this.update((await this.#store.read()).processes);
  }

  #known(uids: readonly string[]): KnownProcess[] {
    return uids.flatMap((uid) => this.#processes.get(uid) ?? []);
  }
}

interface Question {
  readonly key: string;
  readonly resolve: (found: readonly KnownProcess[]) => void;
  readonly reject: (error: unknown) => void;
}

/** In one call. */
const MOST_KEYS = 500;
