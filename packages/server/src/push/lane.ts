import type { Duplex } from 'node:stream';
import type { Clock, Timer } from 'wsproxy-engine';
import { decodeNumber, encodeBeginning, NUMBER, recordHead, serviceOf } from 'wsproxy-engine/push';
import type { OpenOptions } from '../calls/call-desk.js';
import type { SessionEvent } from '../observe/observer.js';
import type { KeptStream } from './message-store.js';

/** One stream of one user: the messages that are not finished, and the channel by which they go, if there is one. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #user: string;
  readonly #stream: string;
  readonly epoch: string;
  /** Not finished, in their order; the first of them has the number after `#finished`. */
  readonly #messages: Buffer[];
  #bytes = 0;
  #finished: number;
  /** Of the present channel: the last number that was written to it, and what of an answer has come. */
  #written = 0;
  #rest: Buffer = NOTHING;
  #channel: Duplex | undefined;
  /** The session of that has no transport. */
  #isAway = false;
  /** A channel is asked for. */
  #opening: AbortController | undefined;
  /** Tries that have failed, one after the other; and until the next one. */
  #failures = 0;
  #timer: Timer | undefined;
  #isPumpDue = false;
  /** Until all that is being kept is kept. */
  #keeping: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: LaneOptions, { user, stream, epoch, finished, messages }: KeptStream) {
    this.#options = options;
    this.#user = user;
    this.#stream = stream;
    this.epoch = epoch;
    this.#finished = finished;
    this.#messages = [...messages];
    for (const message of messages) this.#bytes += sizeOf(message);
    this.#openIfDue();
  }

  /** Of the next message. */
  get next(): number {
    return this.#finished + this.#messages.length + 1;
  }

  /** Messages that are not finished. */
  get waiting(): number {
    return this.#messages.length;
  }

  /** Whether one more may wait, where all of them, those that are being kept among them, may take so many bytes. A single one always may. */
  hasRoom(data: Buffer, bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + sizeOf(data) <= bytes;
  }

  /** Returns its number. */
  add(data: Buffer): number {
    this.#bytes += sizeOf(data);
    return this.#push(data);
  }

  /** The same when `keep` has kept it, in the order of the calls. What could not be kept is not sent, and has no number. */
  addKept(data: Buffer, keep: (number: number) => void | Promise<void>): Promise<number> {
    this.#bytes += sizeOf(data);
    const added = this.#keeping.then(async () => {
      try {
        await keep(this.next);
      } catch (error) {
        this.#bytes -= sizeOf(data);
        throw error;
      }
      return this.#push(data);
    });
    this.#keeping = added.catch(() => {});
    return added;
  }

  #push(data: Buffer): number {
    const number = this.next;
    this.#messages.push(data);
    this.#pumpLater();
    this.#openIfDue();
    return number;
  }

  /** Something has become of a session of the user. */
  onSession(event: SessionEvent, id: string): void {
    const isOwn = this.#channel !== undefined && sessionOf(this.#channel) === id;
    if (event === 'over') return;
    if (isOwn) this.#isAway = event === 'detached';
    // What there is is good again.
    if (isOwn && event === 'resumed') return this.#stopOpening();
    if (!isOwn && event === 'detached') return;
    this.lookAgain();
  }

  /** A client may be there by now. */
  lookAgain(): void {
    this.#failures = 0;
    this.#stopTimer();
    this.#openIfDue();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopOpening();
    this.#channel?.destroy();
    this.#channel = undefined;
  }

  /** Also beside the channel there is, when its client is away: another one of the user may come before it, or it without its session. */
  #openIfDue(): void {
    const isServed = this.#channel !== undefined && !this.#isAway;
    if (!isServed && this.#messages.length > 0 && this.#timer === undefined) this.#open();
  }

  #open(): void {
    if (this.#isClosed || this.#opening !== undefined) return;
    const opening = new AbortController();
    this.#opening = opening;
    const { open } = this.#options;
    open(this.#user, serviceOf(this.#stream), { signal: opening.signal, allowHalfOpen: true }).then(
      (channel) => {
        if (this.#opening !== opening) return void channel.on('error', ignore).destroy();
        this.#opening = undefined;
        this.#begin(channel);
      },
      ({ code }: { code?: unknown }) => {
        if (this.#opening !== opening) return;
        this.#opening = undefined;
        if (code === 'SERVER_CLOSED') this.close();
        else this.#retry();
      },
    );
  }

  #stopOpening(): void {
    this.#opening?.abort();
    this.#opening = undefined;
    this.#stopTimer();
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #retry(): void {
    if (this.#isClosed || this.#messages.length === 0) return;
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(() => {
      this.#timer = undefined;
      this.#openIfDue();
    }, pause);
  }

  #begin(channel: Duplex): void {
    this.#channel?.destroy();
    this.#channel = channel;
    this.#isAway = false;
    this.#rest = NOTHING;
    channel.on('error', ignore);
    channel.on('data', (bytes: Buffer) => this.#onAnswer(channel, bytes));
    channel.on('drain', () => this.#pump());
    channel.on('end', () => channel.destroy());
    channel.on('close', () => this.#onClose(channel));
    this.#written = this.#finished;
    const beginning = encodeBeginning({ epoch: this.epoch, number: this.#finished + 1 });
    channel.write(Buffer.concat([recordHead(beginning.length), beginning]));
    this.#pump();
  }

  #onClose(channel: Duplex): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    if (this.#opening === undefined) this.#retry();
  }

  /** Later in the same turn: anyone who sends a hundred messages has them leave as one write. */
  #pumpLater(): void {
    if (this.#isPumpDue || this.#channel === undefined) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    const channel = this.#channel;
    if (channel === undefined || channel.destroyed) return;
    const last = this.#finished + this.#messages.length;
    while (this.#written < last && !channel.writableNeedDrain) channel.write(this.#nextPiece(last));
  }

  /** Small messages leave together. */
  #nextPiece(last: number): Buffer {
    const parts: Uint8Array[] = [];
    for (let bytes = 0; this.#written < last && bytes < WORTH_WRITING; ) {
      const data = this.#messages[this.#written - this.#finished] as Buffer;
      this.#written += 1;
      parts.push(recordHead(data.length), data);
      bytes += data.length;
    }
    return Buffer.concat(parts);
  }

  #onAnswer(channel: Duplex, bytes: Buffer): void {
    if (channel !== this.#channel) return;
    // Only the newest number counts.
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = all.length - (all.length % NUMBER);
    this.#rest = all.subarray(whole);
    if (whole === 0) return;
    const number = decodeNumber(all.subarray(whole - NUMBER, whole));
    // Of what was never said nothing is finished. The next channel begins anew.
    if (number === undefined || number > this.#written) return void channel.destroy();
    if (number <= this.#finished) return;
    this.#failures = 0;
    for (const message of this.#messages.splice(0, number - this.#finished)) this.#bytes -= sizeOf(message);
    this.#finished = number;
    this.#options.onFinished(number);
  }
}

/** Also one without a byte takes memory as it waits. */
function sizeOf({ length }: Buffer): number {
  return length + OVERHEAD;
}

function sessionOf(channel: Duplex): string | undefined {
  return (channel as { readonly session?: string }).session;
}

export interface LaneOptions {
  readonly clock: Clock;
  readonly open: (user: string, service: string, options: OpenOptions) => Promise<Duplex>;
  /** The messages up to this number are finished. */
  readonly onFinished: (number: number) => void;
}

const NOTHING = Buffer.alloc(0);
const OVERHEAD = 64;
const WORTH_WRITING = 65_536;
/** Between two tries to reach the client, ms, unless a session of it begins before. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

function ignore(): void {}
