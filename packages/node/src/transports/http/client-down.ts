import type { MessageBody } from './message-body.js';
import { MAX_BODY, POLLS } from './part.js';
import { RECORD_HEAD, type RecordReader } from './records.js';
import { type Answer, type Requests, refusalOf } from './requests.js';

/** The way down at a client, by any answers it comes. */
export interface ClientDown {
  giveWay(): void;
}

/** The one answer that has no end. */
export class DownStream implements ClientDown {
  readonly #body: MessageBody;

  constructor({ body }: Answer, reader: RecordReader, onLost: (reason: string) => void) {
    this.#body = body;
    body.on('data', (chunk: Buffer) => readInto(reader, chunk, onLost));
    body.once('end', () => {
      if (!reader.isOver) onLost('the way down has ended');
    });
    body.once('error', () => onLost('the way down was cut'));
    body.once('close', () => {
      if (!reader.isOver) onLost('the way down was cut');
    });
  }

  giveWay(): void {
    this.#body.pause();
    setImmediate(() => this.#body.resume());
  }
}

/** The answers to polls, in the order of the polls: that whose turn it is is read as it comes, so that it is a sign of life. */
export class DownPolls implements ClientDown {
  readonly #requests: Requests;
  readonly #reader: RecordReader;
  readonly #onLost: (reason: string) => void;
  /** Answers that have begun ahead of one before them. */
  readonly #early = new Map<number, EarlyAnswer>();
  #asked = 0;
  /** The number of the one whose turn it is. */
  #turn = 1;

  constructor(requests: Requests, reader: RecordReader, onLost: (reason: string) => void) {
    this.#requests = requests;
    this.#reader = reader;
    this.#onLost = onLost;
    while (this.#asked < POLLS) this.#ask();
  }

  giveWay(): void {}

  #ask(): void {
    this.#asked += 1;
    const n = this.#asked;
    this.#requests.ask('poll', n, {
      onFailed: ({ message }) => this.#onLost(`a poll has failed: ${message}`),
      onAnswer: (answer) => {
        if (answer.status === 200) this.#take(n, answer);
        else this.#onLost(refusalOf('poll', n, answer.status));
      },
    });
  }

  #take(n: number, { body, isWhole }: Answer): void {
    const early: EarlyAnswer = { chunks: [], isWhole: false };
    if (n > this.#turn) this.#early.set(n, early);
    let length = 0;
    body.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_ANSWER) this.#onLost('the answer to a poll is too large');
      else if (n === this.#turn) this.#read(chunk);
      else early.chunks.push(chunk);
    });
    const onCut = (): void => this.#onLost('the answer to a poll was cut');
    body.once('error', onCut);
    body.once('end', () => {
      if (!isWhole(length)) return onCut();
      early.isWhole = true;
      if (n === this.#turn) this.#goOn();
    });
  }

  /** False when nothing may follow. */
  #read(chunk: Buffer): boolean {
    return !this.#requests.isOver && readInto(this.#reader, chunk, this.#onLost);
  }

  /** The answer whose turn it was has come as a whole. */
  #goOn(): void {
    for (;;) {
      if (this.#reader.isOver || this.#requests.isOver) return;
      if (!this.#reader.isWhole) return this.#onLost('a record was cut');
      this.#turn += 1;
      this.#ask();
      const early = this.#early.get(this.#turn);
      if (early === undefined) return;
      this.#early.delete(this.#turn);
      for (const chunk of early.chunks.splice(0)) if (!this.#read(chunk)) return;
      if (!early.isWhole) return;
    }
  }
}

/** What has come of an answer before its turn. */
interface EarlyAnswer {
  readonly chunks: Buffer[];
  isWhole: boolean;
}

/** A little more than the records of one answer take, bytes. */
const MAX_ANSWER = MAX_BODY + 64 * RECORD_HEAD + 1_024;

function readInto(reader: RecordReader, chunk: Buffer, onLost: (reason: string) => void): boolean {
  try {
    reader.push(chunk);
    return true;
  } catch (error) {
    onLost((error as Error).message);
    return false;
  }
}
