import type { Logger } from 'wsproxy-engine';
import type { Introduction } from './messages.js';
import type { Ending, WorkerProcess } from './worker-process.js';

/** Workers that were started together: each place has one that lives, or the next one as soon as it can start. */
export class Generation {
  readonly number: number;
  readonly #options: GenerationOptions;
  readonly #places: (WorkerProcess | undefined)[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  /** They are replaced when they end. */
  #isKept = false;

  constructor(options: GenerationOptions) {
    this.number = options.number;
    this.#options = options;
  }

  /** Those that live, also those that are not ready. */
  get workers(): readonly WorkerProcess[] {
    return this.#places.filter((worker) => worker !== undefined);
  }

  /** How many there are to be. */
  get size(): number {
    return this.#places.length;
  }

  /** Starts all of them; resolves with what the first one tells when all are ready. Rejects with the first StartError, and none is left. */
  async begin(): Promise<Introduction> {
    const first = this.#start(0);
    for (let place = 1; place < this.#options.size; place += 1) this.#start(place);
    try {
      await Promise.all(this.workers.map((worker) => worker.ready));
    } catch (error) {
      for (const worker of this.workers) worker.kill();
      throw error;
    }
    this.#isKept = true;
    // One may have ended in the meantime, and nobody has looked after it yet.
    for (const [place, worker] of this.#places.entries()) if (worker === undefined) this.#replace(place, FIRST_PAUSE);
    return first.ready;
  }

  /** Nobody takes the place of those who end from now on. */
  leave(): void {
    this.#isKept = false;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #start(place: number, pause: number = FIRST_PAUSE): WorkerProcess {
    const began = performance.now();
    const worker = this.#options.start(place === 0);
    this.#places[place] = worker;
    this.#watchStart(worker);
    void worker.ended.then((ending) => {
      this.#places[place] = undefined;
      if (!this.#isKept) return;
      const lived = performance.now() - began;
      // Anyone who dies again at once does so for a reason that does not go away by itself.
      const next = lived < SHORT_LIFE ? pause : 0;
      this.#tellLoss(worker, ending, lived, next);
      this.#replace(place, next);
    });
    if (this.#isKept) void worker.ready.then(() => this.#options.onReady(worker)).catch(() => {});
    return worker;
  }

  /** One that hangs as it starts would keep the others from serving for ever. */
  #watchStart(worker: WorkerProcess): void {
    const { number, pid } = worker;
    const late = setTimeout(() => {
      const fields = { worker: number, pid, generation: this.number, afterMs: LONGEST_START };
      this.#options.logger.error(fields, 'a worker does not get ready: it is killed');
      worker.kill();
    }, LONGEST_START);
    const isOver = (): void => clearTimeout(late);
    worker.ready.then(isOver, isOver);
  }

  #replace(place: number, pause: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#start(place, Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, 2 * pause)));
    }, pause);
    this.#timers.add(timer);
  }

  #tellLoss({ number, pid }: WorkerProcess, { code, signal, reason }: Ending, lived: number, next: number): void {
    const { logger } = this.#options;
    const why = {
      ...(code !== null && { code }),
      ...(signal !== null && { signal }),
      ...(reason !== undefined && { reason }),
    };
    const fields = { worker: number, pid, generation: this.number, ...why, livedMs: Math.round(lived), nextInMs: next };
    logger.error(fields, 'a worker has ended, and its sessions with it; another one takes its place');
  }
}

export interface GenerationOptions {
  readonly number: number;
  readonly size: number;
  readonly start: (speaksForAll: boolean) => WorkerProcess;
  /** One that took the place of another is ready. */
  readonly onReady: (worker: WorkerProcess) => void;
  readonly logger: Logger;
}

/** From the start of a worker until it is ready, when many start at a time on a slow machine, ms. */
const LONGEST_START = 120_000;
/** A worker that ends sooner is one that cannot work, ms. */
const SHORT_LIFE = 10_000;
/** Before the next one starts in its place, doubled from one to the next, ms. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
