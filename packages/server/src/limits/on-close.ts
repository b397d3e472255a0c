import type { RelaySocket } from 'wsproxy-node/sockets';

/** Calls `callback` when `socket` closes, at once if that is past. */
export function onClose(socket: RelaySocket, callback: () => void): void {
  if (socket.closed) callback();
  else socket.once('close', callback);
}
