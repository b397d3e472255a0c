import { systemClock } from 'wsproxy-engine';
import { resetSocket } from '../sockets/reset-socket.js';
import type { ApplicationSocket } from './application-socket.js';

/**
 * Sends the last bytes, if any, and closes. Closing with unread input would be a reset that takes the reply with it
 * (RFC 9112 section 9.6), so what the application still sends is read and dropped, for at most LINGER once it has taken
 * everything. One that takes nothing any more is reset: it must not take what it has for the whole.
 */
export function closePolitely(socket: ApplicationSocket, reply?: Buffer | string): void {
  if (socket.destroyed || socket.writableEnded || closing.has(socket)) return;
  closing.add(socket);
  if (reply !== undefined) socket.write(reply);
  socket.resume();
  // Node counts what the system takes of a long write as activity.
  socket.setTimeout(PATIENCE, () => resetSocket(socket));
  const end = (): void => {
    if (socket.destroyed) return;
    socket.end();
    closeWithin(socket, () => socket.destroy());
  };
  // Once it has been ended, the system does not reset a socket that still has to write.
  if (socket.writableLength === 0) end();
  else socket.write('', end);
}

/** Resets a socket, at once; one that has its last bytes, and is about to close by itself, within LINGER. */
export function resetPolitely(socket: ApplicationSocket): void {
  if (closing.has(socket)) closeWithin(socket, () => resetSocket(socket));
  else resetSocket(socket);
}

const closing = new WeakSet<ApplicationSocket>();

/**
 * Ends a transfer that is not complete in a way that cannot be mistaken for one that is: a reset, after what was
 * written before has left, for which there is LINGER.
 */
export function cutOff(socket: ApplicationSocket): void {
  if (socket.destroyed) return;
  const reset = () => {
    linger.cancel();
    resetSocket(socket);
  };
  const linger = systemClock.setTimer(reset, LINGER);
  socket.write('', reset);
}

/** Unless it has closed by itself before. */
function closeWithin(socket: ApplicationSocket, close: () => void): void {
  const linger = systemClock.setTimer(close, LINGER);
  socket.once('close', () => linger.cancel());
}

/** How long a peer may take to close its side after we have closed ours, ms. */
const LINGER = 1_000;
/** How long an application that has its last bytes may take none of them, ms. */
const PATIENCE = 60_000;
