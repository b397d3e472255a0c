import type { Clock, Timer } from '../clock.js';

/**
 * Looks at each of many once in every interval. Those that join at about the same point of it have one timer together, so
 * that thousands that are idle wake nobody more often than a few do, and not all of them are looked at in one go.
 */
export class Rounds {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #rounds = new Map<number, Round>();

  private constructor(clock: Clock, interval: number) {
    this.#clock = clock;
    this.#interval = interval;
  }

  /** Those with a look every `interval` ms, of all who have this clock. */
  static of(clock: Clock, interval: number): Rounds {
    const ofClock = all.get(clock) ?? new Map<number, Rounds>();
    all.set(clock, ofClock);
    const rounds = ofClock.get(interval) ?? new Rounds(clock, interval);
    ofClock.set(interval, rounds);
    return rounds;
  }

  /** From now on `one` is looked at, the first time within an interval; until it leaves the round that is returned. */
  join(one: LookedAt): Round {
    const slot = Math.floor((this.#clock.now() % this.#interval) / GRAIN);
    const round = this.#rounds.get(slot) ?? new Round(this.#clock, this.#interval, () => this.#rounds.delete(slot));
    this.#rounds.set(slot, round);
    round.add(one);
    return round;
  }
}

/** Those that are looked at together. */
export class Round {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #onEmpty: () => void;
  readonly #members = new Set<LookedAt>();
  /** Looks are whole intervals after it. */
  readonly #began: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, interval: number, onEmpty: () => void) {
    this.#clock = clock;
    this.#interval = interval;
    this.#onEmpty = onEmpty;
    this.#began = clock.now();
  }

  add(one: LookedAt): void {
    this.#members.add(one);
    this.#timer ??= this.#lookLater();
  }

  leave(one: LookedAt): void {
    if (!this.#members.delete(one) || this.#members.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#onEmpty();
  }

  #lookLater(): Timer {
    const rest = this.#interval - ((this.#clock.now() - this.#began) % this.#interval);
    // A timer may be a little early. What is late must not make the next look late as well: it would count as another stall.
    const delay = rest < GRAIN ? rest + this.#interval : rest;
    return this.#clock.setTimer(() => this.#lookAtAll(), delay);
  }

  #lookAtAll(): void {
    this.#timer = this.#lookLater();
    for (const one of this.#members) one.onLook();
  }
}

/** The one that is looked at. */
export interface LookedAt {
  onLook(): void;
}

const all = new WeakMap<Clock, Map<number, Rounds>>();
/** Those that join in so many ms of an interval are looked at together. */
const GRAIN = 100;
