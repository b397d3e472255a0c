/** A place for a session that a transport has before it greets, since the greeting cannot wait for other processes. */
export class SessionPlace {
  readonly #giveBack: () => void;
  #isThere = true;
  #isTaken = false;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  /** Whether a session can have it. */
  use(): boolean {
    const wasThere = this.#isThere;
    this.#isThere = false;
    return wasThere;
  }

  /** It goes over to a transport, which lives on when its request does not. */
  take(): this {
    this.#isTaken = true;
    return this;
  }

  /** Its request is gone. */
  leave(): void {
    if (!this.#isTaken) this.release();
  }

  /** No session needs it. */
  release(): void {
    if (this.use()) this.#giveBack();
  }
}
