/**
 * How many datagrams come for one user. Node cannot pause a socket of UDP, so who is sent more than the machine should bear,
 * for some seconds, loses a flow: nothing else brings the work to an end. `now` in ms.
 */
export class DatagramMeter {
  readonly #perSecond: number;
  /** Of the present second or, after a silence, of the time since it began. */
  #count = 0;
  #since: number;
  /** Since when every second has had too many; undefined when the last one had not. */
  #tooManySince: number | undefined;

  /** `perSecond`: Infinity for no bound. */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#since = now;
  }

  /** One more has come. False when it is time that the flow it has come for ends; then patience begins anew. */
  add(now: number): boolean {
    const time = now - this.#since;
    if (time < SECOND) {
      this.#count += 1;
      return true;
    }
    const isTooMany = this.#count / time > this.#perSecond / SECOND;
    this.#tooManySince = isTooMany ? (this.#tooManySince ?? this.#since) : undefined;
    this.#count = 1;
    this.#since = now;
    if (this.#tooManySince === undefined || now - this.#tooManySince < PATIENCE) return true;
    this.#tooManySince = undefined;
    return false;
  }
}

const SECOND = 1_000;
/** How long it may be too much, ms. */
const PATIENCE = 5_000;
