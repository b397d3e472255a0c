import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { descriptorOf } from '../internals/index.js';

/**
 * Keeps the last descriptors of the process for what is no connection of an application: the next connection to the server,
 * files, name lookups. Without any left, connections are accepted and closed by the system's library, and nobody is told.
 */
export class DescriptorReserve {
  readonly #first: number;
  readonly #events: ReserveEvents;
  #closed = 0;
  #lastClosed = Number.NEGATIVE_INFINITY;

  /** `limit`: descriptors that the process may have. */
  constructor(events: ReserveEvents, limit: number = descriptorLimit()) {
    this.#events = events;
    this.#first = limit - Math.min(RESERVE, Math.floor(limit / 4));
  }

  /** Whether a connection may stay that was just accepted; `now` in ms. The system gives the lowest descriptor that is free. */
  admits(socket: Socket, now: number = performance.now()): boolean {
    if ((descriptorOf(socket) ?? -1) >= this.#first) {
      this.#closed += 1;
      this.#lastClosed = now;
      if (this.#closed === 1) this.#events.onScarce();
      return false;
    }
    if (this.#closed > 0 && now - this.#lastClosed >= CALM) {
      this.#events.onPlenty(this.#closed);
      this.#closed = 0;
    }
    return true;
  }
}

export interface ReserveEvents {
  /** The first connection is refused. */
  onScarce(): void;
  /** None was refused for a while, and there is room: so many were. */
  onPlenty(refused: number): void;
}

/** Descriptors; a fourth of all where there are few. */
const RESERVE = 16;
/** Where connections come and go, one is free now and then: that is not the end of it, ms. */
const CALM = 1_000;

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
