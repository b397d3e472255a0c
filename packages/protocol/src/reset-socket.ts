import type { Socket } from 'node:net';

/** `destroy()` alone would look like a clean end; Unix sockets know nothing better. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.localAddress === undefined) socket.destroy();
  // Between `end()` and 'finish' a reset fails in the system (EINVAL), and the socket would stay for ever.
  else if (socket.writableEnded && !socket.writableFinished) socket.once('finish', () => resetSocket(socket));
  else socket.resetAndDestroy();
}
