import { LONGEST_TIME } from 'wsproxy-node/options';

/**
 * Keeps the process alive while somebody has a reason. Connections and timers of a client do not by themselves, so that
 * a program ends when it has done its work, though its tunnel is still up.
 */
export class KeepAwake {
  readonly #reasons = new Set<object>();
  #timer: NodeJS.Timeout | undefined;

  /** Until `release` of the same reason. */
  hold(reason: object): void {
    this.#reasons.add(reason);
    this.#timer ??= setInterval(() => {}, LONGEST_TIME);
  }

  release(reason: object): void {
    this.#reasons.delete(reason);
    if (this.#reasons.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
