import type { FailureCode } from '../failures.js';
import { FrameType } from '../frame/frame.js';
import type { SequencedFrame } from '../replay/replay-buffer.js';
import type { OpenHandler } from './handlers.js';

/** What the peer is to hear of the opening of a channel, and who is to hear how it ends. */
export class Opening {
  /** OPEN, or the answer to it: it goes before any data; undefined once it was taken to be sent. */
  frame: SequencedFrame | undefined;
  /** Until it was told. */
  #opener: OpenHandler | undefined;
  #abandonedListeners = NOBODY;

  /** `opener`: of a channel that is requested; one that is offered has none. */
  constructor(opener: OpenHandler | undefined) {
    this.#opener = opener;
  }

  /** OPEN still waits: no peer has heard of the channel. */
  get isUnsent(): boolean {
    return this.frame?.type === FrameType.open;
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
    this.#abandonedListeners = [...this.#abandonedListeners, listener];
  }

  /** It was answered. */
  settle(): void {
    this.#abandonedListeners = NOBODY;
  }

  /** Nobody waits for an answer any more. */
  abandon(): void {
    for (const listener of this.#abandonedListeners) listener();
  }
}

const NOBODY: readonly (() => void)[] = [];
