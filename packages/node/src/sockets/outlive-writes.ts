import type { RelaySocket } from './reset-socket.js';
import type { Mortal } from './socket-death.js';

/** Where Node notes that a stream has failed, in either half. */
interface Half {
  errored: Error | null;
  readonly ended: boolean;
}

const OUTLIVING = Symbol('outliving');

/** What is kept for one socket. */
interface Outliving {
  readonly destroy: RelaySocket['destroy'];
  readonly owner: Mortal;
  hasFailed: boolean;
}

type OutlivingSocket = RelaySocket & { [OUTLIVING]: Outliving };

/**
 * Keeps a socket open when a write fails: what its peer had sent before it went away waits in the system, and Node would
 * throw it away with the socket. `owner` is told instead, once, and reads go on to their end; it destroys the socket then.
 */
export function outliveFailedWrites(socket: RelaySocket, owner: Mortal): void {
  const { destroy } = socket;
  Object.assign(socket, { [OUTLIVING]: { destroy, owner, hasFailed: false }, destroy: outlive });
}

/** One for all sockets, since ten thousand may be idle. */
function outlive(this: OutlivingSocket, error?: Error): OutlivingSocket {
  const outliving = this[OUTLIVING];
  // Only a failed write is noted before the stream is destroyed for it.
  const isWrite = error != null && this.errored === error;
  if (!isWrite || this.destroyed || this.readableEnded) {
    outliving.destroy.call(this, error);
    return this;
  }
  const { _readableState: reads, _writableState: writes } = this as unknown as Record<string, Half>;
  for (const half of [reads, writes]) if (half !== undefined) half.errored = null;
  if (!outliving.hasFailed) outliving.owner.onDead();
  outliving.hasFailed = true;
  // Had the end come just before, it was not told because of the failure.
  if (reads?.ended === true) this.read(0);
  return this;
}
