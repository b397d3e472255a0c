import { type Logger, systemClock } from 'wsproxy-engine';
import { OptionError } from 'wsproxy-node/options';
import { nodeAt } from './cluster/peers.js';
import { parseRoute } from './cluster/route.js';
import { createParentStore, type MessagePort } from './store/parent-store.js';
import { Sharing, type SharingOptions } from './store/sharing.js';
import type { Store } from './store/store.js';

/**
 * What this process shares with others from here on. It has not begun yet.
 * @throws OptionError for what cannot be used
 */
export async function openSharing(options: ShareOptions, { route, logger, onRevoked }: ShareParts): Promise<Sharing> {
  const { node, uid } = parseRoute(route) ?? { node: '', uid: '' };
  const { away = 'admit', advertise = '' } = options;
  if (!AWAY.has(away)) throw new OptionError('storeAway', 'expected admit or refuse');
  if (advertise !== '' && nodeAt(advertise) === undefined) {
    throw new OptionError('clusterAdvertise', 'expected host:port, such as 10.0.0.2:7000');
  }
  const store = await openStore(options, uid);
  return new Sharing({ store, clock: systemClock, logger, onRevoked, away, self: { node, address: advertise } });
}

/** Where the store is, and what to do without it. */
export interface ShareOptions {
  /**
   * A Valkey or Redis: `redis[s]://[user:password@]host[:port][/database][?cluster=NAME]`, or the parent of this process, by messages: the
   * other end of `port` is `answerWorker`.
   */
  readonly store: string | MessagePort;
  /** Where other nodes reach the inner door of this one: `host:port`. Default: they are told by their `peers`, if at all. */
  readonly advertise?: string;
  /**
   * What new sessions, connections, flows and listeners may have while the store is away: the part of this process of each limit (`admit`), or
   * nothing but what it holds while its lease runs (`refuse`). Default `admit`.
   */
  readonly away?: 'admit' | 'refuse';
}

interface ShareParts extends Pick<SharingOptions, 'logger' | 'onRevoked'> {
  readonly route: string;
  readonly logger: Logger;
}

const AWAY: ReadonlySet<unknown> = new Set(['admit', 'refuse']);

async function openStore({ store }: ShareOptions, uid: string): Promise<Store> {
  if (typeof store !== 'string') return createParentStore(store, uid, systemClock);
  // Not at the start: most servers are alone.
  const { createRedisStore } = await import('./store/redis-store.js');
  return createRedisStore(store, uid);
}
