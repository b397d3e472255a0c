import { randomBytes } from 'node:crypto';
import type { Logger } from 'wsproxy-engine';
import { Generation } from './generation.js';
import type { Counts, Introduction, ParentSettings } from './messages.js';
import type { Ending, WorkerEvents, WorkerProcess } from './worker-process.js';

/**
 * Starts workers, looks after them, and has them replaced by new ones. It carries no byte of what they carry: what is new goes to
 * those of the newest generation, and the others keep what they have.
 */
export class Parent {
  readonly #options: ParentOptions;
  #generation: Generation;
  /** That is about to take the place of the other one. */
  #next: Generation | undefined;
  /** Of former generations. */
  readonly #retired = new Set<WorkerProcess>();
  readonly #addresses: ListeningAddress[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #ticketKeys = makeTicketKeys();
  #numbers = 0;
  #isToRenewAgain = false;
  #isStopping = false;

  constructor(options: ParentOptions) {
    this.#options = options;
    this.#generation = this.#makeGeneration(1);
  }

  /** Those who get what is new. */
  get takers(): readonly WorkerProcess[] {
    return this.#generation.workers;
  }

  /** Those that ended their time, and still have sessions. */
  get retired(): ReadonlySet<WorkerProcess> {
    return this.#retired;
  }

