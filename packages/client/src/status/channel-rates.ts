import { LOOKS, Meter, type Rates, STILL } from './meter.js';

/** How fast each living channel is, or each flow. One that is still costs a few numbers, so that thousands of them are no burden. */
export class ChannelRates {
  readonly #entries = new Map<number, Entry>();
  /** Of the last look, ms. */
  #lookedAt: number | undefined;
  #looks = 0;
  #idle = 0;

  /** Channels on which nothing has moved for a while, as of the last look. */
  get idleCount(): number {
    return this.#idle;
  }

  /** A look at all living channels, about once a second. */
  add(now: number, channels: readonly Carrying[]): void {
    this.#looks += 1;
    this.#idle = 0;
    for (const channel of channels) {
      const entry = this.#entries.get(channel.id) ?? this.#enter(now, channel);
      entry.look = this.#looks;
      note(entry, now, channel);
      if (channel.open && entry.still >= IDLE_AFTER) this.#idle += 1;
    }
    this.#lookedAt = now;
    if (this.#entries.size === channels.length) return;
    for (const [id, { look }] of this.#entries) if (look !== this.#looks) this.#entries.delete(id);
  }

  of({ id, open }: Pick<Carrying, 'id' | 'open'>): ChannelRate {
    const entry = this.#entries.get(id);
    if (entry === undefined) return { ...STILL, idle: false };
    const { rateUp, rateDown } = entry.meter?.rates ?? STILL;
    return { rateUp, rateDown, idle: open && entry.still >= IDLE_AFTER };
  }

  /** What a channel has carried that was not there at the last look, it has carried since. */
  #enter(now: number, { id, ageMs, bytesUp, bytesDown }: Carrying): Entry {
    const before = this.#lookedAt;
    const isNew = before !== undefined && ageMs <= now - before + 1;
    const entry: Entry = { up: isNew ? 0 : bytesUp, down: isNew ? 0 : bytesDown, at: before ?? now, still: 0, look: 0 };
    this.#entries.set(id, entry);
    return entry;
  }
}

/** What has an age, and carries bytes. */
export interface Carrying {
  readonly id: number;
  readonly open: boolean;
  readonly ageMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export interface ChannelRate extends Rates {
  /** Nothing has moved for a while, though it is open. */
  readonly idle: boolean;
}

interface Entry {
  /** What it had carried at the last look, and when that was. */
  up: number;
  down: number;
  at: number;
  /** Looks since something has moved. */
  still: number;
  /** Of what moves. */
  meter?: Meter | undefined;
  /** The last look that has seen it. */
  look: number;
}

/** Looks without a byte after which a channel is idle, about as many seconds. */
const IDLE_AFTER = 10;

function note(entry: Entry, now: number, { bytesUp, bytesDown }: Carrying): void {
  const hasMoved = bytesUp !== entry.up || bytesDown !== entry.down;
  entry.still = hasMoved ? 0 : entry.still + 1;
  if (hasMoved && entry.meter === undefined) {
    entry.meter = new Meter();
    entry.meter.add(entry.at, entry.up, entry.down);
  }
  if (entry.still >= LOOKS) entry.meter = undefined;
  entry.meter?.add(now, bytesUp, bytesDown);
  entry.up = bytesUp;
  entry.down = bytesDown;
  entry.at = now;
}
