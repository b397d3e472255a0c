import type { Socket } from 'node:net';
import { systemClock } from 'wsproxy-engine';
import { resetSocket } from '../sockets/reset-socket.js';

/**
 * Sends the last bytes, if any, and closes. Closing with unread input would be a reset that takes the reply with it
 * (RFC 9112 section 9.6), so what the application still sends is read and dropped, for at most LINGER.
 */
export function closePolitely(socket: Socket, reply?: Buffer | string): void {
  if (socket.destroyed || socket.writableEnded) return;
  closing.add(socket);
  if (reply === undefined) socket.end();
  else socket.end(reply);
  socket.resume();
  destroyLate(socket);
}

/** Whether a socket has its last bytes, and is about to close by itself. */
export function closesPolitely(socket: Socket): boolean {
  return closing.has(socket);
}

const closing = new WeakSet<Socket>();

/**
 * Ends a transfer that is not complete in a way that cannot be mistaken for one that is: a reset, after what was
 * written before has left, for which there is LINGER.
 */
export function cutOff(socket: Socket): void {
  if (socket.destroyed) return;
  const reset = () => {
    linger.cancel();
    resetSocket(socket);
  };
  const linger = systemClock.setTimer(reset, LINGER);
  socket.write('', reset);
}

/** What is over closes by itself, or within LINGER. */
function destroyLate(socket: Socket): void {
  const linger = systemClock.setTimer(() => socket.destroy(), LINGER);
  socket.once('close', () => linger.cancel());
}

/** How long a peer may take to close its side after we have closed ours, ms. */
const LINGER = 1_000;
