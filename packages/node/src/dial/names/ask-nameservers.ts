import { Resolver } from 'node:dns/promises';
import { type Clock, systemClock } from 'wsproxy-engine';

/** Head start of a nameserver over the next one, ms. */
const SERVER_DELAY = 1_000;
/** Once one family has answered, the other has this much more, ms; RFC 8305 section 3 says 50. */
const FAMILY_DELAY = 50;
/** One question, one wait: c-ares takes no late answer to a question that it has repeated. Callers have deadlines. */
const PATIENCE = { timeout: 60_000, tries: 1 };

/** What a nameserver says about a name that no other one would say differently. */
const FINAL: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

export interface Question {
  readonly name: string;
  /** Cancels what is under way; the promise rejects. */
  readonly signal: AbortSignal;
}

/** The addresses that a nameserver, `address` or `address:port`, knows for a name. */
export type AskServer = (server: string, question: Question) => Promise<readonly string[]>;

/**
 * Asks the first of `servers`, and the next as well when it fails or has said nothing for a second; the first answer
 * counts. Nothing of it holds a thread, so that dead names delay no others, however many there are; `getaddrinfo` holds
 * one of two.
 */
export function askNameservers(
  servers: readonly string[],
  question: Question,
  ask: AskServer = askServer,
  clock: Clock = systemClock,
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const { name, signal } = question;
    const queue = [...servers];
    const over = new AbortController();
    let running = 0;
    let failure: unknown = new Error('there is no nameserver');

    const finish = () => {
      signal.removeEventListener('abort', onAbort);
      timer?.cancel();
      over.abort();
    };
    const fail = (error: unknown) => {
      finish();
      reject(error);
    };
    const onAbort = () => fail(signal.reason);
    const askNext = () => {
      timer?.cancel();
      const server = queue.shift();
      if (server === undefined) {
        if (running === 0) fail(failure);
        return;
      }
      running += 1;
      if (queue.length > 0) timer = clock.setTimer(askNext, SERVER_DELAY);
      ask(server, { name, signal: over.signal }).then(
        (addresses) => {
          finish();
          resolve(addresses);
        },
        (error: unknown) => {
          running -= 1;
          if (over.signal.aborted) return;
          failure = error;
          if (FINAL.has(codeOf(error))) fail(error);
          else askNext();
        },
      );
    };

    let timer: ReturnType<Clock['setTimer']> | undefined;
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else askNext();
  });
}

/** IPv6 first, as they come. */
async function askServer(server: string, { name, signal }: Question): Promise<readonly string[]> {
  // One for each question: it has a port of its own, which nobody can guess, and can be cancelled alone.
  const resolver = new Resolver(PATIENCE);
  resolver.setServers([server]);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
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
    const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
    throw errors.find((error) => !FINAL.has(codeOf(error))) ?? errors[0];
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
