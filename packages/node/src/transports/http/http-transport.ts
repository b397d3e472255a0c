import { type Clock, deafReceiver, type Timer, type Transport, type TransportReceiver } from 'wsproxy-engine';
import { endRecord, type RecordTaker } from './records.js';

/**
 * A transport over HTTP, at either end: records go out by `halves`, which bring those of the peer. Nothing in it outlives a loss:
 * anything that goes wrong with a request ends all of them, and the session goes on with another transport.
 */
export class HttpTransport implements Transport, HalvesHolder {
  receiver: TransportReceiver = deafReceiver;
  /** Called once everything is closed. */
  onClosed: (() => void) | undefined;

  readonly #halves: Halves;
  readonly #clock: Pick<Clock, 'setTimer'>;
  readonly #mayTell: (words: string) => boolean;
  #phase: 'open' | 'closing' | 'closed' = 'open';
  /** What is told at the end, once an end has said why it closes. */
  #end: { readonly code: number; readonly reason: string } | undefined;
  #timer: Timer | undefined;

  /** `mayTell`: whether words of the peer may get into logs. */
  constructor(halves: Halves, clock: Pick<Clock, 'setTimer'>, mayTell: (words: string) => boolean = () => true) {
    this.#halves = halves;
    this.#clock = clock;
    this.#mayTell = mayTell;
    halves.holder = this;
  }

  /** Neither end has said its last word. */
  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  get backlog(): number {
    return this.#halves.backlog;
  }

  send(parts: readonly Uint8Array[]): void {
    if (this.#phase === 'open') this.#halves.send(parts);
  }

  giveWay(): void {
    this.#halves.giveWay();
  }

  close(code: number, reason: string): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.#end = { code, reason };
    this.#timer = this.#clock.setTimer(() => this.#finish(), CLOSE_TIME);
    this.#halves.end(endRecord(code, reason), () => this.#finish());
  }

  terminate(): void {
    this.#finish('terminated');
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#phase === 'open') this.receiver.onBytes(bytes);
  }

  onDrain(): void {
    if (this.#phase === 'open') this.receiver.onDrain();
  }

  onHeard(what: number): void {
    this.#halves.onHeard(what);
  }

  onEnd(code: number, reason: string): void {
    if (this.#phase === 'open') this.close(code, this.#mayTell(reason) ? reason : '');
  }

  onLost(reason: string): void {
    this.#finish(reason);
  }

  #finish(loss = ''): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#timer?.cancel();
    this.#halves.destroy();
    const { code, reason } = this.#end ?? { code: LOST, reason: loss };
    this.receiver.onClose(code, reason);
    this.onClosed?.();
  }
}

/** RFC 6455 section 7.1.5, which sessions know: it has closed without a word. */
const LOST = 1006;
/** How long both ends may take to say their last words, ms. */
const CLOSE_TIME = 3_000;

/** The requests and answers that a transport is made of, as one of its ends sees them. */
export interface Halves {
  /** Set once, before anything comes. */
  holder: HalvesHolder;
  /** Bytes of `send` that have not left this process. */
  readonly backlog: number;
  /** Sends the parts as they are until they have left; the memory they are in is kept for so long. */
  send(parts: readonly Uint8Array[]): void;
  /** Sends the last record, and calls back when nothing is left that a cut could lose. */
  end(last: Uint8Array, onOver: () => void): void;
  /** The peer has said what has reached it. */
  onHeard(what: number): void;
  /** Brings no more in this turn of the event loop. */
  giveWay(): void;
  /** Cuts anything that is under way, and brings nothing any more. */
  destroy(): void;
}

/** Told what comes by them. */
export interface HalvesHolder extends RecordTaker {
  /** Some of what was sent has left. */
  onDrain(): void;
  /** One of the requests has failed, or says what no peer of ours would. */
  onLost(reason: string): void;
}
