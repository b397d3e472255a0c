import { systemMemory } from 'wsproxy-engine';
import { connectTransport, type ServerAddress } from '../reach/connect-transport.js';
import type { Way } from '../reach/ways.js';
import { type Finding, ok, skip, warn } from './finding.js';
import { openerOf } from './open-first.js';
import type { ProbeIdentity } from './probe-identity.js';

/**
 * Whether a client that comes back reaches the process that has its session: first as a balancer brings it there by itself, then as
 * the server does, which hands on what has come to another process. `home`: where the session lives, as the server has told it.
 */
export async function checkSticky(
  server: ServerAddress,
  signal: AbortSignal,
  way: Way,
  identity: ProbeIdentity,
  home: string | undefined,
): Promise<Finding> {
  if (home === undefined)
    return skip('the server does not tell which of its processes has a session; an older one never does');
  const open = openerOf(way);
  const reachesHome = async (): Promise<boolean> => {
    for (let n = 0; n < TRIES; n++) {
      const transport = await connectTransport(server, signal, systemMemory, { wayBack: identity.wayBack, open });
      transport.terminate();
      if (identity.wayBack.openedBy !== home) return false;
    }
    return true;
  };
  try {
    if (await reachesHome()) return ok('the client reaches the same process each time');
    identity.comeBackTo(home);
    if (await reachesHome()) {
      return ok(
        'the client is spread over several processes; when it comes back, the server hands it on to the right one',
      );
    }
    return warn('the client is spread over several processes, and does not find the one of its session again', CURE);
  } catch (error) {
    return skip(`no further connection to look with: ${(error as Error).message}`);
  }
}

/** A balancer that takes turns between two processes is found out at once, one that draws them at random almost surely. */
const TRIES = 4;
const CURE =
  'a lost connection breaks what runs: let the balancer choose by the header Wsproxy-Session, or the servers know each other (--peer)';
