import type { Socket } from 'node:net';

/**
 * Resets a connection. Between the last byte behind `end()` and 'finish' a reset fails in the system (EINVAL), and the socket
 * would stay for ever; its end is under way already.
 */
export function reset(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
