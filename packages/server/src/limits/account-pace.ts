import type { Direction, RelayPace, Turn } from 'wsproxy-node/relay';
import type { Account } from './account.js';

type Rate = 'rateUp' | 'rateDown';
const RATE_OF: Readonly<Record<Direction, Rate>> = { up: 'rateUp', down: 'rateDown' };

/** One for all relays that none has. */
const NONE: readonly Rate[] = [];

/** Paces one relay, or one flow, by the account of its user. */
export class AccountPace implements RelayPace {
  readonly #account: Account;
  readonly #monthlyBytes: number | undefined;
  readonly #wallTime: () => number;
  readonly #events: PaceEvents;
  #isSpent = false;
  /** The rates that have made it wait. */
  #slowedBy: readonly Rate[] = NONE;

  /**
   * `monthlyBytes`: what it may carry of the month's; Infinity for all, undefined when what it carries is none of them.
   * `wallTime`: the time of day, ms.
   */
  constructor(account: Account, monthlyBytes: number | undefined, wallTime: () => number, events: PaceEvents) {
    this.#account = account;
    this.#monthlyBytes = monthlyBytes;
    this.#wallTime = wallTime;
    this.#events = events;
  }

  rateOf(direction: Direction): number {
    return this.#account[direction].rate;
  }

  mayPass(direction: Direction, bytes: number): boolean {
    if (!this.#account[direction].mayPass(bytes)) return false;
    this.#count(bytes);
    return true;
  }

  /** The same for a datagram, which is dropped if it may not. */
  mayPassNow(direction: Direction, bytes: number): boolean {
    if (this.#account[direction].mayPassNow(bytes)) {
      this.#count(bytes);
      return true;
    }
    this.#slowed(direction);
    return false;
  }

  wait(direction: Direction, bytes: number, turn: Turn): void {
    this.#slowed(direction);
    this.#account[direction].wait(bytes, turn);
    this.#count(bytes);
  }

  leave(direction: Direction, turn: Turn): void {
    this.#account[direction].leave(turn);
  }

  #slowed(direction: Direction): void {
    const limit = RATE_OF[direction];
    if (this.#slowedBy.includes(limit)) return;
    this.#slowedBy = [...this.#slowedBy, limit];
    this.#events.onSlowed(limit, this.#account[direction].rate);
  }

  #count(bytes: number): void {
    const monthlyBytes = this.#monthlyBytes;
    if (monthlyBytes === undefined) return;
    this.#account.carried(bytes);
    if (this.#isSpent || this.#account.bytesThisMonth(this.#wallTime()) < monthlyBytes) return;
    this.#isSpent = true;
    this.#events.onSpent(monthlyBytes);
  }
}

/** Who is told what the bytes of a relay, or of a flow, come up against. */
export interface PaceEvents {
  /** The bytes of the month are used up; told once. */
  onSpent(monthlyBytes: number): void;
  /** A rate has made the relay wait, or the flow drop something; told once for each direction. */
  onSlowed(limit: Rate, rate: number): void;
}
