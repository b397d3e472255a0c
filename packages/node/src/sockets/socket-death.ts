import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { readByte, writeNothing } from '../internals/undocumented.js';
import type { RelaySocket } from './reset-socket.js';

/**
 * Whether what was reported as an end is a reset: Node 20 and 22, and early 24, report one that arrives together with data
 * as an end. Reading once more tells: nothing comes after an end, an error after a reset. (That the socket has no peer any
 * more does not tell: after both ends have ended it cleanly it has none either.)
 *
 * Only sockets of the system are asked; the end of any other stream is what it says it is. TLS ends by a close_notify of
 * its own, before the system has brought an end or a reset (EAGAIN). TLS that the peer cuts by an end of TCP alone is an end
 * too: Node does not tell the two apart, many peers close so, and TCP knows no better of a peer that was killed.
 */
export function endedByReset(socket: RelaySocket): boolean {
  if (!(socket instanceof Socket)) return false;
  const answer = readByte(socket);
  if (answer === undefined) return isWithoutPeer(socket);
  if (typeof answer === 'number') return answer > 0 && !(socket instanceof TLSSocket);
  return answer !== 'EAGAIN';
}

/**
 * Whether the connection is known to be reset, or to have failed otherwise, though nobody has read that far: what the
 * system keeps for the next read can still be read. A write of nothing tells. It takes the error with it: reads then come
 * to an end in its place.
 *
 * Nothing is known of what is no socket of the system. A Unix socket has no resets before its last byte was read.
 */
export function isDead(socket: RelaySocket): boolean {
  if (!(socket instanceof Socket) || socket.localAddress === undefined) return false;
  const answer = writeNothing(socket);
  if (typeof answer !== 'string' || answer === 'EAGAIN') return false;
  // This is also how a half that we have ended answers.
  return answer !== 'EPIPE' || !socket.writableEnded;
}

/** Where the system cannot be asked: it has no peer any more, though its own half was not ended. */
function isWithoutPeer(socket: Socket): boolean {
  return socket.remoteAddress === undefined && socket.localAddress !== undefined && !socket.writableEnded;
}

/** The one who has to know that the connection of its socket was reset, or has failed otherwise. */
export interface Mortal {
  onDead(): void;
}
