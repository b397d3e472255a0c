import type { Clock, Timer } from 'wsproxy-engine';

/**
 * Asks clients home whose transport came by another process, which costs that one as much as the session costs here: to come
 * again, since what sends them there (a balancer that is sticky) may send them here now. Where nothing is sticky it cannot
 * help, so each session is asked once, and nobody for some time when most of them came by another process again.
 */
export class Migration {
  readonly #clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly #random: () => number;
  readonly #sessions = new WeakMap<Migrating, State>();
  /** Whether those who were asked came here directly, the newest last. */
  #answers: boolean[] = [];
  /** Who were asked, and have not come again. */
  #awaited = 0;
  /** By the clock. */
  #resumesAt = Number.NEGATIVE_INFINITY;

  /** @param random from 0 to 1. */
  constructor(clock: Pick<Clock, 'now' | 'setTimer'>, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A session goes on with another transport. `isHanded`: it came by another process. */
  onTransport(session: Migrating, isHanded: boolean): void {
    const state = this.#sessions.get(session);
    if (state?.phase === 'asked') this.#hear(session, state, !isHanded);
    this.onAway(session);
    if (isHanded && !this.#sessions.has(session)) this.#wait(session);
  }

  /** It has no transport, or is over. */
  onAway(session: Migrating): void {
    const state = this.#sessions.get(session);
    if (state?.phase !== 'waiting') return;
    state.timer.cancel();
    this.#sessions.delete(session);
  }

  /** It is over. */
  onOver(session: Migrating): void {
    this.onAway(session);
    const state = this.#sessions.get(session);
    if (state?.phase === 'asked') this.#settle(session, state);
  }

  #wait(session: Migrating): void {
    const delay = SHORTEST_WAIT + this.#random() * (LONGEST_WAIT - SHORTEST_WAIT);
    const timer = this.#clock.setTimer(() => this.#onTime(session), delay);
    this.#sessions.set(session, { phase: 'waiting', timer });
  }

  #onTime(session: Migrating): void {
    const mayAsk = this.#clock.now() >= this.#resumesAt && this.#awaited < HEARD;
    // What is in flight is sent again.
    if (!mayAsk || session.figures.bytesInFlight >= MOST_IN_FLIGHT) return this.#wait(session);
    const state: Asked = {
      phase: 'asked',
      timer: this.#clock.setTimer(() => this.#settle(session, state), LONGEST_ANSWER),
    };
    this.#sessions.set(session, state);
    this.#awaited += 1;
    session.migrate();
  }

  #hear(session: Migrating, state: Asked, isDirect: boolean): void {
    this.#settle(session, state);
    this.#answers = [...this.#answers, isDirect].slice(-HEARD);
    const direct = this.#answers.filter(Boolean).length;
    if (this.#answers.length < HEARD || direct >= HEARD / 2) return;
    this.#answers = [];
    this.#resumesAt = this.#clock.now() + PAUSE;
  }

  #settle(session: Migrating, { timer }: Asked): void {
    timer.cancel();
    this.#sessions.set(session, DONE);
    this.#awaited -= 1;
  }
}

/** From a transport by another process on, ms. */
const SHORTEST_WAIT = 10_000;
const LONGEST_WAIT = 30_000;
/** Bytes. */
const MOST_IN_FLIGHT = 65_536;
/** So many of the last are judged by, and no more are awaited at a time. */
const HEARD = 20;
/** Until anybody is asked again where that does not help, ms. */
const PAUSE = 600_000;

/** Who has not come again by then does not know what it was asked, ms. */
const LONGEST_ANSWER = 60_000;

/** What there is of a session here. */
export interface Migrating {
  /** Sent on its present transport, and not acknowledged. */
  readonly figures: { readonly bytesInFlight: number };
  /** Asks the client for another transport. */
  migrate(): void;
}

type State = Waiting | Asked | typeof DONE;

interface Waiting {
  readonly phase: 'waiting';
  readonly timer: Timer;
}

interface Asked {
  readonly phase: 'asked';
  readonly timer: Timer;
}

const DONE = { phase: 'done' } as const;
