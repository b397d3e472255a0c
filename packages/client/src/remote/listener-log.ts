import type { FailureCode, Logger } from 'wsproxy-engine';
import { reasonOf } from './refusal-words.js';

/** One line where a remote listener listens, or why it does not, and one whenever that changes. */
export class ListenerLog {
  readonly #logger: Logger;
  #last: string | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  listens(address: string, server: string | undefined): void {
    const level = this.#isNews(`${address} ${server}`) ? 'info' : 'debug';
    this.#logger[level]({ address, server }, 'the server listens');
  }

  doesNot(failure: FailureCode, server: string | undefined): void {
    const level = this.#isNews(failure) ? 'warn' : 'debug';
    this.#logger[level]({ reason: reasonOf(failure), server }, 'the server does not listen');
  }

  #isNews(what: string): boolean {
    const isNews = what !== this.#last;
    this.#last = what;
    return isNews;
  }
}
