import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { MessagePort } from '../store/parent-store.js';
import { LastWords } from './last-words.js';
import type { Door, HoldRelease, HoldRequest, Introduction, Question, ToParent, ToWorker } from './messages.js';

/** One worker, as its parent sees it: from its start to its end. */
export class WorkerProcess implements MessagePort {
  readonly number: number;
  /** Rejects with a StartError when it ends before it is ready. */
  readonly ready: Promise<Introduction>;
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #events: WorkerEvents;
  readonly #words: LastWords;
  #introduction: Introduction | undefined;
  #isOver = false;
  /** As soon as it can be told. */
  #isToReload = false;
  /** Whether it has the connection that it was given; one at a time, since Node sends the next one only after an answer. */
  #onTaken: ((isTaken: boolean) => void) | undefined;
  /** That it had when it last answered. */
  #sessions = 0;
  /** Connections since then, and from the answer before until then: these may be no sessions yet. */
  #given = 0;
  #givenBefore = 0;
  /** In a row. */
  #unanswered = 0;
  #questions = 0;
  readonly #asked = new Map<number, (value: unknown) => void>();
  readonly #onStore: ((body: unknown) => void)[] = [];
  #farewell: Farewell | undefined;

  constructor(number: number, child: ChildProcess, events: WorkerEvents) {
    this.number = number;
    this.#child = child;
    this.#events = events;
    this.#words = new LastWords(child.stderr, events.write);
    let introduce: (about: Introduction) => void = () => {};
    let fail: (error: StartError) => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      introduce = resolve;
      fail = reject;
    });
    // Anyone who does not wait for it hears of its end.
    this.ready.catch(() => {});
    child.on('message', (message) => this.#onMessage(message as ToParent, introduce));
    // Of a message to a worker that has just ended: its end is told anyway.
    child.on('error', () => {});
    this.ended = new Promise((resolve) => {
      // Not at `exit`: its last words may still be on their way.
      child.once('close', (code, signal) => {
        const ending = { code, signal, reason: this.#words.last, ...this.#farewell };
        this.#onOver();
        fail(new StartError(ending, this.#words.all));
        resolve(ending);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Undefined before it is ready. */
  get introduction(): Introduction | undefined {
    return this.#introduction;
  }

  /** It serves, and answers. One that dies hears nothing any more before its end is told. */
  get isPresent(): boolean {
    const isReached = this.#introduction !== undefined && this.#child.connected;
    return isReached && !this.#isOver && this.#unanswered < SILENT_AFTER;
  }

  /** Looks that it has not answered, in a row. */
  get silentLooks(): number {
    return this.#unanswered;
  }

  /** It can be given a connection. */
  get isFree(): boolean {
    return this.isPresent && this.#onTaken === undefined;
  }

  /** Sessions, as far as is known; those of the last seconds may count twice, but none is left out. */
  get load(): number {
    return this.#sessions + this.#givenBefore + this.#given;
  }

  send(message: ToWorker): void {
    if (this.#introduction !== undefined && this.#child.connected) this.#child.send(message);
  }

  /** Its files are to be read again; what it has read as it starts may be older. */
  reload(): void {
    if (this.#introduction === undefined) this.#isToReload = true;
    else this.send({ kind: 'reload' });
  }

  /** Gives it a connection; false when it has ended before it had it, or has nobody for it. The caller's own handle of it stays open. */
  give(connection: Socket, door: Door): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isTaken: boolean): void => {
        if (this.#onTaken !== settle) return;
        this.#onTaken = undefined;
        resolve(isTaken);
        this.#events.onFree();
      };
      this.#onTaken = settle;
      if (door === 'clients') this.#given += 1;
      // Node would follow what becomes of it in the worker, for each place by itself and for ever.
      Object.assign(connection, { server: undefined });
      const message: ToWorker = { kind: 'connection', door };
      this.#child.send(message, connection, { keepOpen: true }, (error) => error !== null && settle(false));
    });
  }

  /** Undefined when it does not answer within `time` ms. */
  ask(question: Question, time: number): Promise<unknown> {
    const id = this.#questions++;
    return new Promise((resolve) => {
      const answer = (value: unknown): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(value);
      };
      const timer = setTimeout(answer, time, undefined);
      this.#asked.set(id, answer);
      if (this.#isOver || this.#introduction === undefined) answer(undefined);
      else this.send({ kind: 'ask', id, question });
    });
  }

  post(body: unknown): void {
    // Also before it has introduced itself: it has asked.
    if (this.#child.connected) this.#child.send({ kind: 'store', body } satisfies ToWorker);
  }

  onMessage(listener: (body: unknown) => void): void {
    this.#onStore.push(listener);
  }

  /** To be called each two seconds: whether it still answers. */
  look(): void {
    if (this.#introduction === undefined || this.#isOver) return;
    this.#unanswered += 1;
    if (this.#unanswered === SILENT_AFTER) this.#events.onSilent(this);
    this.send({ kind: 'ping' });
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #onMessage(message: ToParent, introduce: (about: Introduction) => void): void {
    switch (message.kind) {
      case 'ready':
        this.#introduction = message.about;
        this.#words.release();
        if (this.#isToReload) this.reload();
        return introduce(message.about);
      case 'taken':
        return this.#onTaken?.(message.isTaken);
      case 'pong': {
        const wasSilent = this.#unanswered >= SILENT_AFTER;
        this.#unanswered = 0;
        this.#sessions = message.sessions;
        this.#givenBefore = this.#given;
        this.#given = 0;
        if (wasSilent) this.#events.onHeard(this);
        return;
      }
      case 'answer':
        return this.#asked.get(message.id)?.(message.value);
      case 'over':
        this.#farewell = { unfinished: message.unfinished, metrics: message.metrics };
        return;
      case 'hold':
      case 'release':
        return this.#events.onPlace(this, message);
      case 'store':
        for (const listener of this.#onStore) listener(message.body);
        return;
      default:
    }
  }

  #onOver(): void {
    this.#isOver = true;
    this.#onTaken?.(false);
    for (const answer of [...this.#asked.values()]) answer(undefined);
  }
}

export interface WorkerEvents {
  /** Lines of its log, whole ones; false while they are not taken as fast as they come, until `onTaken` is called. */
  readonly write: (lines: string, onTaken: () => void) => boolean;
  /** It has not answered for ten seconds. */
  readonly onSilent: (worker: WorkerProcess) => void;
  /** It answers again. */
  readonly onHeard: (worker: WorkerProcess) => void;
  /** It can be given the next connection. */
  readonly onFree: () => void;
  /** It wants a place for a remote listener, or wants it no more. */
  readonly onPlace: (worker: WorkerProcess, message: HoldRequest | HoldRelease) => void;
}

/** What a worker tells before it ends by itself. */
interface Farewell {
  /** Channels that were cut. */
  readonly unfinished: number;
  /** What it has counted. */
  readonly metrics: unknown;
}

/** How a worker has ended. */
export interface Ending extends Partial<Farewell> {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it has said of it. */
  readonly reason: string | undefined;
}

/** A worker has ended before it could serve. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly ending: Ending;
  /** All that it has written to standard error. */
  readonly output: string;

  constructor(ending: Ending, output: string) {
    super(ending.reason ?? `ended with ${ending.signal ?? `exit code ${ending.code}`}`);
    this.ending = ending;
    this.output = output;
  }
}

/** Looks without an answer: ten seconds. By count, so that a machine that slept takes nobody for dead. */
const SILENT_AFTER = 5;
