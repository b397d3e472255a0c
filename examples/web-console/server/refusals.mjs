/** Lines in a minute. */
const MOST = 60;
const MINUTE = 60_000;

/** Refused logins in the audit log. Any stranger can cause them, so the log counts those that are too many for a minute. */
export class Refusals {
  #audit;
  #count = 0;
  #timer;

  /** @param {{ write(event: string, fields: object): void }} audit */
  constructor(audit) {
    this.#audit = audit;
  }

  write(about) {
    this.#timer ??= setTimeout(() => this.flush(), MINUTE).unref();
    this.#count += 1;
    if (this.#count <= MOST) this.#audit.write('login refused', about);
  }

  /** Writes how many it has left out so far. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const leftOut = this.#count - MOST;
    this.#count = 0;
    if (leftOut > 0) this.#audit.write('login refused', { leftOut });
  }
}
