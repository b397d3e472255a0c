import { type Logger, systemClock, type Target, type Timer } from 'wsproxy-engine';
import type { ApplicationSocket } from './application-socket.js';
import { closePolitely } from './close-politely.js';
import type { Enter, Reply } from './enter-tunnel.js';

/**
 * One accepted application until its request is complete: no matter what it speaks and how slowly, one deadline counts
 * from accept.
 */
export class LocalConnection {
  readonly socket: ApplicationSocket;
  readonly logger: Logger;
  /** What the protocol in use does when the deadline passes. By default it closes in silence: browsers connect ahead. */
  onDeadline: () => void = () => {
    this.logger.debug({}, 'no request in time');
    closePolitely(this.socket);
  };
  readonly #enter: Enter;
  readonly #handshakeTimeout: number;
  readonly #onRefused: ((reason: string) => void) | undefined;
  #deadline: Timer | undefined;
  readonly #onEnd = () => this.socket.destroy();
  readonly #onClose = () => this.#deadline?.cancel();

  constructor(
    socket: ApplicationSocket,
    enter: Enter,
    { logger, handshakeTimeout, onRefused }: LocalConnectionOptions,
  ) {
    this.socket = socket;
    this.#enter = enter;
    this.logger = logger;
    this.#onRefused = onRefused;
    this.#handshakeTimeout = handshakeTimeout;
    this.beginHandshake();
  }

  /** Another request is to come, within `timeout` ms from now, or as much as there was for the first. */
  beginHandshake(timeout: number = this.#handshakeTimeout): void {
    this.endHandshake();
    this.#deadline = systemClock.setTimer(() => this.onDeadline(), timeout);
    this.socket.on('end', this.#onEnd);
    this.socket.on('close', this.#onClose);
  }

  /** The request is complete: from here on, time and the end of the input are somebody else's business. */
  endHandshake(): void {
    this.#deadline?.cancel();
    this.socket.off('end', this.#onEnd);
    // Without it nothing refers to this any more: the relay that follows may be idle for days.
    this.socket.off('close', this.#onClose);
  }

  /** The request is complete, and all there is to it: from here on the connection is a byte stream to `target`. */
  enter(target: Target, early: Buffer, reply: Reply): void {
    this.endHandshake();
    this.#enter({ socket: this.socket, target, early, reply });
  }

  /** Ends the handshake without a channel. */
  refuse(reason: string, reply?: Buffer | string): void {
    this.endHandshake();
    this.logger.info({ reason }, 'local request refused');
    this.#onRefused?.(reason);
    closePolitely(this.socket, reply);
  }
}

export interface LocalConnectionOptions {
  readonly logger: Logger;
  /** From now until `onDeadline`, ms. */
  readonly handshakeTimeout: number;
  /** A request was refused here. */
  readonly onRefused?: ((reason: string) => void) | undefined;
}
