import type { Clock, ProcessBudgets } from 'wsproxy-engine';
import type { DatagramMeter } from './datagram-meter.js';
import { LeftPorts } from './left-ports.js';
import { RateTurns } from './rate-turns.js';
import type { UserTurns } from './user-turns.js';

/** What one user has going on, in all sessions; kept while the server runs, whatever becomes of the rules. */
export class Account {
  /** Channels, those of which only the socket is left among them. */
  channels = 0;
  /** Flows. */
  flows = 0;
  /** Remote listeners. */
  listeners = 0;
  /** What comes for flows, once something has. */
  datagrams: DatagramMeter | undefined;
  /** Sockets of destinations. */
  sockets = 0;
  /** Local ports that these have left behind. */
  readonly leftPorts: LeftPorts = new LeftPorts();
  /** Its share of the memory, once it has a session. */
  memory: ProcessBudgets | undefined;
  /** Those of its dials, from then on. */
  turns: UserTurns | undefined;
  /** Told when one of its sessions has used up the memory of a session. */
  onSessionFull: (() => void) | undefined;
  readonly up: RateTurns;
  readonly down: RateTurns;
  #bytes = 0;
  /** The calendar month that `bytes` counts for ends then, by the time of day. */
  #monthEnd = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.up = new RateTurns(clock);
    // What waits upwards counts in its channel.
    this.down = new RateTurns(clock, (bytes) => {
      if (bytes > 0) this.memory?.replay.take(bytes);
      else this.memory?.replay.release(-bytes);
    });
  }

  /** Bytes a second, undefined for none; also for what is under way. */
  setRates(up: number | undefined, down: number | undefined): void {
    this.up.setRate(up);
    this.down.setRate(down);
  }

  carried(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Bytes of both ways in the calendar month (UTC) of `wallTime`. */
  bytesThisMonth(wallTime: number): number {
    if (wallTime >= this.#monthEnd) {
      // At first there is no month yet, and what was counted is of this one.
      if (this.#monthEnd !== Number.NEGATIVE_INFINITY) this.#bytes = 0;
      this.#monthEnd = monthEnd(wallTime);
    }
    return this.#bytes;
  }
}

/** When the calendar month (UTC) of `wallTime` ends. */
export function monthEnd(wallTime: number): number {
  const date = new Date(wallTime);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
