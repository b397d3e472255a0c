import type { OfferedChannel } from '../channel/channel.js';
import type { Clock } from '../clock.js';
import type { ProcessBudgets } from '../flow/memory-budget.js';
import type { Logger } from '../logger.js';
import type { SlabPool } from '../memory/slab-pool.js';
import type { Backoff } from './backoff.js';
import type { KnownServer } from './known-server.js';

/** What holds for every uplink of a client. */
export interface UplinkSettings {
  readonly clock: Clock;
  readonly memory: SlabPool;
  readonly logger: Logger;
  /** How long the channels wait for the way back, ms. */
  readonly grace: number;
  /** Silence after which either end sends something, ms; undefined for the usual 15 s. */
  readonly heartbeat?: number | undefined;
  /** What all sessions of the client may hold together; without one, each has its own bounds alone. */
  readonly processBudgets?: ProcessBudgets;
  /** Whether somebody waits for a tunnel, though no channel does: pauses between two tries are shorter then. Default no. */
  readonly isAwaited?: () => boolean;
  /** A server calls a service of this client; it is asked in every session. Without it none may. */
  readonly onCall?: ((channel: OfferedChannel, service: string) => void) | undefined;
  /** The highest channel number of a session; undefined for the last there is. */
  readonly lastChannel?: number | undefined;
}

export interface UplinkOptions extends UplinkSettings {
  readonly server: KnownServer;
  readonly backoff: Backoff;
  /** Whether another session with this server serves while this one is not connected. Default no. */
  readonly isServed?: () => boolean;
}
