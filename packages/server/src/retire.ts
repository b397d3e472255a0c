import type { Gateway } from './gateway/gateway.js';
import type { SessionRegistry } from './sessions/session-registry.js';

/**
 * Lets go of what is there, within `time` ms, as far as it can go elsewhere; and gives whoever had come before an answer, since nobody
 * else can.
 */
export async function retire(
  sessions: Pick<SessionRegistry, 'drain' | 'greeted'>,
  gateway: Pick<Gateway, 'settled'>,
  time: number,
): Promise<void> {
  await Promise.all([
    sessions.drain(time, Math.min(time, TIME_TO_MOVE)),
    gateway.settled(Math.min(time, TIME_TO_ANSWER)),
  ]);
  // Of those at the door some have become transports.
  await sessions.greeted();
}

/** What clients have to begin another session before those without a channel are ended, ms. */
const TIME_TO_MOVE = 5_000;
/** Longer than a connection may take to get its answer, ms. */
const TIME_TO_ANSWER = 60_000;
