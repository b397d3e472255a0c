import type { Duplex } from 'node:stream';
import type { SlabPool } from 'wsproxy-engine';
import { readIntoSlabs } from '../internals/read-into-slabs.js';
import { passLossOn } from './join-streams.js';

/**
 * As `joinStreams`, for much: what passes costs half as much where both are sockets of the system, since it is read into memory of
 * `pool`. Both may be paused.
 */
export function joinSockets(one: Duplex, other: Duplex, pool: SlabPool): void {
  passOn(one, other, pool);
  passOn(other, one, pool);
}

function passOn(from: Duplex, to: Duplex, pool: SlabPool): void {
  const onBytes = (bytes: Uint8Array): void => {
    const kept = pool.keep(bytes);
    if (!to.write(kept, () => pool.release(kept))) from.pause();
  };
  to.on('drain', () => from.resume());
  from.once('end', () => to.end());
  passLossOn(from, to);
  const reader = readIntoSlabs(from, pool, { onBytes });
  from.once('close', () => reader?.stop());
  // What it holds already, and everything where Node does not read into slabs.
  from.on('data', onBytes).resume();
}
