import type { MessageBody } from './message-body.js';
import { MAX_POLL, POLLS } from './part.js';
import { RECORD_HEAD, type RecordReader } from './records.js';
import type { Answer, Requests } from './requests.js';

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

/** The answers to polls, each of which is whole before it is read. */
export class DownPolls implements ClientDown {
  readonly #requests: Requests;
  readonly #reader: RecordReader;
  readonly #onLost: (reason: string) => void;
  /** Answers that have come ahead of one before them. */
  readonly #early = new Map<number, Buffer>();
  #asked = 0;
  #read = 0;

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
        if (answer.status === 200) this.#collect(n, answer);
        else this.#onLost(`a poll was answered with status ${answer.status}`);
      },
    });
  }

  #collect(n: number, { body, isWhole }: Answer): void {
    const chunks: Buffer[] = [];
    let length = 0;
    body.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_ANSWER) this.#onLost('the answer to a poll is too large');
    });
    const onCut = (): void => this.#onLost('the answer to a poll was cut');
    body.once('error', onCut);
    body.once('end', () => {
      if (!isWhole(length)) return onCut();
      this.#early.set(n, Buffer.concat(chunks));
      this.#readOn();
    });
  }

  #readOn(): void {
    for (;;) {
      const answer = this.#early.get(this.#read + 1);
      if (answer === undefined) return;
      this.#read += 1;
      this.#early.delete(this.#read);
      if (!readInto(this.#reader, answer, this.#onLost)) return;
      if (!this.#reader.isWhole) return this.#onLost('a record was cut');
      if (this.#reader.isOver || this.#requests.isOver) return;
      this.#ask();
    }
  }
}

/** A little more than the records of one answer take, bytes. */
const MAX_ANSWER = MAX_POLL + 64 * RECORD_HEAD + 1_024;

function readInto(reader: RecordReader, chunk: Buffer, onLost: (reason: string) => void): boolean {
  try {
    reader.push(chunk);
    return true;
  } catch (error) {
    onLost((error as Error).message);
    return false;
  }
}
