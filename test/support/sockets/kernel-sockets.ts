import { existsSync, readFileSync } from 'node:fs';

/** What the system of Linux tells of its TCP sockets of IPv4; the columns that stand in the first places of a row. */
interface Row {
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly queues: string;
  readonly inode: string;
}

const TABLE = '/proc/net/tcp';
/** The state column. */
const [ESTABLISHED, LISTENING] = ['01', '0A'];

/**
 * Bytes that the system holds for every TCP connection over 127.0.0.1 which has `port` on one side: sent but not
 * received, and received but not read. Linux only.
 */
export function kernelQueues(port: number): number {
  return (
    rows()
      .filter(({ local, remote }) => isAt(local, port) || isAt(remote, port))
      // A listening socket counts connections in its queue, not bytes.
      .filter(({ state }) => state !== LISTENING)
      .reduce((sum, { queues }) => sum + sumOfHex(queues.split(':')), 0)
  );
}

/** Connections that were made to a port, whether anybody has accepted them or not. Linux only. */
export function connectionsTo(port: number): number {
  return rows().filter(({ remote, state }) => isAt(remote, port) && state === ESTABLISHED).length;
}

/** Names the socket that listens at a port, as long as it is the same one; none when nobody listens, and on other systems. */
export function listeningSocket(port: number): string | undefined {
  if (!existsSync(TABLE)) return undefined;
  return rows().find(({ local, state }) => isAt(local, port) && state === LISTENING)?.inode;
}

function rows(): Row[] {
  const lines = readFileSync(TABLE, 'latin1').trimEnd().split('\n').slice(1);
  return lines.map((line) => {
    const [, local = '', remote = '', state = '', queues = '0:0', , , , , inode = ''] = line.trim().split(/\s+/);
    return { local, remote, state, queues, inode };
  });
}

function isAt(address: string, port: number): boolean {
  return address.endsWith(`:${port.toString(16).toUpperCase().padStart(4, '0')}`);
}

function sumOfHex(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Number.parseInt(text, 16), 0);
}
