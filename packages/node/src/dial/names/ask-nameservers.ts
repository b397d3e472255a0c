import { Resolver } from 'node:dns/promises';
import { type Clock, systemClock } from 'wsproxy-engine';
import { onAbort } from '../race/on-abort.js';
import { race } from '../race/race.js';
import { FamilyErrors, isFinal } from './lookup-errors.js';

/** Head start of a nameserver over the next one, ms. */
const SERVER_DELAY = 1_000;
/** Once one family has answered, the other has this much more, ms; RFC 8305 section 3 says 50. */
const FAMILY_DELAY = 50;
/** One question, one wait: c-ares takes no late answer to a question that it has repeated. Callers have deadlines. */
const PATIENCE = { timeout: 60_000, tries: 1 };

/**
 * Asks the first of `servers`, and the next as well when it fails or has said nothing for a second; the first answer
 * counts. Nothing of it holds a thread, so that dead names delay no others, however many there are; `getaddrinfo` holds
 * one of two.
 */
export function askNameservers(
  servers: readonly string[],
  { name, signal }: Question,
  ask: AskServer = askServer,
  clock: Clock = systemClock,
): Promise<readonly string[]> {
  return race<string, readonly string[]>(
    servers,
    (server, onWon, onLost) => {
      const over = new AbortController();
      ask(server, { name, signal: over.signal }).then(onWon, onLost);
      return () => over.abort();
    },
    {
      delay: SERVER_DELAY,
      clock,
      signal,
      failureOf: (errors) => errors.at(-1) ?? new Error('there is no nameserver'),
      isFinal,
    },
  );
}

export interface Question {
  readonly name: string;
  /** Cancels what is under way; the promise rejects. */
  readonly signal: AbortSignal;
}

/** The addresses that a nameserver, `address` or `address:port`, knows for a name. */
export type AskServer = (server: string, question: Question) => Promise<readonly string[]>;

/** IPv6 first, as they come. */
async function askServer(server: string, { name, signal }: Question): Promise<readonly string[]> {
  // One for each question: it has a port of its own, which nobody can guess, and can be cancelled alone.
  const resolver = new Resolver(PATIENCE);
  resolver.setServers([server]);
  const cancel = () => resolver.cancel();
  const forgetSignal = onAbort(signal, cancel);
  try {
    const families = [resolver.resolve6(name), resolver.resolve4(name)];
    const settled = Promise.allSettled(families);
    const first = await Promise.any(families).catch(() => undefined);
    if (first !== undefined) {
      const timer = setTimeout(cancel, FAMILY_DELAY);
      await settled;
      clearTimeout(timer);
    }
    const answers = await settled;
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    throw new FamilyErrors(
      answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : [])),
    );
  } finally {
    forgetSignal();
  }
}
