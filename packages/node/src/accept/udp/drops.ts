import type { Logger } from 'wsproxy-engine';

/** Counts what a listener drops; the log tells the first of each kind, and all of them at the end. */
export class Drops<Reason extends string> {
  readonly #logger: Logger;
  readonly #counts: Partial<Record<Reason, number>> = {};

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(reason: Reason, from?: { readonly address: string; readonly port: number }): void {
    const count = this.#counts[reason] ?? 0;
    this.#counts[reason] = count + 1;
    if (count === 0) this.#logger.info({ reason, from: from && `${from.address} ${from.port}` }, 'datagram dropped');
  }

  /** How many of each kind; undefined when there were none. */
  get counts(): Partial<Record<Reason, number>> | undefined {
    return Object.keys(this.#counts).length === 0 ? undefined : this.#counts;
  }
}
