import type { Writable } from 'node:stream';
import type { Clock, SlabPool, Timer } from 'wsproxy-engine';
import { type Exchange, giveUp } from '../exchange.js';
import { BodySize } from './body-size.js';
import { KeptParts } from './kept-parts.js';
import { onceATurn } from './once-a-turn.js';
import { POLL_TIME, POLLS } from './part.js';
import { WholeBody } from './whole-body.js';

/**
 * Records in the answers to polls, at the server's end: each answer is whole, as soon as there is something to say. The first ones are
 * small, so that the answer to a greeting is not late on a slow path.
 */
export class PollOutlet {
  readonly #options: PollOutletOptions;
  readonly #kept: KeptParts;
  readonly #polls = new Map<number, Poll>();
  /** Answers that have not left, since the client does not read them. */
  readonly #leaving = new Set<Writable>();
  /** Of what the next answer carries. */
  readonly #size = new BodySize(FIRST_ANSWER);
  /** Answers that the client has not had yet, as far as it has said so by its next poll, by the number of that. */
  readonly #told = new Map<number, Told>();
  readonly #answerSoon: () => void;
  /** The number of the next to be answered. */
  #next = 1;
  /** Records that carry no bytes, ahead of those that do. */
  #said: Uint8Array[] = [];
  #last: { readonly record: Uint8Array; readonly onLeft: () => void } | undefined;
  /** The last record is in an answer: polls from there on are answered with nothing. */
  #isOver = false;
  #isCut = false;

  constructor(options: PollOutletOptions) {
    this.#options = options;
    this.#kept = new KeptParts(options.memory);
    // Anything else that there is to say in this turn goes with it.
    this.#answerSoon = onceATurn(options.clock, () => this.#answer());
  }

  get backlog(): number {
    return this.#kept.bytes;
  }

  /** False for a poll that should not be there: one that was answered, is there already, or comes too early, before others are read. */
  take(n: number, exchange: Exchange): boolean {
    if (n < this.#next || n >= this.#next + POLLS || this.#polls.has(n) || this.#isCut) return false;
    // A client asks again when it has an answer: this one only makes more of them.
    if (this.#leaving.size >= MAX_LEAVING) return false;
    const poll: Poll = { exchange, isLate: false, timer: this.#options.clock.setTimer(() => onLate(), POLL_TIME) };
    const onLate = (): void => {
      poll.isLate = true;
      this.#answer();
    };
    this.#polls.set(n, poll);
    this.#onRead(n);
    exchange.answer.once('close', () => {
      poll.timer.cancel();
      if (!exchange.isAnswered) this.#options.onLost('a poll was cut');
    });
    this.#answerSoon();
    return true;
  }

  send(parts: readonly Uint8Array[]): void {
    this.#kept.add(parts);
    this.#answerSoon();
  }

  /** A record that means no bytes. */
  say(record: Uint8Array): void {
    this.#said.push(record);
    this.#answerSoon();
  }

  end(record: Uint8Array, onLeft: () => void): void {
    this.#last = { record, onLeft };
    this.#answerSoon();
  }

  destroy(): void {
    this.#isCut = true;
    this.#kept.clear();
    for (const { exchange, timer } of this.#polls.values()) {
      timer.cancel();
      giveUp(exchange);
    }
    this.#polls.clear();
    for (const answer of this.#leaving) answer.destroy();
  }

  #answer(): void {
    for (;;) {
      const poll = this.#polls.get(this.#next);
      const hasNews = this.#kept.bytes > 0 || this.#said.length > 0 || this.#last !== undefined;
      if (poll === undefined || this.#isCut || !(hasNews || poll.isLate)) return;
      const n = this.#next;
      this.#polls.delete(n);
      this.#next += 1;
      poll.timer.cancel();
      this.#write(n, poll.exchange);
    }
  }

  /** The client polls once more when it has had an answer. */
  #onRead(n: number): void {
    const told = this.#told.get(n);
    this.#told.delete(n);
    if (told !== undefined) this.#size.onPassed(told.carried, this.#options.clock.now() - told.since);
  }

  #write(n: number, exchange: Exchange): void {
    const { answer } = exchange;
    const parts = this.#kept.take(this.#size.bytes);
    const last = this.#kept.bytes === 0 && !this.#isOver ? this.#last : undefined;
    if (last !== undefined) this.#isOver = true;
    const body = new WholeBody(this.#said.splice(0), parts, last === undefined ? [] : [last.record]);
    this.#told.set(n + POLLS, { carried: body.carried, since: this.#options.clock.now() });
    this.#leaving.add(answer);
    answer.once('finish', () => {
      this.#leaving.delete(answer);
      if (this.#leaving.size === 0 && this.#isOver) this.#last?.onLeft();
    });
    answer.once('close', () => {
      this.#leaving.delete(answer);
      this.#kept.release(parts);
    });
    exchange.begin(200, { ...this.#options.headers, 'Content-Length': body.length });
    body.sendBy(answer);
    if (body.carried > 0) this.#options.onDrain();
  }
}

/** One that is about to be closed may count for a moment though the client has had it. */
const MAX_LEAVING = 2 * POLLS;

/** Of the first answer, bytes: more than that to a greeting takes. */
const FIRST_ANSWER = 2_048;

interface Told {
  /** Bytes. */
  readonly carried: number;
  readonly since: number;
}

interface Poll {
  readonly exchange: Exchange;
  /** It has waited long enough. */
  isLate: boolean;
  readonly timer: Timer;
}

export interface PollOutletOptions {
  readonly memory: SlabPool;
  readonly clock: Pick<Clock, 'now' | 'setTimer' | 'deferPastInput'>;
  /** Of each answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly onDrain: () => void;
  readonly onLost: (reason: string) => void;
}
