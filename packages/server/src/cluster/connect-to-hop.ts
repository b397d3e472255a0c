import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { Hop } from './neighbours.js';

/** Connects to the door of another process; `ready` is what it emits when it can be written to. */
export function connectToHop(hop: Hop, secureContext: SecureContext | undefined): { socket: Socket; ready: string } {
  if ('path' in hop) return { socket: connectTcp({ path: hop.path, allowHalfOpen: true }), ready: 'connect' };
  const socket = connectTls({
    ...{ host: hop.host, port: hop.port, allowHalfOpen: true },
    ...(secureContext && { secureContext }),
    // Anyone who has a certificate of the cluster's own authority is one of its nodes, by any name.
    checkServerIdentity: () => undefined,
  });
  return { socket, ready: 'secureConnect' };
}
