import type { Duplex } from 'node:stream';
import { resetSocket } from './reset-socket.js';

/** Joins two streams that have become bytes: what comes, an end, and a loss pass from each to the other. */
export function joinStreams(one: Duplex, other: Duplex): void {
  passOn(one, other);
  passOn(other, one);
}

function passOn(from: Duplex, to: Duplex): void {
  // 'close' follows.
  from.on('error', () => {});
  from.pipe(to);
  from.once('close', () => {
    if (!from.readableEnded || !from.writableFinished) resetSocket(to);
  });
  if (from.destroyed) resetSocket(to);
}
