import type { Clock } from '../clock.js';
import { MemoryBudget } from '../flow/memory-budget.js';
import type { ChannelPort } from './channel.js';

type Watch = Pick<Clock, 'now'>;

const NOTHING = new MemoryBudget(0);
const nowheres = new WeakMap<Watch, ChannelPort>();

/** Carries channels that no session does; one for all that have the same clock. */
export function nowhere(clock: Watch): ChannelPort {
  const port = nowheres.get(clock) ?? createNowhere(clock);
  nowheres.set(clock, port);
  return port;
}

function createNowhere(clock: Watch): ChannelPort {
  return {
    isNowhere: true,
    budget: NOTHING,
    isAttached: () => false,
    queues: NOTHING,
    now: () => clock.now(),
    roundTrip: () => 0,
    onSendable() {},
    onGrant() {},
    onOver() {},
  };
}
