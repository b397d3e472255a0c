import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/**
 * Whether the other end of a connection within this machine has read everything that has come to it, as Linux tells it in
 * proc(5): undefined where it does not, or the other end is not of this machine, or not of this network namespace.
 */
export async function peerHasRead({ localPort, remotePort }: Socket): Promise<boolean | undefined> {
  if (localPort === undefined || remotePort === undefined) return undefined;
  // A connection of IPv4 stands in the table of each end's own family.
  for (const table of TABLES) {
    const text = await readFile(table, 'latin1').catch(() => '');
    const [, unread] =
      new RegExp(`${port(remotePort)} [0-9A-F]+${port(localPort)} .. [0-9A-F]+:([0-9A-F]+) `).exec(text) ?? [];
    if (unread !== undefined) return /^0+$/.test(unread);
  }
  return undefined;
}

const TABLES: readonly string[] = ['/proc/net/tcp', '/proc/net/tcp6'];

/** As the tables write it, behind its address. */
function port(number: number): string {
  return `:${number.toString(16).toUpperCase().padStart(4, '0')}`;
}
