import { readFileSync } from 'node:fs';

/**
 * Bytes that the system holds for every TCP connection over 127.0.0.1 which has `port` on one side: sent but not
 * received, and received but not read. Linux only.
 */
export function kernelQueues(port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, remote, state]) => (local?.endsWith(suffix) || remote?.endsWith(suffix)) && state !== LISTENING)
    .reduce((sum, [, , , , queues = '0:0']) => sum + sumOfHex(queues.split(':')), 0);
}

/** The state column; a listening socket counts connections in its queue, not bytes. */
const LISTENING = '0A';

function sumOfHex(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Number.parseInt(text, 16), 0);
}
