/** A place for a session that a transport has before it greets, since the greeting cannot wait for other processes. */
export class SessionPlace {
  readonly #giveBack: () => void;
  #isThere = true;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  /** Whether a session can have it. */
  use(): boolean {
    const wasThere = this.#isThere;
    this.#isThere = false;
    return wasThere;
  }

  /** No session needs it. */
  release(): void {
    if (this.use()) this.#giveBack();
  }
}
