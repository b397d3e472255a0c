import type { Exchange } from './exchange.js';
import type { Exchanges } from './exchanges.js';
import { harEntryOf } from './har-entry.js';
import type { HarFile } from './har-file.js';
import type { Mask } from './mask.js';
import { type Seen, seenOf } from './seen.js';

/** Writes each exchange into a file once it is over, one after the other; a disk that is too slow misses some. */
export class HarRecorder {
  readonly #exchanges: Exchanges;
  readonly #file: HarFile;
  readonly #mask: Mask;
  readonly #onProblem: (problem: string) => void;
  readonly #stopListening: () => void;
  #last: Promise<void> = Promise.resolve();
  /** Bytes that wait. */
  #waiting = 0;
  #missed = 0;

  /** `onProblem` is told in a sentence, once until it writes again. */
  constructor(exchanges: Exchanges, file: HarFile, mask: Mask, onProblem: (problem: string) => void) {
    this.#exchanges = exchanges;
    this.#file = file;
    this.#mask = mask;
    this.#onProblem = onProblem;
    const add = (exchange: Exchange): void => this.#add(seenOf(exchange));
    this.#stopListening = exchanges.listen({ onOver: add, onGone: add });
  }

  /** Writes what lives too. */
  async close(): Promise<void> {
    this.#stopListening();
    for (const exchange of this.#exchanges.all()) if (!exchange.isOver) this.#add(seenOf(exchange));
    await this.#last;
    await this.#file.close();
  }

  #add(seen: Seen): void {
    if (this.#waiting + seen.held > MOST_WAITING) return this.#miss('the disk is too slow for what passes');
    this.#waiting += seen.held;
    this.#last = this.#last.then(() => this.#write(seen));
  }

  async #write(seen: Seen): Promise<void> {
    try {
      await this.#file.add(await harEntryOf(seen, this.#mask));
      this.#missed = 0;
    } catch (error) {
      this.#miss(error instanceof Error ? error.message : String(error));
    } finally {
      this.#waiting -= seen.held;
    }
  }

  #miss(reason: string): void {
    this.#missed += 1;
    if (this.#missed === 1) this.#onProblem(`exchanges are missing in the archive: ${reason}`);
  }
}

const MOST_WAITING = 67_108_864;
