import { type RelaySocket, resetSocket } from 'wsproxy-node/sockets';

/** Resets `socket`, and drops what its destination has not taken. */
export function cutOff(socket: RelaySocket): void {
  resetSocket(socket);
  // It may want to finish first what it never will.
  socket.destroy();
}
