import { type Clock, systemClock, TunnelError } from 'wsproxy-engine';
import { onAbort } from '../race/on-abort.js';
import { createLookup } from './lookup.js';
import { codeOf, isFinal } from './lookup-errors.js';
import type { Lookup } from './system-lookup.js';
import { Turns } from './turns.js';

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
  readonly #maxAddresses: number;
  readonly #onWait: ((user: string) => void) | undefined;
  /** Nobody's dead names hold up those of others. */
  readonly #turns: Turns;

  constructor(options: ResolverOptions) {
    this.#lookup = options.lookup ?? createLookup();
    this.#clock = options.clock ?? systemClock;
    this.#timeout = options.timeout ?? 5_000;
    this.#turns = new Turns(options.concurrency ?? 512);
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
      const onTimeout = () =>
        fail(new TunnelError('NAME_LOOKUP_TIMEOUT', `no answer for ${name} in ${this.#timeout} ms`));
      const timer = this.#clock.setTimer(onTimeout, this.#timeout);
      let forgetSignal = () => {};
      let giveUp: (() => void) | undefined;
      const release = () => {
        timer.cancel();
        forgetSignal();
        giveUp?.();
        over.abort();
      };

      forgetSignal = onAbort(signal, () => fail(signal.reason));
      if (signal.aborted) return;
      giveUp = this.#turns.take(user, start);
      if (giveUp !== undefined) this.#onWait?.(user);
    });
  }

  /** Holds its place until the lookup is over: nothing can cancel `getaddrinfo`, not even our deadline. */
  async #run(name: string, user: string, signal: AbortSignal): Promise<readonly string[]> {
    try {
      const answer = await this.#lookup(name, signal, user);
      if (answer.length === 0) throw new TunnelError('NAME_NOT_FOUND', `${name} has no address`);
      return answer.slice(0, this.#maxAddresses);
    } catch (error) {
      throw lookupFailure(name, error);
    } finally {
      this.#turns.giveBack(user);
    }
  }
}

function lookupFailure(name: string, error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  const code = isFinal(error) ? 'NAME_NOT_FOUND' : 'NAME_LOOKUP_FAILED';
  return new TunnelError(code, `lookup of ${name}: ${codeOf(error) || 'unknown error'}`, { cause: error });
}
