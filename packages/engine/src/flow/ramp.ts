/** What grows here grows as a TCP in slow start, which doubles in a round trip. */
const DOUBLE = 2;
/** In a round trip so many points are kept. */
const RESOLUTION = 16;

/** What has been acknowledged until a time. */
interface Point {
  readonly at: number;
  readonly delivered: number;
}

/**
 * How fast acknowledgements arrive now, by the last round trip alone, and by how much faster than in the one before. While a
 * TCP in slow start keeps what it was given in the system's buffer, what is acknowledged was sent long ago, and a rate over
 * that time lags behind by half. Times in ms, rates in bytes per ms.
 */
export class Ramp {
  /** Of the last two round trips, the oldest first. */
  #points: Point[] = [];
  #rate = 0;
  #growth = 1;

  /** 0 while unknown. */
  get rate(): number {
    return this.#rate;
  }

  /** What the rate is of the one a round trip before: 1 while that is unknown, and twice at most. */
  get growth(): number {
    return Math.min(DOUBLE, this.#growth);
  }

  /** What is acknowledged from here on was sent at `now` or later. */
  restart(delivered: number, now: number): void {
    this.#points = [{ at: now, delivered }];
  }

  /** Nothing is under way, or nobody asks any more. */
  rest(): void {
    this.#points = [];
  }

  /** `delivered` bytes in all are acknowledged, of a path that is so long. */
  note(delivered: number, now: number, roundTrip: number): void {
    const points = this.#points;
    while ((points[1]?.at ?? now) <= now - 2 * roundTrip) points.shift();
    const latest = { at: now, delivered };
    // From one arrival to another: what comes at once has taken the time since the one before it.
    const middle = this.#at(now - roundTrip) ?? latest;
    const first = this.#at(middle.at - roundTrip) ?? middle;
    const former = (middle.delivered - first.delivered) / Math.max(roundTrip, middle.at - first.at);
    this.#rate = (delivered - middle.delivered) / Math.max(roundTrip, now - middle.at);
    this.#growth = former > 0 ? this.#rate / former : 1;
    if (now - (points.at(-1)?.at ?? 0) >= roundTrip / RESOLUTION) points.push(latest);
  }

  /** How things stood at `time`, or at the first one that is known. */
  #at(time: number): Point | undefined {
    return this.#points.findLast(({ at }) => at <= time) ?? this.#points[0];
  }
}
