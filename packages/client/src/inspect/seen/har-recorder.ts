import type { Clock, Timer } from 'wsproxy-engine';
import type { Exchange } from './exchange.js';
import type { Exchanges } from './exchanges.js';
import { harEntryOf } from './har-entry.js';
import type { HarFile } from './har-file.js';
import type { Mask } from './mask.js';
import { type Seen, seenOf } from './seen.js';

/**
 * Writes each exchange into a file once it is over; WebSockets and streams of events, which live long, every few seconds before
 * that. A disk that is too slow misses some.
 */
export class HarRecorder {
  readonly #exchanges: Exchanges;
  readonly #file: HarFile;
  readonly #mask: Mask;
  readonly #onProblem: (reason: string) => void;
  readonly #stopListening: () => void;
  readonly #over: Seen[] = [];
  /** Bytes of those. */
  #waiting = 0;
  readonly #changed = new Set<number>();
  /** Entries of exchanges that live, by their numbers. */
  readonly #passing = new Map<number, string>();
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #missed = 0;

  /** `onProblem` is told why exchanges are missing in the archive, once until it writes again. */
  constructor(exchanges: Exchanges, { file, mask, clock, onProblem }: Recording) {
    this.#exchanges = exchanges;
    this.#file = file;
    this.#mask = mask;
    this.#onProblem = onProblem;
    const add = (exchange: Exchange): void => this.#add(seenOf(exchange));
    this.#stopListening = exchanges.listen({
      onOver: add,
      onGone: add,
      onChange: ({ id, kind, isOver }) => {
        if (kind === 'http' || isOver) return;
        this.#changed.add(id);
        this.#timer ??= clock.setTimer(() => this.#look(), INTERVAL);
      },
    });
  }

  /** Writes what lives too. */
  async close(): Promise<void> {
    this.#stopListening();
    this.#timer?.cancel();
    for (const exchange of this.#exchanges.all()) if (!exchange.isOver) this.#add(seenOf(exchange));
    while (this.#writing !== undefined) await this.#writing;
    await this.#file.close();
  }

  #look(): void {
    this.#timer = undefined;
    this.#write();
  }

  #add(seen: Seen): void {
    if (this.#waiting + seen.held > MOST_WAITING) return this.#miss('the disk is too slow for what passes');
    this.#waiting += seen.held;
    this.#over.push(seen);
    this.#write();
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#over.length > 0 || (this.#changed.size > 0 && this.#timer === undefined)) {
      const over = this.#takeOver();
      const changed = this.#timer === undefined ? [...this.#changed] : [];
      if (changed.length > 0) this.#changed.clear();
      try {
        await this.#writeSome(over, changed);
        this.#missed = 0;
      } catch (error) {
        this.#miss(error instanceof Error ? error.message : String(error));
      }
      this.#waiting -= over.reduce((sum, { held }) => sum + held, 0);
    }
  }

  /** As many as one write may have. */
  #takeOver(): readonly Seen[] {
    let size = 0;
    const end = this.#over.findIndex(({ held }) => {
      size += held;
      return size > MOST_AT_ONCE;
    });
    return this.#over.splice(0, end < 0 ? this.#over.length : Math.max(1, end));
  }

  async #writeSome(over: readonly Seen[], changed: readonly number[]): Promise<void> {
    const entries: string[] = [];
    for (const seen of over) {
      entries.push(await this.#entryOf(seen));
      this.#passing.delete(seen.id);
    }
    for (const id of changed) {
      const exchange = this.#exchanges.find(id);
      if (exchange === undefined || exchange.isOver) continue;
      this.#keepPassing(id, await this.#entryOf(seenOf(exchange)));
    }
    await this.#file.write(entries, [...this.#passing.values()]);
  }

  /** Where there is no room, it is written when it is over. */
  #keepPassing(id: number, entry: string): void {
    this.#passing.delete(id);
    const size = [...this.#passing.values()].reduce((sum, { length }) => sum + length, entry.length);
    if (size <= MOST_PASSING) this.#passing.set(id, entry);
  }

  async #entryOf(seen: Seen): Promise<string> {
    return JSON.stringify(await harEntryOf(seen, this.#mask));
  }

  #miss(reason: string): void {
    this.#missed += 1;
    if (this.#missed === 1) this.#onProblem(reason);
  }
}

export interface Recording {
  readonly file: HarFile;
  readonly mask: Mask;
  readonly clock: Clock;
  readonly onProblem: (reason: string) => void;
}

/** Between two looks at what lives, ms. */
const INTERVAL = 2_000;
/** Bytes of memory. */
const MOST_WAITING = 67_108_864;
const MOST_AT_ONCE = 8_388_608;
/** Written again each time, characters. */
const MOST_PASSING = 1_048_576;
