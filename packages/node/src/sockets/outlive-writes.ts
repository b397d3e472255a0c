import { forgetFailedWrite, tellEndThatCame } from '../internals/undocumented.js';
import type { RelaySocket } from './reset-socket.js';
import type { Mortal } from './socket-death.js';

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
  const outliving = socket as OutlivingSocket;
  outliving[OUTLIVING] = { destroy: socket.destroy, owner, hasFailed: false };
  outliving.destroy = outlive;
}

/** One for all sockets, since ten thousand may be idle. */
function outlive(this: OutlivingSocket, error?: Error): OutlivingSocket {
  const outliving = this[OUTLIVING];
  if (this.destroyed || this.readableEnded || !forgetFailedWrite(this, error)) {
    outliving.destroy.call(this, error);
    return this;
  }
  if (!outliving.hasFailed) outliving.owner.onDead();
  outliving.hasFailed = true;
  tellEndThatCame(this);
  return this;
}
