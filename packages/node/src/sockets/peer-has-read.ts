import { Socket } from 'node:net';
import { peerRowOf } from './connection-rows.js';
import { ConnectionTables } from './connection-tables.js';
import type { RelaySocket } from './reset-socket.js';

/**
 * Whether the other end of a connection within this machine has read everything that has come to it, as Linux tells it in
 * proc(5). Undefined if Linux does not tell, or if the other end is not in this network namespace. Undefined too if there are
 * so many connections that looking would cost too much, and for a stream that is no socket of the system.
 */
export function peerHasRead(socket: RelaySocket, tables: ConnectionTables = SYSTEM): Promise<boolean | undefined> {
  // The socket is not held for as long as the system takes.
  const row = socket instanceof Socket ? peerRowOf(socket) : undefined;
  return row === undefined ? Promise.resolve(undefined) : tables.read().then((connections) => connections.get(row));
}

const SYSTEM = new ConnectionTables();
