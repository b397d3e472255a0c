/** Memory for what waits for the script, all connections together. */
export class Room {
  #left: number;

  constructor(bytes: number = MOST_WAITING) {
    this.#left = bytes;
  }

  /** Whether there was room; it is to be given back in any case. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

const MOST_WAITING = 67_108_864;
/** Of a body, and of a message of a WebSocket, also when it is decoded. */
export const MOST_BODY = 16_777_216;
