import type { RelaySocket } from './reset-socket.js';
import { isDead, type Mortal } from './socket-death.js';

/** How often they are looked at, ms. */
const INTERVAL = 500;
const unread = new Set<Unread>();
let timer: NodeJS.Timeout | undefined;

/** The system tells of a reset only those who read or write: until `unwatch`, `onDead` is told here. */
export function watchForReset(one: Unread): void {
  unread.add(one);
  timer ??= setInterval(look, INTERVAL).unref();
}

export function unwatch(one: Unread): void {
  unread.delete(one);
}

function look(): void {
  for (const one of unread) {
    if (one.socket.destroyed) unread.delete(one);
    else if (isDead(one.socket)) {
      unread.delete(one);
      one.onDead();
    }
  }
  if (unread.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** A socket that nobody reads: it is paused, or has ended. */
export interface Unread extends Mortal {
  readonly socket: RelaySocket;
}
