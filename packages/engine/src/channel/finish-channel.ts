import type { Clock, Timer } from '../clock.js';
import type { FailureCode } from '../failures.js';
import type { Channel } from './channel.js';
import { isOver } from './channel-state.js';
import type { ChannelSink } from './handlers.js';

/**
 * Nobody reads or writes here any more. What was written still goes; behind it goes an end, or a reset with `code`. As the
 * system does it for a socket that was closed.
 */
export function finishChannel(channel: Channel, clock: Clock, code?: FailureCode): void {
  channel.end(code);
  if (!isOver(channel.state)) new Remainder(channel, clock, code).start();
}

/** Between two looks, ms. After its end was sent, a peer that does not end its half either gets one or two of them. */
const INTERVAL = 500;
/** So long may nothing move of what was acknowledged to the writer, ms: about as long as a session waits for its peer. */
const PATIENCE = 120_000;
/** The same if there is a reset behind it: bytes are missing anyway. */
const RESET_PATIENCE = 1_000;

/** What is left of a channel that was given up by its user. */
class Remainder implements ChannelSink {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #code: FailureCode | undefined;
  #timer: Timer | undefined;
  #hasEnded = false;
  /**
   * RFC 1122 section 4.2.2.13: what comes for a closed socket is answered with a reset. Not at once: a peer that writes may
   * still be reading, and would lose the rest of what it was sent.
   */
  #ending: FailureCode = 'CANCELLED';
  #sent: number;
  #stalledSince: number;

  constructor(channel: Channel, clock: Clock, code: FailureCode | undefined) {
    this.#channel = channel;
    this.#clock = clock;
    this.#code = code;
    this.#sent = channel.figures.bytesSent;
    this.#stalledSince = clock.now();
  }

  start(): void {
    this.#channel.onOver(() => this.#timer?.cancel());
    this.#lookLater();
    this.#channel.start(this);
  }

  onData({ length }: Uint8Array): void {
    if (this.#channel.state.sending === 'ended') this.#ending = 'CONNECTION_RESET';
    this.#channel.consumed(length);
  }

  onEnd(): void {}

  onReset(): void {}

  onWritable(): void {}

  #lookLater(): void {
    this.#timer = this.#clock.setTimer(() => this.#look(), INTERVAL);
  }

  #look(): void {
    const { state, figures } = this.#channel;
    if (state.sending === 'ended' && state.opening === 'open') {
      if (this.#hasEnded) return this.#channel.reset(this.#ending);
      this.#hasEnded = true;
    } else if (figures.bytesSent > this.#sent) {
      this.#sent = figures.bytesSent;
      this.#stalledSince = this.#clock.now();
    } else {
      const patience = this.#code === undefined ? PATIENCE : RESET_PATIENCE;
      if (this.#clock.now() - this.#stalledSince > patience) return this.#channel.reset(this.#code);
    }
    this.#lookLater();
  }
}
