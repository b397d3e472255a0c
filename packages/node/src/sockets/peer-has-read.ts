import type { Socket } from 'node:net';
import { peerRowOf } from './connection-rows.js';
import { ConnectionTables } from './connection-tables.js';

/**
 * Whether the other end of a connection within this machine has read everything that has come to it, as Linux tells it in
 * proc(5): undefined where it does not, or the other end is not of this machine, or not of this network namespace, or where
 * there are so many connections that looking would cost too much.
 */
export async function peerHasRead(socket: Socket, tables: ConnectionTables = SYSTEM): Promise<boolean | undefined> {
  const row = peerRowOf(socket);
  return row === undefined ? undefined : (await tables.read()).get(row);
}

const SYSTEM = new ConnectionTables();
