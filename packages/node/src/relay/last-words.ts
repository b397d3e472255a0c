import type { ChannelFigures } from 'wsproxy-engine';

/**
 * What came before a reset has this long to be read, and longer only while the reader takes it, ms: its memory is held as
 * long, and a reader that does not read is to learn of the reset all the same, as it would without a tunnel.
 */
export const LAST_WORDS = 1_000;

/**
 * Tells a peer that does not read from one that cannot be heard. A transport that is there tells nothing: it may have come
 * just now, be dead, or take longer for a round trip than we wait. That the peer has processed what was sent does tell;
 * what it takes of it then, it tells within the next look.
 */
export class Hearing {
  #before: ChannelFigures;
  #wasHeard = false;

  /** `figures` of the channel as it is now. */
  constructor(figures: ChannelFigures) {
    this.#before = figures;
  }

  /** What has become of the channel since the look before. */
  look(figures: ChannelFigures): { readonly hasMoved: boolean; readonly isIgnored: boolean } {
    const before = this.#before;
    const hasMoved = figures.bytesSent !== before.bytesSent || figures.framesSent < before.framesSent;
    if (hasMoved || !figures.isStalled || !before.isStalled) {
      this.#before = figures;
      this.#wasHeard = false;
      return { hasMoved, isIgnored: false };
    }
    const isIgnored = this.#wasHeard;
    this.#wasHeard = figures.framesProcessed >= before.framesSent;
    return { hasMoved, isIgnored };
  }
}
