import type { Duplex } from 'node:stream';
import { resetSocket } from './reset-socket.js';

/** Joins two streams that have become bytes: what comes, an end, and a loss pass from each to the other. */
export function joinStreams(one: Duplex, other: Duplex): void {
  one.pipe(other);
  other.pipe(one);
  passLossOn(one, other);
  passLossOn(other, one);
}

/** What ends before both directions have ended resets the other. */
export function passLossOn(from: Duplex, to: Duplex): void {
  // 'close' follows.
  from.on('error', () => {});
  from.once('close', () => {
    if (!from.readableEnded || !from.writableFinished) resetSocket(to);
  });
  if (from.destroyed) resetSocket(to);
}
