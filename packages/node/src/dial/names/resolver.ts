import { type Clock, systemClock, TunnelError } from 'wsproxy-engine';
import { onAbort } from '../race/on-abort.js';
import { createLookup, type Lookup } from './lookup.js';

export function createResolver(options: ResolverOptions = {}): Resolver {
  return new SystemResolver(options);
}

/** Turns a name into addresses. */
export interface Resolver {
  /**
   * The addresses of `name`, at least one, in the order of preference. Rejects with NAME_NOT_FOUND,
   * NAME_LOOKUP_FAILED or NAME_LOOKUP_TIMEOUT, or with `signal.reason` as soon as `signal` aborts. `user` is whose turn
   * it takes.
   */
  resolve(name: string, signal: AbortSignal, user?: string): Promise<readonly string[]>;
}

export interface ResolverOptions {
  /** Default: hosts file and nameservers of the system. */
  readonly lookup?: Lookup;
  readonly clock?: Clock;
  /** For one name, waiting for its turn included, ms; default 5 s. */
  readonly timeout?: number;
  /** Lookups at a time; default 512. One costs a descriptor or two, no thread. */
  readonly concurrency?: number;
  /** Told when a name of `user` has to wait for its turn. */
  readonly onWait?: (user: string) => void;
  /** Addresses used of one answer; default 16. */
  readonly maxAddresses?: number;
}

class SystemResolver implements Resolver {
  readonly #lookup: Lookup;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #concurrency: number;
  readonly #maxAddresses: number;
  /** Of all, for one user: nobody's dead names hold up the others. */
  readonly #userConcurrency: number;
  readonly #onWait: ((user: string) => void) | undefined;
  readonly #waiting = new Set<Waiting>();
  /** Lookups that run, by user. */
  readonly #running = new Map<string, number>();
  #total = 0;

  constructor(options: ResolverOptions) {
    this.#lookup = options.lookup ?? createLookup();
    this.#clock = options.clock ?? systemClock;
    this.#timeout = options.timeout ?? 5_000;
    this.#concurrency = options.concurrency ?? 512;
    this.#userConcurrency = Math.ceil(this.#concurrency / 2);
    this.#onWait = options.onWait;
    this.#maxAddresses = options.maxAddresses ?? 16;
  }

  resolve(name: string, signal: AbortSignal, user: string = ''): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      const over = new AbortController();
      const fail = (error: unknown) => {
        release();
        reject(error);
      };
      const start = () => {
        void this.#run(name, user, over.signal).then((addresses) => {
          release();
          resolve(addresses);
        }, fail);
      };
      const waiting = { user, start };
      const onTimeout = () =>
        fail(new TunnelError('NAME_LOOKUP_TIMEOUT', `no answer for ${name} in ${this.#timeout} ms`));
      const timer = this.#clock.setTimer(onTimeout, this.#timeout);
      let forgetSignal = () => {};
      const release = () => {
        timer.cancel();
        forgetSignal();
        this.#waiting.delete(waiting);
        over.abort();
      };

      forgetSignal = onAbort(signal, () => fail(signal.reason));
      if (signal.aborted) return;
      if (this.#hasRoomFor(user)) start();
      else {
        this.#waiting.add(waiting);
        this.#onWait?.(user);
      }
    });
  }

  /** Holds its place until the lookup is over: nothing can cancel `getaddrinfo`, not even our deadline. */
  async #run(name: string, user: string, signal: AbortSignal): Promise<readonly string[]> {
    this.#count(user, 1);
    try {
      const answer = await this.#lookup(name, signal);
      if (answer.length === 0) throw new TunnelError('NAME_NOT_FOUND', `${name} has no address`);
      return answer.slice(0, this.#maxAddresses);
    } catch (error) {
      throw lookupFailure(name, error);
    } finally {
      this.#count(user, -1);
      this.#startNext();
    }
  }

  #startNext(): void {
    for (const waiting of this.#waiting) {
      if (!this.#hasRoomFor(waiting.user)) continue;
      this.#waiting.delete(waiting);
      waiting.start();
      return;
    }
  }

  #hasRoomFor(user: string): boolean {
    return this.#total < this.#concurrency && (this.#running.get(user) ?? 0) < this.#userConcurrency;
  }

  #count(user: string, change: 1 | -1): void {
    const running = (this.#running.get(user) ?? 0) + change;
    if (running === 0) this.#running.delete(user);
    else this.#running.set(user, running);
    this.#total += change;
  }
}

interface Waiting {
  readonly user: string;
  readonly start: () => void;
}

const NOT_FOUND: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

function lookupFailure(name: string, error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const code = NOT_FOUND.has(errno) ? 'NAME_NOT_FOUND' : 'NAME_LOOKUP_FAILED';
  return new TunnelError(code, `lookup of ${name}: ${errno}`, { cause: error });
}
