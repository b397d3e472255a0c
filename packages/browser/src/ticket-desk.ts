import { type Clock, systemClock } from 'wsproxy-engine';
import { ConnectError } from 'wsproxy-engine/connector';
import type { ClientOptions } from './options.js';

/** Asks for tickets, one at a time unless an answer takes long. One that its attempt does not need any more is for the next attempt. */
export class TicketDesk {
  readonly #ticket: ClientOptions['ticket'];
  readonly #clock: Pick<Clock, 'wallTime' | 'setTimer'>;
  #asked: Asked | undefined;

  constructor(ticket: ClientOptions['ticket'], clock: Pick<Clock, 'wallTime' | 'setTimer'> = systemClock) {
    this.#ticket = ticket;
    this.#clock = clock;
  }

  /** A ticket that nobody else has; rejects with ConnectError. */
  async next(signal: AbortSignal): Promise<string> {
    for (;;) {
      const asked = this.#askedOf;
      this.#asked = asked;
      const ticket = await unlessGivenUp(asked.ticket, signal);
      // Two may have waited for it.
      if (asked.isTaken) continue;
      asked.isTaken = true;
      if (this.#asked === asked) this.#asked = undefined;
      return ticket;
    }
  }

  get #askedOf(): Asked {
    const asked = this.#asked;
    return asked === undefined || this.#clock.wallTime() > asked.goodUntil ? this.#ask() : asked;
  }

  #ask(): Asked {
    // A question may hang on a path that is gone, and the one who comes now thinks so.
    const asked: Asked = { ticket: this.#call(), goodUntil: this.#clock.wallTime() + HANGS, isTaken: false };
    asked.ticket.then(
      () => {
        asked.goodUntil = this.#clock.wallTime() + KEPT;
      },
      () => {
        if (this.#asked === asked) this.#asked = undefined;
      },
    );
    return asked;
  }

  async #call(): Promise<string> {
    const giveUp = new AbortController();
    const timer = this.#clock.setTimer(() => giveUp.abort(new Error('no answer within 10 s')), PATIENCE);
    try {
      const ticket = await unlessGivenUp(Promise.resolve(this.#ticket(giveUp.signal)), giveUp.signal);
      if (typeof ticket !== 'string' || !/^[\w-]+$/.test(ticket)) throw new TypeError('`ticket` gives something else');
      return ticket;
    } catch (error) {
      throw describe(error);
    } finally {
      timer.cancel();
    }
  }
}

interface Asked {
  readonly ticket: Promise<string>;
  /** Nobody waits for it later, or takes it: by the time of day, which goes on while the machine sleeps. */
  goodUntil: number;
  isTaken: boolean;
}

/** ms. */
const PATIENCE = 10_000;
/** How long the answer may take before another one is asked for beside it, ms. */
const HANGS = 1_000;
/** How old a ticket may become here, ms: much less than it is good for. */
const KEPT = 5_000;

function describe(error: unknown): ConnectError {
  const { message, status, retryAfter } = (error ?? {}) as {
    message?: unknown;
    status?: unknown;
    retryAfter?: unknown;
  };
  const answer = typeof status === 'number' ? `the answer is ${status}` : String(error);
  const what = `there is no ticket: ${typeof message === 'string' ? message : answer}`;
  const isRefused = status === 401 || status === 403;
  return new ConnectError(what, isRefused, {
    cause: error,
    code: isRefused ? 'TOKEN_REFUSED' : 'UNAVAILABLE',
    ...(typeof retryAfter === 'number' && retryAfter > 0 && { retryAfter }),
    ...(typeof status === 'number' && { status }),
  });
}

/** Rejects once `signal` gives up. */
function unlessGivenUp<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
