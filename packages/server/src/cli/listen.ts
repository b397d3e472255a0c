import {
  ExitError,
  explainListenError,
  formatListenAddress,
  type ListenAddress,
  listenOnUnixSocket,
  parseListenOrUnix,
  type UnixAddress,
} from 'wsproxy-cli';
import type { Server } from '../index.js';
import { SYSTEMD, type SystemdSocket, systemdSocket } from './systemd-socket.js';

/** What --listen says. */
export type ListenAt = ListenAddress | UnixAddress | SystemdSocket;

/** Whom systemd may have handed a socket to. */
export interface ThisProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
}

/** Listens where --listen says, and resolves with where that is, for the log. Rejects with ExitError. */
export async function listen(server: Server, where: ListenAt, self: ThisProcess): Promise<string> {
  if ('systemd' in where) {
    const address = await server.listen({ fd: systemdSocket(self.env, self.pid) });
    return address === undefined ? SYSTEMD : formatListenAddress({ host: address.address, port: address.port });
  }
  try {
    if ('path' in where) {
      await listenOnUnixSocket(where.path, () => server.listen(where));
      return formatListenAddress(where);
    }
    const { address, port } = await server.listen(where);
    return formatListenAddress({ host: address, port });
  } catch (error) {
    throw error instanceof ExitError ? error : explainListenError(error as Error, where);
  }
}

/**
 * Reads `[host:]port`, `unix:/path` or `systemd`.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseListen(text: string): ListenAt {
  return text === SYSTEMD ? { systemd: true } : parseListenOrUnix(text, '127.0.0.1');
}
