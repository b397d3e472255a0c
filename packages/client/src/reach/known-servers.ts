import { type Logger, systemClock, systemMemory } from 'wsproxy-engine';
import type { KnownServer } from 'wsproxy-engine/connector';
import { connectTransport, type ServerAddress } from './connect-transport.js';
import { hideWispToken } from './hide-wisp-token.js';
import type { TransportChoice } from './transport-choice.js';
import { wayBackOf } from './way-back.js';
import { Ways } from './ways.js';

/** The servers at these addresses, each with the ways there that may be used. */
export function knownServers(
  servers: readonly ServerAddress[],
  transport: TransportChoice,
  logger: Logger,
): KnownServer[] {
  return servers.map((server) => {
    const ways = new Ways(transport, server.url, { clock: systemClock, logger });
    return {
      name: hideWispToken(server.url.href),
      ways,
      connect: (signal, session) =>
        connectTransport(server, signal, systemMemory, { wayBack: wayBackOf(session), open: ways.open }),
      connectBetter: (signal, session, used) =>
        connectTransport(server, signal, systemMemory, { wayBack: wayBackOf(session), open: ways.openBetter(used) }),
    };
  });
}
