import type { Socket } from 'node:net';
import type { Logger } from 'wsproxy-protocol';
import type { Guard } from './limits/guard.js';

/** Connections that are not a WebSocket (yet), bounded in number: strangers get no more than these places. */
export class PendingConnections {
  readonly #limit: number;
  readonly #logger: Logger;
  readonly #guard: Pick<Guard, 'hit' | 'takeConnection'> | undefined;
  readonly #sockets = new Set<Socket>();
  #dropped = 0;
  #isDropping = false;

  /** `guard` counts descriptors, and is told when there is no place. */
  constructor(limit: number, logger: Logger, guard?: Pick<Guard, 'hit' | 'takeConnection'>) {
    this.#limit = limit;
    this.#logger = logger;
    this.#guard = guard;
  }

  /** Connections closed unread because too many were waiting. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Counts a connection from accept on; or destroys it, and says false, when there is no place. */
  admit(socket: Socket): boolean {
    if (this.#guard?.takeConnection(socket) === false) {
      socket.destroy();
      return false;
    }
    if (this.#sockets.size < this.#limit) {
      this.#sockets.add(socket);
      socket.once('close', () => this.settle(socket));
      return true;
    }
    socket.destroy();
    this.#dropped += 1;
    this.#guard?.hit('unauthenticated');
    if (!this.#isDropping)
      this.#logger.warn({ pending: this.#sockets.size }, 'too many connections wait, dropping new ones');
    this.#isDropping = true;
    return false;
  }

  /** The connection counts no more. One warning for each wave: it is over when half of the places are free. */
  settle(socket: Socket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size <= this.#limit / 2) this.#isDropping = false;
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
