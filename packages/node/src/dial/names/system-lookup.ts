import { lookup as getaddrinfo } from 'node:dns/promises';
import { onAbort } from '../race/on-abort.js';
import { Turns } from './turns.js';

/** `getaddrinfo`, as any other program of this machine asks: with its search domains and whatever else the system has. */
export async function systemLookup(name: string): Promise<readonly string[]> {
  const answer = await getaddrinfo(name, { all: true, order: 'verbatim' });
  return answer.map(({ address }) => address);
}

/** One question, for `user`. Rejects with the system's error, or for any reason once `signal` aborts. */
export type Lookup = (name: string, signal: AbortSignal, user?: string) => Promise<readonly string[]>;

/** Node runs no more of them at a time, on half of the threads that files and ciphers share. */
const PLACES = 2;

/** The same for several users, of whom none waits for the dead names of another, nor for those that nobody waits for. */
export function createSystemLookup(ask: (name: string) => Promise<readonly string[]> = systemLookup): Lookup {
  const turns = new Turns(PLACES);
  return (name, signal, user = '') =>
    new Promise((resolve, reject) => {
      let forgetSignal = () => {};
      const start = () => {
        forgetSignal();
        // Nothing can cancel it: it holds its place until it is over.
        void ask(name)
          .finally(() => turns.giveBack(user))
          .then(resolve, reject);
      };
      const giveUp = turns.take(user, start);
      if (giveUp === undefined) return;
      forgetSignal = onAbort(signal, () => {
        giveUp();
        reject(signal.reason);
      });
    });
}
