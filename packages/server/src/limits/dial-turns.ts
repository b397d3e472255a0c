import type { Clock } from 'wsproxy-engine';

/** Dials that begin before everything else that is due has its turn: with some 0.1 ms each, nobody waits long for them. */
const BREATH = 32;

/**
 * Whose turn it is to begin a dial, of all users: they take turns, so that the thousands that one of them wants to begin at
 * once are not in the way of another's.
 */
export class DialTurns {
  readonly #clock: Clock;
  /** Those who may have a dial to begin, whose turn it is first. */
  readonly #ready = new Set<Dialling>();
  #left = BREATH;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a dial may begin at once, since nobody is ahead of it: then it has begun. */
  takeTurn(): boolean {
    if (this.#ready.size > 0 || this.#left === 0) return false;
    this.#began();
    return true;
  }

  /** `dialling` may have a dial to begin. */
  call(dialling: Dialling): void {
    this.#ready.add(dialling);
    this.#callAll();
  }

  #callAll(): void {
    for (const dialling of this.#ready) {
      if (this.#left === 0) return;
      // Behind all others, if it is to come again.
      this.#ready.delete(dialling);
      if (!dialling.beginNext()) continue;
      this.#ready.add(dialling);
      this.#began();
    }
  }

  #began(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#clock.setTimer(() => this.#goOn(), 1);
  }

  #goOn(): void {
    this.#left = BREATH;
    this.#callAll();
  }
}

/** Somebody who dials. */
export interface Dialling {
  /** Begins the next dial of theirs; false when there is none that may begin now. */
  beginNext(): boolean;
}
