import type { AddressInfo } from 'node:net';
import {
  ExitError,
  explainListenError,
  formatListenAddress,
  type ListenAddress,
  parseListenOrUnix,
  type UnixAddress,
} from 'wsproxy-cli';
import { listenOnUnixSocket } from 'wsproxy-node/sockets';
import type { ListenOptions } from '../index.js';
import { SYSTEMD, type SystemdSocket, systemdSocket } from './systemd-socket.js';

/** What --listen says. */
export type ListenAt = ListenAddress | UnixAddress | SystemdSocket;

/** Whom systemd may have handed a socket to. */
export interface ThisProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
}

/** Listens where --listen says, and resolves with where that is, for the log. Rejects with ExitError. */
export async function listen(server: Listener, where: ListenAt, self: ThisProcess): Promise<string> {
  if ('systemd' in where) {
    const address = await server.listen({ fd: systemdSocket(self.env, self.pid) });
    return address === undefined ? SYSTEMD : formatListenAddress({ host: address.address, port: address.port });
  }
  return listenAt(where, (options) => server.listen(options), '--listen');
}

/** What can listen; it resolves with the address, if it is one of TCP. */
export interface Listener {
  listen(options: ListenOptions): Promise<AddressInfo | undefined>;
}

/** The same of the port that remote listeners for host names share. */
export function listenForNames(listener: Listener, where: ListenAddress | UnixAddress): Promise<string> {
  return listenAt(where, (options) => listener.listen(options), '--reverse-http');
}

/** The same of the port that other servers of a cluster come to. */
export function listenForNodes(listener: Listener, where: ListenAddress): Promise<string> {
  return listenAt(where, (options) => listener.listen(options), '--cluster-listen');
}

async function listenAt(
  where: ListenAddress | UnixAddress,
  listen: (options: ListenOptions) => Promise<AddressInfo | undefined>,
  flag: string,
): Promise<string> {
  try {
    const address = await ('path' in where ? listenOnUnixSocket(where.path, () => listen(where)) : listen(where));
    return formatListenAddress(address === undefined ? where : { host: address.address, port: address.port });
  } catch (error) {
    throw error instanceof ExitError ? error : explainListenError(error as Error, where, flag);
  }
}

/**
 * Reads `[host:]port`, `unix:/path` or `systemd`.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseListen(text: string): ListenAt {
  return text === SYSTEMD ? { systemd: true } : parseListenOrUnix(text, '127.0.0.1');
}
