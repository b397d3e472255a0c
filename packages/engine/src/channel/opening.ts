import type { FailureCode } from '../failures.js';
import { isOpening } from '../frame/frame.js';
import type { SequencedFrame } from '../replay/replay-buffer.js';
import type { OpenHandler } from './handlers.js';

/** What the peer is to hear of the opening of a channel, and who is to hear how it ends. */
export class Opening {
  #frame: SequencedFrame | undefined;
  /** Until it was told. */
  #opener: OpenHandler | undefined;
  #abandonedListeners = NOBODY;
  /** What it begins with in place of OPEN or FLOW. */
  readonly beginning: Beginning | undefined;

  /** `opener`: of a channel that is requested; one that is offered has none. */
  constructor(opener?: OpenHandler, beginning?: Beginning) {
    this.#opener = opener;
    this.beginning = beginning;
  }

  /** That still waits: no peer has heard of the channel. */
  get isUnsent(): boolean {
    return this.#frame !== undefined && isOpening(this.#frame.type);
  }

  /** The opener was told, success or a failure. */
  get isTold(): boolean {
    return this.#opener === undefined;
  }

  succeed(): void {
    this.#takeOpener()?.onOpen();
  }

  fail(code: FailureCode): void {
    this.#takeOpener()?.onFail(code);
  }

  #takeOpener(): OpenHandler | undefined {
    const opener = this.#opener;
    this.#opener = undefined;
    return opener;
  }

  onAbandoned(listener: () => void): void {
    this.#abandonedListeners = this.#abandonedListeners.concat(listener);
  }

  /** `frame`: what it begins with, or the answer to that. It goes before any data. */
  say(frame: SequencedFrame): void {
    this.#frame = frame;
  }

  /** It is answered, by `frame`. */
  settle(frame: SequencedFrame): void {
    this.#abandonedListeners = NOBODY;
    this.say(frame);
  }

  get hasFrame(): boolean {
    return this.#frame !== undefined;
  }

  /** What is to be sent; once. */
  takeFrame(): SequencedFrame | undefined {
    const frame = this.#frame;
    this.#frame = undefined;
    return frame;
  }

  /** Nobody waits for an answer any more. */
  abandon(): void {
    for (const listener of this.#abandonedListeners) listener();
  }
}

/** Another way to begin than OPEN and FLOW are. */
export interface Beginning {
  /** `window`: as in OPEN; 0 of a flow. */
  frame(channel: number, window: number): SequencedFrame;
}

const NOBODY: readonly (() => void)[] = [];
