import type { Channel, Clock, Session, Timer } from 'wsproxy-engine';

/** How long a request waits for a tunnel that is down, ms. */
const LIMIT = 5_000;

/** The requests that wait for a tunnel that is down, and how long they still do. */
export class Patience {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();

  constructor(session: Session, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  /** Somebody waits. */
  get isTried(): boolean {
    return this.#timers.size > 0 && this.#session.unanswered.length > 0;
  }

  /**
   * These channels are given up when the tunnel does not come up, or a silent one shows no life, in time. One that another
   * session carries by then does not wait for this one any more.
   */
  limit(channels: readonly Channel[]): void {
    if (channels.length === 0) return;
    const sign = this.#session.lastSign;
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(timer);
      if (sign !== undefined && sign !== this.#session.lastSign) return;
      const waiting = new Set(this.#session.unanswered);
      for (const channel of channels) if (waiting.has(channel)) channel.giveUp('TUNNEL_DOWN');
    }, LIMIT);
    this.#timers.add(timer);
  }

  /** There is a way, or there will never be one: nobody waits any more. */
  end(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
