import { lookup as systemLookup } from 'node:dns/promises';
import { type Clock, systemClock, TunnelError } from 'wsproxy-protocol';

/** Turns a name into addresses. */
export interface Resolver {
  /**
   * The addresses of `name`, at least one, in the order of preference. Rejects with NAME_NOT_FOUND,
   * NAME_LOOKUP_FAILED or NAME_LOOKUP_TIMEOUT, or with `signal.reason` as soon as `signal` aborts.
   */
  resolve(name: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** One question to the system. */
export type Lookup = (name: string) => Promise<ReadonlyArray<{ readonly address: string }>>;

export interface ResolverOptions {
  /** Default: `getaddrinfo`, so that /etc/hosts and the order of RFC 6724 count. */
  readonly lookup?: Lookup;
  readonly clock?: Clock;
  /** For one name, waiting for its turn included, ms; default 5 s. */
  readonly timeout?: number;
  /** Lookups at a time; default 32. */
  readonly concurrency?: number;
  /** Addresses used of one answer; default 16. */
  readonly maxAddresses?: number;
}

export function createResolver(options: ResolverOptions = {}): Resolver {
  return new SystemResolver(options);
}

class SystemResolver implements Resolver {
  readonly #lookup: Lookup;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #concurrency: number;
  readonly #maxAddresses: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(options: ResolverOptions) {
    this.#lookup = options.lookup ?? ((name) => systemLookup(name, { all: true, order: 'verbatim' }));
    this.#clock = options.clock ?? systemClock;
    this.#timeout = options.timeout ?? 5_000;
    this.#concurrency = options.concurrency ?? 32;
    this.#maxAddresses = options.maxAddresses ?? 16;
  }

  resolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        release();
        reject(error);
      };
      const start = () => {
        void this.#run(name).then((addresses) => {
          release();
          resolve(addresses);
        }, fail);
      };
      const onTimeout = () =>
        fail(new TunnelError('NAME_LOOKUP_TIMEOUT', `no answer for ${name} in ${this.#timeout} ms`));
      const onAbort = () => fail(signal.reason);
      const timer = this.#clock.setTimer(onTimeout, this.#timeout);
      const release = () => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(start);
      };

      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else if (this.#running < this.#concurrency) start();
      else this.#waiting.add(start);
    });
  }

  /** Holds its place until the system has answered: nothing can cancel `getaddrinfo`, not even our deadline. */
  async #run(name: string): Promise<readonly string[]> {
    this.#running += 1;
    try {
      const answer = await this.#lookup(name);
      if (answer.length === 0) throw new TunnelError('NAME_NOT_FOUND', `${name} has no address`);
      return answer.slice(0, this.#maxAddresses).map(({ address }) => address);
    } catch (error) {
      throw lookupFailure(name, error);
    } finally {
      this.#running -= 1;
      this.#startNext();
    }
  }

  #startNext(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    next();
  }
}

function lookupFailure(name: string, error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const code = errno === 'ENOTFOUND' ? 'NAME_NOT_FOUND' : 'NAME_LOOKUP_FAILED';
  return new TunnelError(code, `lookup of ${name}: ${errno}`, { cause: error });
}
