import { systemMemory, type Transport } from 'wsproxy-engine';
import { ConnectError } from 'wsproxy-engine/connector';
import type { OpenTransport } from 'wsproxy-node/transports';
import { connectTransport, type ServerAddress } from '../reach/connect-transport.js';
import { isServersOwn } from '../reach/race.js';
import { openerFor, type Way } from '../reach/ways.js';
import { ProbeIdentity } from './probe-identity.js';

/** Tries `ways` one after the other. What opens first, if any; and what is wrong with the best way that has failed. */
export async function openFirst(ways: readonly Way[], server: ServerAddress, signal: AbortSignal): Promise<Outcome> {
  let failure: ConnectError | undefined;
  for (const way of ways) {
    // The server may know the session of a way before, though its answer was lost.
    const identity = new ProbeIdentity();
    const patience = failure === undefined ? {} : { timeout: TIMEOUT };
    const options = { wayBack: identity.wayBack, open: openerOf(way), ...patience };
    try {
      const transport = await connectTransport(server, signal, systemMemory, options);
      return { failure, opened: { transport, way, identity } };
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      if (isServersOwn(error.status)) return { failure: error };
      failure ??= error;
    }
  }
  return { failure };
}

interface Outcome {
  readonly opened?: Opened;
  readonly failure: ConnectError | undefined;
}

/** A transport, the way by which it came, and the session that it is for. */
export interface Opened {
  readonly transport: Transport;
  readonly way: Way;
  readonly identity: ProbeIdentity;
}

/** Of each way after one that has failed, to open, ms: the client gives the others as long. */
const TIMEOUT = 4_000;

export function openerOf(way: Way): OpenTransport {
  return openerFor(way, { up: 'stream' });
}
