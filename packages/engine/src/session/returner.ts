import type { SessionChannel } from '../channel/session-channel.js';
import type { Clock, Timer } from '../clock.js';
import { RETURN_INTERVAL } from '../constants.js';
import { Capability } from '../frame/capabilities.js';
import type { Outbox } from './outbox.js';
import type { Terms } from './terms.js';

/**
 * Gives back what the peer has granted to channels that send nothing, so that its memory serves those that do. A channel
 * is idle when it has sent nothing between two looks.
 */
export class Returner {
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #terms: Terms;
  /** Channels that may have more credit than an idle one needs, and what each had sent at the last look; undefined for none. */
  #watched: Map<SessionChannel, number> | undefined;
  #isLive = false;
  #timer: Timer | undefined;

  constructor(clock: Clock, outbox: Outbox, terms: Terms) {
    this.#clock = clock;
    this.#outbox = outbox;
    this.#terms = terms;
  }

  /** The transport carries frames: what `channels` have returned on an earlier one, and was not answered, is told again. */
  goLive(channels: readonly SessionChannel[]): void {
    this.#isLive = true;
    for (const channel of channels) if (channel.returning !== undefined) this.#outbox.giveBack(channel);
    this.arm();
  }

  stop(): void {
    this.#isLive = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The channel got credit. */
  watch(channel: SessionChannel): void {
    if (!channel.hasSurplus || this.#watched?.has(channel) === true) return;
    this.#watched ??= new Map();
    this.#watched.set(channel, NEVER);
    this.arm();
  }

  forget(channel: SessionChannel): void {
    this.#watched?.delete(channel);
  }

  /** Looks for idle channels from now on, if there is any reason to, and both ends know of returns. */
  arm(): void {
    if (!this.#terms.has(Capability.return) || !this.#isLive || this.#watched === undefined) return;
    this.#timer ??= this.#clock.setTimer(() => this.#look(), RETURN_INTERVAL);
  }

  #look(): void {
    this.#timer = undefined;
    const watched = this.#watched ?? new Map<SessionChannel, number>();
    for (const [channel, before] of watched) {
      if (!channel.hasSurplus) watched.delete(channel);
      else if (channel.bytesSent !== before || !channel.giveBack()) watched.set(channel, channel.bytesSent);
      else {
        watched.delete(channel);
        this.#outbox.giveBack(channel);
      }
    }
    if (watched.size === 0) this.#watched = undefined;
    this.arm();
  }
}

/** No look yet. */
const NEVER = -1;
