import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'wsproxy-engine';
import { DescriptorReserve } from '../sockets/descriptor-reserve.js';
import { ignoreErrors } from '../sockets/ignore-errors.js';
import { resetPolitely } from './close-politely.js';

/**
 * Hands every connection that comes to `onSocket`. Rejects with the error of `net.Server` if it cannot listen. It is
 * bound when this function returns, before the promise resolves: anyone who has set a umask for that may take it back.
 */
export async function acceptLocal(
  at: Endpoint & Binding,
  logger: Logger,
  onSocket: (socket: Socket) => void,
): Promise<LocalPort> {
  const sockets = new Set<Socket>();
  function forget(this: Socket): void {
    sockets.delete(this);
  }
  const reserve = new DescriptorReserve({
    onScarce: () => logger.warn({ port: nameOf(at) }, NO_DESCRIPTOR),
    onPlenty: (closed) => logger.info({ port: nameOf(at), closed }, 'there are descriptors again'),
  });
  // Without allowHalfOpen, what comes back after the application has ended its half is lost.
  const { pauseOnConnect = false } = at;
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect }, (socket) => {
    if (!reserve.admits(socket)) return void socket.destroy();
    sockets.add(socket);
    socket.on('close', forget);
    ignoreErrors(socket);
    onSocket(socket);
  });
  const port = await listenAt(server, at, () => {
    // What has been answered, and is about to close by itself, is to get its answer.
    for (const socket of sockets) resetPolitely(socket);
  });
  server.on('error', (error) => logger.error({ error }, 'local port failed'));
  return port;
}

const NO_DESCRIPTOR = 'no descriptor is left: connections of applications are closed; raise the limit (ulimit -n)';

function nameOf(at: Endpoint): string {
  return 'path' in at ? at.path : `${at.host}:${at.port}`;
}

/**
 * Rejects with the error of `net.Server` if it cannot listen; bound when this function returns. `cutAll` ends the
 * connections that are left at the close.
 */
export async function listenAt(server: Server, at: Endpoint & Binding, cutAll: () => void): Promise<LocalPort> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Without a host Node takes every address of both families, or of the one there is.
    server.listen('host' in at && at.host === '*' ? { ...at, host: undefined } : at, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const closed = new Promise<void>((resolve) => {
    server.once('close', resolve);
  });
  const stop = (): void => void server.close();
  return {
    address: addressOf(server),
    stop,
    close() {
      stop();
      cutAll();
      return closed;
    },
  };
}

/**
 * Where to accept local applications: a port of an address (`*` is every one; port 0 lets the system choose), or the path
 * of a Unix socket.
 */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** What else is asked of the system. */
export interface Binding {
  /** Anyone who is a worker of a cluster does not share the port with the others. */
  readonly exclusive?: boolean;
  /** `::` is every address of IPv6, and none of IPv4. */
  readonly ipv6Only?: boolean;
  /** Nothing is read of what comes, since it is for another process. */
  readonly pauseOnConnect?: boolean;
}

/** Something that accepts local applications. */
export interface LocalPort {
  /** Of a Unix socket, `address` is the path, `family` is `unix` and `port` is 0. */
  readonly address: AddressInfo;
  /** Stops accepting; the connections there are go on. */
  stop(): void;
  /** Stops accepting and resets the connections that are left; resolves when all of them are closed. */
  close(): Promise<void>;
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address !== null && typeof address === 'object') return address;
  return { address: address ?? '', family: 'unix', port: 0 };
}
