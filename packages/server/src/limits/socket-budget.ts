import { readFileSync } from 'node:fs';

/** Kept free for what is no socket of ours: Node's own, files, name lookups, attempts that race. */
const SPARE = 32;

/**
 * Counts sockets of clients and destinations, since Node says nothing when descriptors run out: connections are accepted
 * and closed at once, and dials fail as if the destination were at fault.
 */
export class SocketBudget {
  readonly limit: number;
  readonly #onExhausted: () => void;
  #taken = 0;

  /** `onExhausted` is called each time somebody asks in vain. */
  constructor(limit: number, onExhausted: () => void) {
    this.limit = limit;
    this.#onExhausted = onExhausted;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Whether there was room for one more. Whoever got one gives it back with `release`. */
  take(): boolean {
    if (this.#taken >= this.limit) {
      this.#onExhausted();
      return false;
    }
    this.#taken += 1;
    return true;
  }

  release(): void {
    this.#taken -= 1;
  }
}

/** What a process with so many descriptors may use for sockets: 90 %, but always some spare. */
export function socketsOf(descriptors: number): number {
  return Math.max(1, Math.min(Math.floor(descriptors * 0.9), descriptors - SPARE));
}

/** The limit of descriptors of this process; Infinity where the system does not tell. */
export function descriptorLimit(limits: string = readLimits()): number {
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
