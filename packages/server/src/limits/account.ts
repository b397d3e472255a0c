import type { Clock, ProcessBudgets } from 'wsproxy-engine';
import type { Pool } from '../store/pool.js';
import type { Spender, Spending, Total } from '../store/spending.js';
import type { DatagramMeter } from './datagram-meter.js';
import { LeftPorts } from './left-ports.js';
import { RateTurns } from './rate-turns.js';
import type { UserTurns } from './user-turns.js';

/** What one user has going on, in all sessions; kept while the server runs, no matter what becomes of the rules. */
export class Account implements Spender {
  readonly userId: string;
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
  /** That it may carry in a month. */
  monthlyBytes: number = Number.POSITIVE_INFINITY;
  /** Places that this process shares with others, once one was asked for. */
  readonly pools: Partial<Record<'sessions' | 'channels' | 'flows' | 'listeners', Pool>> = {};
  readonly #spending: Spending | undefined;
  #bytes = 0;
  /** Of these, what others do not know of. */
  #untold = 0;
  /** What others have carried in the month. */
  #othersBytes = 0;
  /** The calendar month that `bytes` counts for ends then, by the time of day. */
  #monthEnd = Number.NEGATIVE_INFINITY;

  /** `spending`: hears what is carried, and knows what others have. */
  constructor(userId: string, clock: Clock, spending?: Spending) {
    this.userId = userId;
    this.#spending = spending;
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
    if (this.#spending === undefined) return;
    const isFirst = this.#untold === 0;
    this.#untold += bytes;
    if (this.#untold >= this.#much) this.#untold = 0;
    if (isFirst || this.#untold === 0) this.#spending.note(this, this.#untold === 0);
  }

  /** Bytes of both ways in the calendar month (UTC) of `wallTime`, those that others have carried among them. */
  bytesThisMonth(wallTime: number): number {
    return this.#ownBytes(wallTime) + this.#othersBytes;
  }

  /** So many bytes are told at once. The fewer are left, the sooner; of those without a bound nobody has to know in a hurry. */
  get #much(): number {
    return Math.max(LEAST_TOLD, (this.monthlyBytes - this.#bytes - this.#othersBytes) / PARTS);
  }

  sumToTell(wallTime: number): number {
    this.#untold = 0;
    return this.#ownBytes(wallTime);
  }

  #ownBytes(wallTime: number): number {
    if (wallTime >= this.#monthEnd) {
      // At first there is no month yet, and what was counted is of this one.
      if (this.#monthEnd !== Number.NEGATIVE_INFINITY) {
        this.#bytes = 0;
        this.#othersBytes = 0;
      }
      this.#monthEnd = monthEnd(wallTime);
    }
    return this.#bytes;
  }

  onTotal({ bytes, total, wallTime }: Total): void {
    // Not of the month before.
    if (monthEnd(wallTime) === this.#monthEnd) this.#othersBytes = Math.max(0, total - bytes);
  }
}

/** That are told at once, bytes. */
const LEAST_TOLD = 1_048_576;
/** Of what is left of a month, one is told at a time. */
const PARTS = 1_024;

/** When the calendar month (UTC) of `wallTime` ends. */
export function monthEnd(wallTime: number): number {
  const date = new Date(wallTime);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
