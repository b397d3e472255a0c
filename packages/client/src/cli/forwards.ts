/** Forwards of one kind, which may change while the program runs: each begins and ends by itself. */
export class Forwards<Forward extends { readonly text: string }> {
  readonly #begin: Begin<Forward>;
  /** By text, with its number where there are several of one. */
  readonly #begun = new Map<string, BegunForward>();

  constructor(begin: Begin<Forward>) {
    this.#begin = begin;
  }

  /**
   * Begins one after the other, by `begin` in place of what begins those that come later, and tells them as the log does. Rejects
   * as the first does that cannot begin.
   */
  async open(forwards: readonly Forward[], begin: Begin<Forward> = this.#begin): Promise<readonly string[]> {
    for (const [key, forward] of numbered(forwards)) this.#begun.set(key, await begin(forward));
    return [...this.#begun.values()].map(({ name }) => name);
  }

  /** Has these in place of those that it has, and leaves alone what is in both. */
  async change(forwards: readonly Forward[]): Promise<ForwardsChange> {
    const wished = numbered(forwards);
    const change: { began: string[]; ended: string[]; failures: Error[] } = { began: [], ended: [], failures: [] };
    // First: a new one may be for the same port.
    for (const [key, begun] of this.#begun) {
      if (wished.has(key)) continue;
      this.#begun.delete(key);
      await begun.end();
      change.ended.push(begun.name);
    }
    for (const [key, forward] of wished) {
      if (this.#begun.has(key)) continue;
      try {
        const begun = await this.#begin(forward);
        this.#begun.set(key, begun);
        change.began.push(begun.name);
      } catch (error) {
        // It is not there then, and the next change tries it again.
        change.failures.push(error as Error);
      }
    }
    return change;
  }
}

type Begin<Forward> = (forward: Forward) => Promise<BegunForward>;

/** One that has begun. */
export interface BegunForward {
  /** For the log. */
  readonly name: string;
  /** No connection comes any more; those there are go on. */
  end(): Promise<void>;
}

export interface ForwardsChange {
  /** As the log has them. */
  readonly began: readonly string[];
  readonly ended: readonly string[];
  /** Why others could not begin, a line each. */
  readonly failures: readonly Error[];
}

function numbered<Forward extends { readonly text: string }>(forwards: readonly Forward[]): Map<string, Forward> {
  const counts = new Map<string, number>();
  const keys = forwards.map(({ text }): string => {
    const count = (counts.get(text) ?? 0) + 1;
    counts.set(text, count);
    return `${count} ${text}`;
  });
  return new Map(forwards.map((forward, i) => [keys[i] ?? '', forward]));
}