  /** All that have ever served and live. */
  get workers(): readonly WorkerProcess[] {
    return [...this.#generation.workers, ...this.#retired];
  }

  /** New clients are served. */
  get isReady(): boolean {
    return this.#options.isListening() && !this.#isStopping && this.takers.some((worker) => worker.isPresent);
  }

  get generation(): number {
    return this.#generation.number;
  }

  /** Starts the first generation; resolves with what one of them tells. Rejects with a StartError when one cannot start. */
  async begin(): Promise<Introduction> {
    const first = await this.#generation.begin();
    for (const worker of this.takers) this.#welcome(worker);
    this.#timers.push(
      setInterval(() => this.#look(), LOOK),
      setInterval(() => this.#renewTicketKeys(), TICKET_KEYS_LIFE),
    );
    return first;
  }

  /** Something listens here: no tunnel leads there. */
  neverDial({ address, port }: ListeningAddress): void {
    this.#addresses.push({ address, port });
    for (const worker of this.workers) worker.send({ kind: 'never dial', address, port });
  }

  /** Workers read their files again, those that are about to serve as well. */
  reload(): void {
    for (const worker of [...this.workers, ...(this.#next?.workers ?? [])]) worker.reload();
  }

  /** New workers, of what is on the disk now, take what is new. Once more, if others are about to do so already. */
  async renew(): Promise<void> {
    const { logger } = this.#options;
    if (this.#isStopping) return;
    if (this.#next !== undefined) {
      this.#isToRenewAgain = true;
      return logger.info({}, 'SIGUSR2: new workers are starting, others will follow them');
    }
    do {
      this.#isToRenewAgain = false;
      await this.#replaceAll();
    } while (this.#isToRenewAgain && !this.#isStopping);
  }

  /** Ends all of them, as `drain` says; resolves with the number of channels that did not finish. */
  async stop(drain: number): Promise<number> {
    this.#isStopping = true;
    this.#generation.leave();
    for (const timer of this.#timers) clearInterval(timer);
    const workers = [...this.workers, ...(this.#next?.workers ?? [])];
    for (const worker of workers) {
      if (worker.isPresent) worker.send({ kind: 'stop', drain });
      // It would not hear it.
      else worker.kill();
    }
    const late = setTimeout(() => killAll(workers), Math.min(LONGEST_TIMER, drain + LAST_STEPS));
    const endings = await Promise.all(workers.map(({ ended }) => ended));
    clearTimeout(late);
    return endings.reduce((sum, { unfinished = 0 }) => sum + unfinished, 0);
  }

  /** What runs in all of them. */
  async counts(): Promise<Counts> {
    const answers = await Promise.all(this.workers.map((worker) => worker.ask('counts', ANSWER_TIME)));
    const sum = (of: keyof Counts) =>
      (answers as (Counts | undefined)[]).reduce((total, counts) => total + (counts?.[of] ?? 0), 0);
    return { channels: sum('channels'), flows: sum('flows') };
  }

  async #replaceAll(): Promise<void> {
    const { logger } = this.#options;
    const [before, next] = [this.#generation, this.#makeGeneration(this.#generation.number + 1)];
    this.#next = next;
    let first: Introduction;
    try {
      first = await next.begin();
    } catch (error) {
      if (this.#isStopping) return;
      const reason = (error as Error).message;
      return logger.error({ generation: next.number, reason }, 'new workers have not started, those of before go on');
    } finally {
      this.#next = undefined;
    }
    if (this.#isStopping) {
      next.leave();
      return killAll(next.workers);
    }
    for (const worker of next.workers) this.#welcome(worker);
    this.#generation = next;
    this.#options.onFree();
    before.leave();
    for (const worker of before.workers) this.#retire(worker);
    const numbers = next.workers.map(({ number }) => number);
    logger.info(
      { generation: next.number, version: first.version, workers: numbers, retired: this.#retired.size },
      'new workers serve what is new',
    );
    this.#options.onSettings(first.settings);
  }

  #makeGeneration(number: number): Generation {
    const { logger, workers: size } = this.#options;
    const onReady = (worker: WorkerProcess): void => {
      this.#welcome(worker);
      this.#options.onFree();
    };
    return new Generation({ number, size, logger, onReady, start: (speaksForAll) => this.#start(speaksForAll) });
  }

  #start(speaksForAll: boolean): WorkerProcess {
    const { logger } = this.#options;
    this.#numbers += 1;
    const worker = this.#options.start(this.#numbers, speaksForAll, {
      onSilent: ({ number, pid }) =>
        logger.warn({ worker: number, pid }, 'a worker does not answer, it gets no new connections'),
      onFree: () => this.#options.onFree(),
      onHeard: ({ number, pid }) => {
        logger.info({ worker: number, pid }, 'a worker answers again');
        this.#options.onFree();
      },
    });
    void worker.ended.then((ending) => this.#options.onEnded(worker, ending));
    return worker;
  }

  /** It is ready: it hears what all the others know. */
  #welcome(worker: WorkerProcess): void {
    const { number, pid, introduction } = worker;
    worker.send({ kind: 'ticket keys', keys: this.#ticketKeys });
    for (const address of this.#addresses) worker.send({ kind: 'never dial', ...address });
    this.#options.logger.info({ worker: number, pid, route: introduction?.route }, 'a worker is ready');
  }

  #retire(worker: WorkerProcess): void {
    const { retire, drain, logger } = this.#options;
    // One that took the place of another, and would not hear it.
    if (worker.introduction === undefined) return worker.kill();
    this.#retired.add(worker);
    worker.send({ kind: 'retire', retire, drain });
    const late = setTimeout(() => worker.kill(), Math.min(LONGEST_TIMER, retire + drain + LAST_STEPS));
    void worker.ended.then(({ code, signal, reason, unfinished = 0 }) => {
      clearTimeout(late);
      this.#retired.delete(worker);
      if (this.#isStopping) return;
      const why = { ...(signal !== null && { signal }), ...(reason !== undefined && { reason }) };
      const fields = { worker: worker.number, pid: worker.pid, ...why, channels: unfinished };
      if (code === 0) logger.info(fields, 'a former worker has ended');
      else logger.error({ ...fields, code }, 'a former worker has ended, and its sessions with it');
    });
  }

  #look(): void {
    const { logger, longestSilence } = this.#options;
    for (const worker of this.workers) {
      worker.look();
      if (worker.silentLooks * LOOK <= longestSilence) continue;
      const { number, pid } = worker;
      logger.error(
        { worker: number, pid },
        'a worker has not answered for so long that no session can wait for it: it is killed',
      );
      worker.kill();
    }
  }

  /** So that the one who gets hold of one key reads little; clients shake hands anew once. */
  #renewTicketKeys(): void {
    this.#ticketKeys = makeTicketKeys();
    for (const worker of this.workers) worker.send({ kind: 'ticket keys', keys: this.#ticketKeys });
  }
}

/** What a parent itself wants to hear of a worker. */
export type ParentsEvents = Omit<WorkerEvents, 'write' | 'onPlace'>;

export interface ParentOptions {
  /** How many serve at a time. */
  readonly workers: number;
  /** How long those that were replaced keep what they have, ms. */
  readonly retire: number;
  /** How long channels may take to finish after that, ms. */
  readonly drain: number;
  /** How long a worker may be silent before it is ended, ms. */
  readonly longestSilence: number;
  readonly start: (number: number, speaksForAll: boolean, events: ParentsEvents) => WorkerProcess;
  readonly isListening: () => boolean;
  /** A worker may have become free. */
  readonly onFree: () => void;
  readonly onEnded: (worker: WorkerProcess, ending: Ending) => void;
  /** What new workers have read that is the parent's business. */
  readonly onSettings: (settings: ParentSettings) => void;
  readonly logger: Logger;
}

function killAll(workers: readonly WorkerProcess[]): void {
  for (const worker of workers) worker.kill();
}

/** Where something listens. */
export interface ListeningAddress {
  readonly address: string;
  readonly port: number;
}

function makeTicketKeys(): string {
  return randomBytes(TICKET_KEYS_LENGTH).toString('base64');
}

/** As Node wants them. */
const TICKET_KEYS_LENGTH = 48;
const TICKET_KEYS_LIFE = 6 * 3_600_000;
/** Between two looks at workers, ms. */
const LOOK = 2_000;
/** For an answer of a worker, ms. */
const ANSWER_TIME = 1_000;
/** Beyond its time a worker has so long to close what it has, ms. */
const LAST_STEPS = 5_000;
/** That Node has, ms. */
const LONGEST_TIMER = 2_147_483_647;
