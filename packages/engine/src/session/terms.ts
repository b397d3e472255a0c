import { MAX_PING_INTERVAL, MIN_PING_INTERVAL, PING_INTERVAL } from '../constants.js';
import { Capability, OFFERED } from '../frame/capabilities.js';

/** What both ends of a session go by, as HELLO and its answer say it. */
export class Terms {
  /** What this end can do. */
  readonly offered: number;
  #pingInterval = PING_INTERVAL;
  #capabilities: number | undefined;

  constructor(offered: number = OFFERED) {
    this.offered = offered;
  }

  /** Silence after which either end sends PING, ms. */
  get pingInterval(): number {
    return this.#pingInterval;
  }

  /** The same, to be told; undefined for what is usual. */
  get heartbeat(): number | undefined {
    return this.#pingInterval === PING_INTERVAL ? undefined : this.#pingInterval;
  }

  /** From the next transport on, within the bounds of the protocol. */
  setHeartbeat(interval: number): void {
    this.#pingInterval = Math.min(MAX_PING_INTERVAL, Math.max(MIN_PING_INTERVAL, interval));
  }

  /** What both ends can do, for the life of the session; undefined while unknown, or when the peer knows of no such thing. */
  get capabilities(): number | undefined {
    return this.#capabilities;
  }

  /** `capability`, or one of several. */
  has(capability: number): boolean {
    return ((this.#capabilities ?? 0) & capability) !== 0;
  }

  /** What the peer says that it can do: what this end can do too holds from here on. */
  agree(capabilities: number): void {
    const agreed = capabilities & this.offered;
    // Datagrams that are not counted would stand in the way of all else.
    this.#capabilities = (agreed & Capability.taken) === 0 ? agreed & ~Capability.flows : agreed;
  }
}
