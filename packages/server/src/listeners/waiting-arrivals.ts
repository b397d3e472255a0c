import type { Carried } from 'wsproxy-engine';
import type { Guard } from '../limits/guard.js';
import type { Claim } from './claim.js';

/** What has come to one remote listener, and no client has answered yet, by its channel. */
export class WaitingArrivals {
  readonly #guard: Guard;
  readonly #arrivals = new Map<Carried, WaitingArrival>();

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  add(channel: Carried, arrival: WaitingArrival): void {
    this.#arrivals.set(channel, arrival);
  }

  /** False when it waits no more. */
  delete(channel: Carried): boolean {
    return this.#arrivals.delete(channel);
  }

  /** The listener is that of `to` now: what no client has heard of goes there. */
  move(from: Claim, to: Claim): void {
    for (const one of from.session.session.releaseIncoming(from.listener)) this.#move(one, to);
  }

  /** The same of what a session that is over has left of all its listeners. */
  adopt(unsent: readonly Carried[], to: Claim): void {
    for (const one of unsent) if (this.#arrivals.has(one)) this.#move(one, to);
  }

  /** What has been sent to the former owner stays there, since it may have been dialled; nobody waits for ever if that one is dead. */
  limitAnswers({ session: { session } }: Claim): void {
    const sent = session.unanswered.filter((one) => this.#arrivals.has(one));
    if (sent.length > 0) this.#guard.clock.setTimer(() => session.giveUp(sent, 'TAKEN_OVER'), ANSWER_TIME);
  }

  #move(one: Carried, to: Claim): void {
    this.#arrivals.get(one)?.moveTo(to);
    to.session.session.adoptIncoming(one, to.listener);
  }
}

interface WaitingArrival {
  /** Nobody has heard of it, and another session has the listener. */
  moveTo(claim: Claim): void;
}

/** How long a former owner may take to answer, ms: as long as it may dial. */
const ANSWER_TIME = 10_000;
