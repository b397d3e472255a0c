import type { Channel, Clock, Logger, OpenHandler, Target } from 'wsproxy-protocol';
import { Backoff } from './backoff.js';
import { ConnectError } from './connect-error.js';
import type { Dial } from './dialing.js';
import type { Tunnel } from './listeners/tunnel.js';
import { Uplink, type UplinkEvents, type UplinkState } from './uplink.js';

/** `idle` before `start`; then that of the best uplink. */
export type ConnectorState = 'idle' | UplinkState;

export interface ConnectorOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the channels wait for the way back, ms. */
  readonly grace: number;
  /** Sessions to spread the channels over. */
  readonly connections: number;
  /** Tell applications success at once, and failure by a reset. */
  readonly optimistic: boolean;
  readonly onState?: (state: ConnectorState, previous: ConnectorState) => void;
}

/** From the best to the worst. An uplink that is closed is about to be replaced; the connector is not closed with it. */
const RANKING: readonly UplinkState[] = ['online', 'connecting', 'waiting'];

/** Keeps the tunnel up: as many uplinks as were asked for, each replaced when its session is lost or drains. */
export class Connector implements Tunnel {
  readonly #options: ConnectorOptions;
  readonly #slots: { uplink: Uplink; readonly backoff: Backoff }[] = [];
  readonly #draining = new Set<Uplink>();
  #state: ConnectorState = 'idle';
  #onFirst: { resolve(): void; reject(error: ConnectError): void } | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    for (let i = 0; i < options.connections; i++) {
      const backoff = new Backoff(Math.random);
      this.#slots.push({ uplink: this.#newUplink(backoff), backoff });
    }
  }

  get state(): ConnectorState {
    return this.#state;
  }

  /** Living channels. */
  get channelCount(): number {
    return [...this.#uplinks, ...this.#draining].reduce((sum, { session }) => sum + session.channelCount, 0);
  }

  /**
   * Connects, and stays connected until `close`. Resolves once the server has answered for the first time; rejects
   * with ConnectError when that can never succeed as things are.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onFirst = { resolve, reject };
      this.reconnectNow();
    });
  }

  /** Does not wait for the next retry. */
  reconnectNow(): void {
    for (const { backoff } of this.#slots) backoff.reset();
    for (const uplink of [...this.#uplinks, ...this.#draining]) uplink.connect();
  }

  open(target: Target, handler: OpenHandler): Channel {
    return this.#leastBusy().open(target, handler, this.#options.optimistic);
  }

  /** Leaves for good: every channel is reset, the server is told. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#setState('closed');
    for (const uplink of [...this.#uplinks, ...this.#draining]) uplink.close('this client was closed');
    this.#onFirst?.reject(new ConnectError('closed before it was connected', false));
  }

  get #uplinks(): Uplink[] {
    return this.#slots.map(({ uplink }) => uplink);
  }

  /** The one with the least under way, of those that are online, or of all when none is. */
  #leastBusy(): Uplink {
    const uplinks = this.#uplinks;
    const online = uplinks.filter(({ state }) => state === 'online');
    const [first, ...others] = online.length > 0 ? online : uplinks;
    if (first === undefined) throw new RangeError('connections must be at least 1');
    return others.reduce((best, uplink) => (isLessBusy(uplink, best) ? uplink : best), first);
  }

  readonly #events: UplinkEvents = {
    onState: () => this.#rank(),
    onRefused: (error) => {
      const first = this.#onFirst;
      if (first === undefined) return;
      this.#onFirst = undefined;
      this.close();
      first.reject(error);
    },
    onDraining: (uplink) => {
      if (!this.#replace(uplink)) return;
      this.#draining.add(uplink);
      if (uplink.session.channelCount === 0) this.#events.onIdle(uplink);
    },
    onIdle: (uplink) => {
      if (this.#draining.delete(uplink)) uplink.close('drained');
    },
    onEnded: (uplink, unsent) => {
      this.#draining.delete(uplink);
      if (this.#state === 'closed') return;
      this.#replace(uplink);
      this.#leastBusy().adopt(unsent);
    },
  };

  /** A fresh uplink takes the place of `old`; false when that has none any more. */
  #replace(old: Uplink): boolean {
    const slot = this.#slots.find(({ uplink }) => uplink === old);
    if (slot === undefined) return false;
    slot.uplink = this.#newUplink(slot.backoff);
    slot.uplink.connectLater('a new session begins');
    this.#rank();
    return true;
  }

  #newUplink(backoff: Backoff): Uplink {
    const { dial, clock, logger, grace } = this.#options;
    return new Uplink({ dial, clock, logger, grace, backoff }, this.#events);
  }

  #rank(): void {
    if (this.#state === 'closed') return;
    const states = this.#uplinks.map(({ state }) => state);
    this.#setState(RANKING.find((state) => states.includes(state)) ?? 'waiting');
  }

  #setState(state: ConnectorState): void {
    const previous = this.#state;
    if (state === previous) return;
    this.#state = state;
    this.#options.logger.debug({ state, previous }, 'connector');
    this.#options.onState?.(state, previous);
    if (state !== 'online') return;
    this.#onFirst?.resolve();
    this.#onFirst = undefined;
  }
}

function isLessBusy(a: Uplink, b: Uplink): boolean {
  const difference = a.session.bytesInFlight - b.session.bytesInFlight;
  return difference === 0 ? a.session.channelCount < b.session.channelCount : difference < 0;
}
