import type { Writable } from 'node:stream';
import type { Clock, SlabPool, Timer } from 'wsproxy-engine';
import { type KeptPart, KeptParts, lengthOf } from './kept-parts.js';
import { onceATurn } from './once-a-turn.js';
import { padding } from './records.js';
import type { Answer, Requests } from './requests.js';
import { StreamOutlet } from './stream-outlet.js';
import { WholeBody } from './whole-body.js';

/**
 * The way up at a client. It begins with pieces, each of which is under way alone; meanwhile a body without end is tried, and takes
 * over once the server has said that its beginning has come: many a proxy would hold it back for ever.
 */
export class ClientUp {
  readonly #options: ClientUpOptions;
  readonly #kept: KeptParts;
  readonly #sendSoon: () => void;
  #piece = 0;
  #isPieceUnderWay = false;
  #largest: number;
  #trial: Trial | undefined;
  #stream: StreamOutlet | undefined;
  #last: { readonly record: Uint8Array; readonly onLeft: () => void } | undefined;
  #isOver = false;

  constructor(options: ClientUpOptions) {
    this.#options = options;
    this.#kept = new KeptParts(options.memory);
    // Anything else that comes in this turn goes with it.
    this.#sendSoon = onceATurn(options.clock, () => this.#sendNow());
    this.#largest = options.largestPiece;
    if (options.patience > 0) this.#try(options.patience);
  }

  /** By which it goes now. */
  get mode(): UpMode {
    return this.#stream === undefined ? 'pieces' : 'stream';
  }

  get backlog(): number {
    return this.#kept.bytes + (this.#stream?.backlog ?? 0);
  }

  send(parts: readonly Uint8Array[]): void {
    if (this.#stream !== undefined) return this.#stream.send(parts);
    this.#kept.add(parts);
    this.#sendSoon();
  }

  end(record: Uint8Array, onLeft: () => void): void {
    this.#last = { record, onLeft };
    if (this.#stream === undefined) return this.#sendSoon();
    this.#endStream();
  }

  /** The beginning of the body without end has come to the server. */
  onHeard(): void {
    const trial = this.#trial;
    if (trial === undefined || trial.isHeard) return;
    trial.isHeard = true;
    trial.timer.cancel();
    this.#sendSoon();
  }

  destroy(): void {
    this.#isOver = true;
    this.#trial?.timer.cancel();
    this.#kept.clear();
  }

  #sendNow(): void {
    if (this.#isOver || this.#isPieceUnderWay || this.#stream !== undefined) return;
    if (this.#trial?.isHeard === true) return this.#goOnAsStream(this.#trial);
    if (this.#kept.bytes > 0 || this.#last !== undefined) this.#sendPiece(this.#kept.take(this.#largest));
  }

  #sendPiece(parts: readonly KeptPart[]): void {
    const { requests, onLost, onDrain } = this.#options;
    // On top of a full piece it would be more than the server takes.
    const fits = lengthOf(parts) + (this.#last?.record.length ?? 0) <= this.#largest;
    const last = this.#kept.bytes === 0 && fits ? this.#last : undefined;
    const body = new WholeBody([], parts, last === undefined ? [] : [last.record]);
    this.#isPieceUnderWay = true;
    let isTaken = true;
    const onFailed = ({ message }: Error): void => {
      if (isTaken) onLost(`a piece has failed: ${message}`);
    };
    const onAnswer = ({ status, body: answer }: Answer): void => {
      answer.resume();
      if (status === TOO_LARGE && body.carried > SMALLEST_PIECE && !this.#isOver) {
        isTaken = false;
        post.body.destroy();
        return this.#halve(parts);
      }
      if (status !== 204) return onLost(`a piece was answered with status ${status}`);
      answer.once('end', () => {
        this.#piece += 1;
        this.#isPieceUnderWay = false;
        last?.onLeft();
        if (last === undefined) this.#sendSoon();
        onDrain();
      });
    };
    const post = requests.post('piece', this.#piece + 1, body.length, { onAnswer, onFailed });
    post.body.once('close', () => {
      if (isTaken) this.#kept.release(parts);
    });
    body.sendBy(post.body);
    onDrain();
  }

  /** Somebody on the way takes no body as large as that, and has passed on nothing of it; or the server will say so. */
  #halve(parts: readonly KeptPart[]): void {
    this.#largest = Math.max(SMALLEST_PIECE, Math.floor(lengthOf(parts) / 2));
    this.#options.onLearnt({ largestPiece: this.#largest });
    this.#kept.giveBack(parts);
    this.#isPieceUnderWay = false;
    this.#sendNow();
  }

  #try(patience: number): void {
    const { requests, clock } = this.#options;
    const { body } = requests.post('stream', 0, undefined, {
      onFailed: () => this.#onStreamEnd(trial),
      onAnswer: ({ status, body: answer }) => {
        answer.resume();
        this.#onStreamEnd(trial, status);
      },
    });
    const trial: Trial = { body, isHeard: false, timer: clock.setTimer(() => this.#giveUp(trial), patience) };
    this.#trial = trial;
    body.write(padding(TRIAL));
  }

  #giveUp(trial: Trial): void {
    if (this.#trial !== trial) return;
    this.#trial = undefined;
    trial.timer.cancel();
    trial.body.destroy();
    // At the end the server cuts it, no matter what the way passes.
    if (this.#last === undefined) this.#options.onLearnt({ up: 'pieces' });
  }

  /** `status`: of its answer, if there was one. */
  #onStreamEnd(trial: Trial, status?: number): void {
    if (this.#trial !== trial || this.#isOver) return;
    if (this.#stream === undefined) return this.#giveUp(trial);
    if (this.#last !== undefined && status === 204) return this.#last.onLeft();
    if (status !== undefined && status !== 409) this.#options.onLearnt({ up: 'pieces' });
    const how = status === undefined ? 'was cut' : `was answered with status ${status}`;
    this.#options.onLost(`the way up ${how}`);
  }

  #goOnAsStream({ body }: Trial): void {
    const stream = new StreamOutlet(body, this.#options.memory, this.#options.onDrain);
    this.#stream = stream;
    this.#options.onLearnt({ up: 'stream' });
    const parts = this.#kept.take(this.#kept.bytes);
    if (parts.length > 0) stream.send(parts.map(({ bytes }) => bytes));
    this.#kept.release(parts);
    if (this.#last !== undefined) this.#endStream();
  }

  /** It has come when the server has answered. */
  #endStream(): void {
    if (this.#last !== undefined) this.#stream?.end(this.#last.record, () => {});
  }
}

/** A body without end that was begun. */
interface Trial {
  readonly body: Writable;
  readonly timer: Timer;
  isHeard: boolean;
}

export type UpMode = 'stream' | 'pieces';

/** What was learnt of the way. */
export interface Lesson {
  readonly up?: UpMode;
  /** Bytes. */
  readonly largestPiece?: number;
}

export interface ClientUpOptions {
  readonly requests: Requests;
  readonly memory: SlabPool;
  readonly clock: Pick<Clock, 'setTimer' | 'deferPastInput'>;
  /** Of what one may carry, bytes. */
  readonly largestPiece: number;
  /** For how long a body without end is tried, ms; 0: it is not. */
  readonly patience: number;
  readonly onDrain: () => void;
  readonly onLost: (reason: string) => void;
  readonly onLearnt: (lesson: Lesson) => void;
}

/** What no proxy refuses any more, bytes. */
const SMALLEST_PIECE = 1_024;
/** What such a body begins with, bytes. */
const TRIAL = 12;

/** RFC 9110 section 15.5.14. */
const TOO_LARGE = 413;
