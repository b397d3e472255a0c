/**
 * How many packets a client may send on a stream. A CONTINUE counts from when the client reads it, and takes no account of packets that
 * are on their way. So with several of them on the way, an honest client may send a window for each.
 */
export class Allowance {
  /** Packets since the last CONTINUE that gave all of the window. */
  #ungranted = 0;
  /** Packets that an honest client may still send, no matter when it reads what. */
  #left = WINDOW;

  /** A packet has come. False if no honest client would have sent it. */
  take(): boolean {
    this.#ungranted += 1;
    this.#left -= 1;
    return this.#left >= 0;
  }

  /** Early enough for the client not to wait; at the end of its window, where much may be on its way already. */
  get isDue(): boolean {
    return this.#ungranted >= (this.#left > MOST_LEFT - WINDOW ? WINDOW : WINDOW / 2);
  }

  /** What a CONTINUE is to say when the window begins again. */
  renew(): number {
    this.#ungranted = 0;
    this.#left += WINDOW;
    return WINDOW;
  }

  /** What one is to say to a client that has used a part of its window. */
  confirm(): number {
    const room = Math.max(0, WINDOW - this.#ungranted);
    this.#left += room;
    return room;
  }
}

/** Packets that a client may send on a stream, until it reads a CONTINUE. */
export const WINDOW = 128;
/** Packets of a stream that may be on their way or wait: four windows. */
export const MOST_LEFT = 512;
