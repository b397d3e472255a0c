import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { ask } from 'wsproxy-test-support/sockets/ask';
import { until } from 'wsproxy-test-support/until';

/** Those who come to a port with an echo behind it all the time, one each five milliseconds. */
export class Visits {
  readonly failures: string[] = [];
  answered = 0;
  /** The longest time that anybody has waited for an answer, ms. */
  longest = 0;
  readonly #under = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(port: number) {
    this.#timer = setInterval(() => {
      const visit = this.#visit(port).finally(() => this.#under.delete(visit));
      this.#under.add(visit);
    }, PAUSE);
    atEnd(() => clearInterval(this.#timer));
  }

  /** Resolves when so many more have had an answer. */
  async more(count: number): Promise<void> {
    const goal = this.answered + count;
    await until(`${count} more have an answer`, () => this.answered >= goal);
  }

  /** Nobody comes any more; resolves when all have left who have come. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#under);
  }

  async #visit(port: number): Promise<void> {
    const began = performance.now();
    try {
      await ask(port);
      this.answered += 1;
      this.longest = Math.max(this.longest, performance.now() - began);
    } catch (error) {
      this.failures.push(String(error));
    }
  }
}

/** From one to the next, ms. */
const PAUSE = 5;
