import type { Channel, ChannelFigures } from 'wsproxy-engine';

/**
 * The reader has this long for the bytes before a reset, and longer only while it takes them, ms. Their memory is held as
 * long. A reader that does not read must learn of the reset all the same, as it would without a tunnel.
 */
export const LAST_WORDS = 1_000;

/**
 * Tells a peer that does not read from one that cannot be heard. A transport that is there tells nothing: it may have come
 * just now, be dead, or take longer for a round trip than we wait. That the peer has processed what was sent tells that its
 * reader may read; what it takes, the peer tells ahead of the answer to a PING that is sent a look later. Neither an outage
 * nor a long path comes between the two unnoticed.
 */
export class Hearing {
  readonly #channel: Pick<Channel, 'figures' | 'ask'>;
  #before: ChannelFigures;
  #wasHeard = false;
  /** The PING whose successor has to be answered; undefined as long as none has to be. */
  #askedBefore: number | undefined;

  constructor(channel: Pick<Channel, 'figures' | 'ask'>) {
    this.#channel = channel;
    this.#before = channel.figures;
  }

  /** What has become of the channel since the look before. */
  look(): { readonly hasMoved: boolean; readonly isIgnored: boolean } {
    const { figures } = this.#channel;
    const before = this.#before;
    const hasMoved = figures.bytesSent !== before.bytesSent || figures.framesSent < before.framesSent;
    if (hasMoved || !figures.isStalled || !before.isStalled) {
      this.#before = figures;
      this.#wasHeard = false;
      this.#askedBefore = undefined;
      return { hasMoved, isIgnored: false };
    }
    if (this.#wasHeard) this.#askedBefore ??= figures.asked;
    this.#wasHeard ||= figures.framesProcessed >= before.framesSent;
    if (this.#askedBefore === undefined) return { hasMoved, isIgnored: false };
    const isIgnored = figures.answered > this.#askedBefore;
    if (!isIgnored) this.#channel.ask();
    return { hasMoved, isIgnored };
  }
}
