/** The largest of the values given in the last few rounds. */
export class RecentMax {
  readonly #rounds: number[] = [];
  readonly #length: number;

  /** `length`: how many rounds a value counts. */
  constructor(length: number) {
    this.#length = length;
  }

  get value(): number {
    let max = 0;
    for (const value of this.#rounds) if (value > max) max = value;
    return max;
  }

  /** The next value belongs to a new round; the oldest round is forgotten. */
  nextRound(): void {
    this.#rounds.push(0);
    if (this.#rounds.length > this.#length) this.#rounds.shift();
  }

  add(value: number): void {
    const last = Math.max(0, this.#rounds.length - 1);
    this.#rounds[last] = Math.max(this.#rounds[last] ?? 0, value);
  }
}
