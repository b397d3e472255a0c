import type { RelaySocket } from './reset-socket.js';

/** Where Node notes that a stream has failed, in either half. */
interface Half {
  errored: Error | null;
  readonly ended: boolean;
}

/**
 * Keeps a socket open when a write fails: what its peer had sent before it went away waits in the system, and Node would
 * throw it away with the socket. `onFailure` is told instead, once, and reads go on to their end; whoever is told destroys
 * the socket then.
 */
export function outliveFailedWrites(socket: RelaySocket, onFailure: () => void): void {
  let hasFailed = false;
  const { destroy } = socket;
  socket.destroy = function outlive(error) {
    // Only a failed write is noted before the stream is destroyed for it.
    const isWrite = error != null && socket.errored === error;
    if (!isWrite || socket.destroyed || socket.readableEnded) return destroy.call(socket, error);
    const { _readableState: reads, _writableState: writes } = socket as unknown as Record<string, Half>;
    for (const half of [reads, writes]) if (half !== undefined) half.errored = null;
    if (!hasFailed) onFailure();
    hasFailed = true;
    // Had the end come just before, it was not told because of the failure.
    if (reads?.ended === true) socket.read(0);
    return socket;
  };
}
