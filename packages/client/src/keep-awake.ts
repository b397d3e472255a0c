/** The longest that Node's timers take, ms. */
const LONG = 2 ** 31 - 1;

/**
 * Keeps the process alive while somebody has a reason. Connections and timers of a client do not by themselves, so that
 * a program ends when it has done its work, though its tunnel is still up.
 */
export class KeepAwake {
  #reasons = 0;
  #timer: NodeJS.Timeout | undefined;

  hold(): void {
    this.#reasons += 1;
    this.#timer ??= setInterval(() => {}, LONG);
  }

  release(): void {
    this.#reasons -= 1;
    if (this.#reasons > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
