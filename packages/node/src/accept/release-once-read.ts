import type { Channel } from 'wsproxy-engine';
import type { HeldRelay } from '../relay/relay.js';
import { peerHasRead } from '../sockets/peer-has-read.js';
import type { ApplicationSocket } from './application-socket.js';

/**
 * Lets go of what a destination says first once the application has read what was written to it before. Anyone who speaks
 * first has read it; of the others the system is asked, less and less often, while something waits for them.
 */
export function releaseOnceRead(
  held: HeldRelay,
  channel: Channel,
  socket: ApplicationSocket,
  hasRead: typeof peerHasRead = peerHasRead,
  delay: number = FIRST_DELAY,
): void {
  const look = async () => {
    if (!held.isHeld || socket.destroyed) return;
    const { state, figures } = channel;
    const isEmpty = figures.bytesReceived === 0;
    const isRead = isEmpty ? state.dead || state.receiving !== 'open' : await orTrueWhenLate(hasRead(socket));
    const isPatient = delay < (isRead === undefined ? BLIND_DELAY : LAST_DELAY);
    if (isRead !== true && isPatient) releaseOnceRead(held, channel, socket, hasRead, 2 * delay);
    else held.release();
  };
  setTimeout(() => void look(), delay).unref();
}

/** The system is asked on a thread, and all of these may be waiting for a nameserver. */
function orTrueWhenLate(answer: Promise<boolean | undefined>): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, LAST_DELAY, true).unref();
    void answer.then(resolve).finally(() => clearTimeout(late));
  });
}

/** Ms until it is looked for the first time; twice as many until the next. */
const FIRST_DELAY = 5;
/** The last one: 1.3 s have passed then, and 0.15 s where nobody can say. No answer takes longer. */
const LAST_DELAY = 640;
const BLIND_DELAY = 80;
