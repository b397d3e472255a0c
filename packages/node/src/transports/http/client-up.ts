import type { Writable } from 'node:stream';
import type { Clock, SlabPool, Timer } from 'wsproxy-engine';
import type { BodySize } from './body-size.js';
import { type KeptPart, KeptParts, lengthOf } from './kept-parts.js';
import { onceATurn } from './once-a-turn.js';
import { padding } from './records.js';
import { type Answer, type Requests, refusalOf } from './requests.js';
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
  /** The number of the last piece that has come. */
  #piece = 0;
  #underWay: Piece | undefined;
  /** How long the answer to the last one took, ms. */
  #took = 0;
  #trial: Trial | undefined;
  #stream: StreamOutlet | undefined;
  #last: { readonly record: Uint8Array; readonly onLeft: () => void } | undefined;
  #isOver = false;

  constructor(options: ClientUpOptions) {
    this.#options = options;
    this.#kept = new KeptParts(options.memory);
    // Anything else that comes in this turn goes with it.
    this.#sendSoon = onceATurn(options.clock, () => this.#sendNow());
    options.pieceSize.begin();
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
    const piece = this.#underWay;
    if (piece === undefined) return;
    this.#settle(piece);
    // It may be what the way does not pass, and the reason why the session leaves this transport.
    if (this.#ageOf(piece) >= LATE) this.#options.pieceSize.onFailed(piece.carried);
  }

  #sendNow(): void {
    if (this.#isOver || this.#underWay !== undefined || this.#stream !== undefined) return;
    if (this.#trial?.isHeard === true) return this.#goOnAsStream(this.#trial);
    if (this.#kept.bytes > 0 || this.#last !== undefined)
      this.#sendPiece(this.#kept.take(this.#options.pieceSize.bytes));
  }

  #sendPiece(parts: readonly KeptPart[], mayRepeat = true): void {
    const { requests, clock, pieceSize, onDrain } = this.#options;
    // On top of a full piece it would be more than the server takes.
    const fits = lengthOf(parts) + (this.#last?.record.length ?? 0) <= pieceSize.bytes;
    const last = this.#kept.bytes === 0 && fits ? this.#last : undefined;
    const body = new WholeBody([], parts, last === undefined ? [] : [last.record]);
    const { carried } = body;
    const time = PIECE_TIME + carried / SLOWEST + LONGER * this.#took;
    const timer = clock.setTimer(() => {
      this.#onPieceFailed(piece, `a piece has no answer after ${Math.round(time / 1000)} s`);
    }, time);
    const piece: Piece = { carried, since: clock.now(), timer };
    this.#underWay = piece;
    let isTaken = true;
    const onAnswer = ({ status, body: answer }: Answer): void => {
      answer.resume();
      if (this.#underWay !== piece) return;
      if (status === TOO_LARGE && carried > pieceSize.smallest) {
        isTaken = false;
        post.body.destroy();
        return this.#halve(piece, parts);
      }
      if (status !== 204) return this.#onPieceFailed(piece, refusalOf('piece', this.#piece + 1, status), status);
      answer.once('end', () => {
        if (this.#underWay !== piece) return;
        this.#settle(piece);
        this.#took = this.#ageOf(piece);
        pieceSize.onPassed(carried, this.#took);
        this.#piece += 1;
        last?.onLeft();
        if (last === undefined) this.#sendSoon();
        onDrain();
      });
    };
    // As a piece, and not by the body without end: should the first one have come after all, the server finds the number twice.
    const onRested = (): void => {
      if (this.#underWay !== piece) return;
      isTaken = false;
      this.#settle(piece);
      this.#kept.giveBack(parts);
      this.#sendPiece(this.#kept.take(pieceSize.bytes), false);
    };
    const post = requests.post('piece', this.#piece + 1, body.length, {
      ...{ onAnswer, ...(mayRepeat && { onRested }) },
      onFailed: ({ message }) => this.#onPieceFailed(piece, `a piece has failed: ${message}`),
    });
    post.body.once('close', () => {
      if (isTaken) this.#kept.release(parts);
    });
    body.sendBy(post.body);
    onDrain();
  }

  /** `status`: of its answer, if there was one. Proxies refuse what is too large in many ways, or with silence. */
  #onPieceFailed(piece: Piece, reason: string, status?: number): void {
    if (this.#underWay !== piece) return;
    this.#settle(piece);
    if (status !== 409) this.#options.pieceSize.onFailed(piece.carried);
    this.#options.onLost(reason);
  }

  /** Somebody on the way takes no body as large as that, and has passed on nothing of it; or the server will say so. */
  #halve(piece: Piece, parts: readonly KeptPart[]): void {
    this.#settle(piece);
    this.#options.pieceSize.onFailed(piece.carried);
    this.#kept.giveBack(parts);
    this.#sendNow();
  }

  #settle({ timer }: Piece): void {
    timer.cancel();
    this.#underWay = undefined;
  }

  #ageOf({ since }: Piece): number {
    return this.#options.clock.now() - since;
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

/** One that has no answer yet. */
interface Piece {
  /** Bytes. */
  readonly carried: number;
  readonly since: number;
  readonly timer: Timer;
}

export type UpMode = 'stream' | 'pieces';

/** What was learnt of the way. */
export interface Lesson {
  readonly up: UpMode;
}

export interface ClientUpOptions {
  readonly requests: Requests;
  readonly memory: SlabPool;
  readonly clock: Pick<Clock, 'now' | 'setTimer' | 'deferPastInput'>;
  /** For all transports of the same way. */
  readonly pieceSize: BodySize;
  /** For how long a body without end is tried, ms; 0: it is not. */
  readonly patience: number;
  readonly onDrain: () => void;
  readonly onLost: (reason: string) => void;
  readonly onLearnt: (lesson: Lesson) => void;
}

/** A piece has its answer after so long, ms, and the time that its bytes take at so many a ms; or the way up is dead. */
const PIECE_TIME = 15_000;
const SLOWEST = 16;
/** And so many times what the last one took: where much goes down on a slow path, answers wait behind it. */
const LONGER = 4;
/** One that has no answer after so long, ms, may be the reason why a session goes on with another transport. */
const LATE = 3_000;
/** What such a body begins with, bytes. */
const TRIAL = 12;

/** RFC 9110 section 15.5.14. */
const TOO_LARGE = 413;
