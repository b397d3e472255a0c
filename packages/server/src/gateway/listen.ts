import type { AddressInfo, Server } from 'node:net';

export interface TcpListenOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** Where to accept WebSockets: TCP, a Unix socket, or a socket that somebody else has opened, such as systemd. */
export type ListenOptions = TcpListenOptions | { readonly path: string } | { readonly fd: number };

/** Resolves with the address, if it is one of TCP; rejects with the system's error. */
export function listenOn(server: Server, options: ListenOptions): Promise<AddressInfo | undefined> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...('port' in options && { host: '127.0.0.1' }), ...options, backlog: BACKLOG }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(address !== null && typeof address === 'object' && 'port' in address ? address : undefined);
    });
  });
}

/**
 * Connections that may wait to be accepted; the system may allow less. Behind a reverse proxy that was restarted all clients come
 * back at a time, and one that finds no room tries again after a second, and then after three.
 */
const BACKLOG = 4_096;
