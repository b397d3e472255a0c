import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { TunnelError } from 'wsproxy-engine';
import { resetOnceDestroyed } from '../internals/undocumented.js';

/** `destroy()` alone would look like a clean end; Unix sockets know nothing better, other streams have errors. */
export function resetSocket(socket: RelaySocket): void {
  if (socket.destroyed) return;
  if (socket instanceof TLSSocket) resetOnceDestroyed(socket);
  if (!(socket instanceof Socket) || socket instanceof TLSSocket) socket.destroy(new TunnelError('CONNECTION_RESET'));
  else if (socket.localAddress === undefined) socket.destroy();
  // Between `end()` and 'finish' a reset fails in the system (EINVAL), and the socket would stay for ever.
  else if (socket.writableEnded && !socket.writableFinished) socket.once('finish', () => resetSocket(socket));
  else socket.resetAndDestroy();
}

/** What a channel is joined with: a socket, or anything else that carries bytes both ways and keeps half-closes. */
export type RelaySocket = Duplex & Partial<Pick<Socket, 'localAddress' | 'remoteAddress'>>;
