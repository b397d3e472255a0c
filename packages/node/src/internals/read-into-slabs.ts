import type { Duplex } from 'node:stream';
import { type ByteTaker, type SlabPool, SlabReader } from 'wsproxy-engine';
import { readInto, readNextInto } from './undocumented.js';

/**
 * Has a socket read into slabs in place of memory that Node allocates for each read; `taker` takes what it read. Ends,
 * errors, `pause` and `resume` are as ever, and so is what the socket holds already, which comes as 'data'. The caller stops
 * what is returned when the socket is closed; it is undefined where Node does not allow it, and all comes as 'data' then.
 */
export function readIntoSlabs(socket: Duplex, pool: SlabPool, taker: ByteTaker): SlabReader | undefined {
  const reader = new SlabReader(pool, taker, (bytes) => readNextInto(socket, bytes));
  return readInto(socket, reader) ? reader : undefined;
}
