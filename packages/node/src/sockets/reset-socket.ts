import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** What a channel is joined with: a socket, or whatever else carries bytes both ways and keeps half-closes. */
export type RelaySocket = Duplex & Partial<Pick<Socket, 'localAddress' | 'remoteAddress'>>;

/** `destroy()` alone would look like a clean end; Unix sockets know nothing better, other streams have errors. */
export function resetSocket(socket: RelaySocket): void {
  if (socket.destroyed) return;
  if (socket instanceof TLSSocket) resetBelow(socket);
  if (!(socket instanceof Socket) || socket instanceof TLSSocket) socket.destroy(new Error('reset'));
  else if (socket.localAddress === undefined) socket.destroy();
  // Between `end()` and 'finish' a reset fails in the system (EINVAL), and the socket would stay for ever.
  else if (socket.writableEnded && !socket.writableFinished) socket.once('finish', () => resetSocket(socket));
  else socket.resetAndDestroy();
}

interface Handle {
  reset?(onClose: unknown): number;
  close(onClose: unknown): void;
}

/**
 * TLS has no reset of its own, and Node none for it: it would end TCP, which many take for the end of all. Where TCP was
 * opened for this TLS it is closed with it, now by a reset.
 */
function resetBelow(socket: TLSSocket): void {
  const { _parentWrap: wrapped, _handle: handle } = socket as {
    _parentWrap?: unknown;
    _handle?: { _parent?: Handle } | null;
  };
  const below = handle?._parent;
  if (wrapped instanceof Socket) resetSocket(wrapped);
  else if (typeof below?.reset === 'function') {
    const { close } = below;
    // While it is being shut down it cannot be reset, and only closed.
    below.close = (onClose) => {
      if (below.reset?.(onClose) !== 0) close.call(below, onClose);
    };
  }
}
