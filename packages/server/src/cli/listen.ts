import { ExitError, explainListenError, formatListenAddress, listenOnUnixSocket } from 'wsproxy-cli';
import type { Server } from '../index.js';
import type { FrontOptions } from './front-options.js';
import { SYSTEMD, systemdSocket } from './systemd-socket.js';

/** Whom systemd may have handed a socket to. */
export interface ThisProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
}

/** Listens where --listen says, and resolves with where that is, for the log. Rejects with ExitError. */
export async function listen(server: Server, where: FrontOptions['listen'], self: ThisProcess): Promise<string> {
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
