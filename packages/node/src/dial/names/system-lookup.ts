import { lookup as getaddrinfo } from 'node:dns/promises';
import { type Clock, systemClock } from 'wsproxy-engine';
import { onAbort } from '../race/on-abort.js';
import { Turns } from './turns.js';

/** `getaddrinfo`, as any other program of this machine asks: with its search domains and anything else that the system has. */
export async function systemLookup(name: string): Promise<readonly string[]> {
  const answer = await getaddrinfo(name, { all: true, order: 'verbatim' });
  return answer.map(({ address }) => address);
}

/** One question, for `user`. Rejects with the system's error, or for any reason once `signal` aborts. */
export type Lookup = (name: string, signal: AbortSignal, user?: string) => Promise<readonly string[]>;

/** Node runs no more of them at a time, on half of the threads that files and ciphers share. */
const PLACES = 2;

/** Nobody is made to wait by an answer that comes sooner, ms: anyone who asks may have left for reasons of their own. */
const LONG = 1_000;
/** How long it is remembered that such a question of a user outlived everybody who waited for it, ms. */
const MEMORY = 600_000;
/** All users of whom that is remembered, as one: they share a place, and leave the other one to the rest. */
const LATE = Symbol('late');

/** The same for several users, of whom none waits for the dead names of another, nor for those that nobody waits for. */
export function createSystemLookup(
  ask: (name: string) => Promise<readonly string[]> = systemLookup,
  clock: Pick<Clock, 'now'> = systemClock,
): Lookup {
  const turns = new Turns(PLACES);
  /** Until when it is remembered of whom. */
  const late = new Map<string, number>();
  const noteLate = (user: string): void => {
    for (const [known, until] of late) if (until <= clock.now()) late.delete(known);
    late.set(user, clock.now() + MEMORY);
  };
  const isLate = (user: string): boolean => (late.get(user) ?? 0) > clock.now();

  return (name, signal, user = '') =>
    new Promise((resolve, reject) => {
      let forgetSignal = () => {};
      const enter = (asWhom: string | typeof LATE): void => {
        const start = (): void => {
          forgetSignal();
          // It became late while this waited.
          if (asWhom !== LATE && isLate(user)) {
            turns.giveBack(asWhom);
            return enter(LATE);
          }
          const startedAt = clock.now();
          // Nothing can cancel it: it holds its place until it is over.
          void ask(name)
            .finally(() => {
              if (signal.aborted && clock.now() - startedAt >= LONG) noteLate(user);
              turns.giveBack(asWhom);
            })
            .then(resolve, reject);
        };
        const giveUp = turns.take(asWhom, start);
        if (giveUp === undefined) return;
        forgetSignal = onAbort(signal, () => {
          giveUp();
          reject(signal.reason);
        });
      };
      enter(isLate(user) ? LATE : user);
    });
}
