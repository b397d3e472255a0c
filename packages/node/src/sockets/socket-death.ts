import { readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { RelaySocket } from './reset-socket.js';

/** Whoever has to know that the connection of its socket was reset, or has failed otherwise. */
export interface Mortal {
  onDead(): void;
}

const NOTHING = Buffer.alloc(0);

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
  const fd = descriptorOf(socket);
  // Windows has no descriptor to read from.
  if (fd < 0) return socket.remoteAddress === undefined && socket.localAddress !== undefined && !socket.writableEnded;
  try {
    return readSync(fd, Buffer.alloc(1)) > 0 && !(socket instanceof TLSSocket);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EAGAIN';
  }
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
  const fd = descriptorOf(socket);
  if (fd < 0) return false;
  try {
    writeSync(fd, NOTHING);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return false;
    // This is also how a half that we have ended answers.
    return code !== 'EPIPE' || !socket.writableEnded;
  }
}

/** Of TLS that of the TCP connection below. */
function descriptorOf(socket: Socket): number {
  return (socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}
