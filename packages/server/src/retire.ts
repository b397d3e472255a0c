import { systemClock } from 'wsproxy-engine';
import type { Gateway } from './gateway/gateway.js';
import type { Listening } from './listening.js';
import type { Membership } from './membership.js';
import type { SessionRegistry } from './sessions/session-registry.js';

/**
 * Lets go of what is there, within `time` ms, as far as it can go elsewhere; and gives anyone who had come before an answer, since nobody
 * else can.
 */
export async function retire(from: Retiring, time: number): Promise<void> {
  await Promise.all([
    drain(from, time, Math.min(time, TIME_TO_MOVE)),
    from.gateway.settled(Math.min(time, TIME_TO_ANSWER)),
  ]);
  // Of those at the door some have become transports.
  await from.sessions.greeted();
}

/**
 * Lets finish what runs, within `time` ms: the channels of clients, and what passes through here between strangers and clients of
 * other processes. Resolves with the number of channels that did not finish. `patience` as in the registry.
 */
export async function drain(
  { sessions, listening, membership }: Draining,
  time: number,
  patience: number = 0,
): Promise<number> {
  const deadline = systemClock.now() + time;
  const [unfinished] = await Promise.all([sessions.drain(time, patience), listening?.settled(time, patience)]);
  // Of channels that are over, the end may still be on its way to another process.
  await membership.settled(Math.max(0, deadline - systemClock.now()));
  return unfinished;
}

interface Draining {
  readonly sessions: Pick<SessionRegistry, 'drain' | 'greeted'>;
  readonly listening: Pick<Listening, 'settled'> | undefined;
  readonly membership: Pick<Membership, 'settled'>;
}

interface Retiring extends Draining {
  readonly gateway: Pick<Gateway, 'settled'>;
}

/** What clients have to begin another session before those without a channel are ended, ms. */
const TIME_TO_MOVE = 5_000;
/** Longer than a connection may take to get its answer, ms. */
const TIME_TO_ANSWER = 60_000;
