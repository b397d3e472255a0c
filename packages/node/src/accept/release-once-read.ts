import type { Socket } from 'node:net';
import type { Channel } from 'wsproxy-engine';
import type { HeldRelay } from '../relay/relay.js';
import { peerHasRead } from '../sockets/peer-has-read.js';

/**
 * Lets go of what a destination says first once the application has read what was written to it before. Whoever speaks
 * first has read it; of the others the system is asked, less and less often, while something waits for them.
 */
export function releaseOnceRead(held: HeldRelay, channel: Channel, socket: Socket, delay: number = FIRST_DELAY): void {
  setTimeout(() => void look(held, channel, socket, delay), delay).unref();
}

async function look(held: HeldRelay, channel: Channel, socket: Socket, delay: number): Promise<void> {
  if (!held.isHeld || socket.destroyed) return;
  const { state, figures } = channel;
  const isEmpty = figures.bytesReceived === 0;
  const isRead = isEmpty ? state.dead || state.receiving !== 'open' : await peerHasRead(socket);
  const isPatient = delay < (isRead === undefined ? BLIND_DELAY : LAST_DELAY);
  if (isRead !== true && isPatient) releaseOnceRead(held, channel, socket, 2 * delay);
  else held.release();
}

/** Ms until it is looked for the first time; twice as many until the next. */
const FIRST_DELAY = 5;
/** The last one: 1.3 s have passed then, and 0.15 s where nobody can say. */
const LAST_DELAY = 640;
const BLIND_DELAY = 80;
