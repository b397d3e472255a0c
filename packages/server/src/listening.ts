import { type Logger, systemClock } from 'wsproxy-engine';
import type { Guard } from './limits/guard.js';
import { ListenRights } from './listeners/listen-rights.js';
import type { ListenerService } from './listeners/listener-service.js';
import { holdsOfSystem } from './listeners/places-of-system.js';
import type { CheckedOptions } from './options/check-server-options.js';

/** By what rights clients may listen, and what this server can take for them. */
export function listeningOf(
  { allowListen, authorizeListen }: CheckedOptions,
  { limits }: Guard,
  logger: Logger,
): Pick<ListenerService, 'rights' | 'holds'> {
  const rights = new ListenRights({ allowListen, authorizeListen });
  return { rights, holds: holdsOfSystem({ logger, clock: systemClock, udpIdle: limits.udpIdle }) };
}
