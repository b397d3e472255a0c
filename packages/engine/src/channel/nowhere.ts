import type { Clock } from '../clock.js';
import { MemoryBudget } from '../flow/memory-budget.js';
import type { Channel } from './channel.js';
import { type Carrier, SessionChannel } from './session-channel.js';

type Watch = Pick<Clock, 'now'>;

const NOTHING = new MemoryBudget(0);
const nowheres = new WeakMap<Watch, Carrier>();

/** Carries channels that no session does; one for all that have the same clock. */
export function nowhere(clock: Watch): Carrier {
  const carrier = nowheres.get(clock) ?? createNowhere(clock);
  nowheres.set(clock, carrier);
  return carrier;
}

/** A session has let go of `channel`, and no other has taken it. */
export function isAdrift(channel: Channel): channel is SessionChannel {
  return channel instanceof SessionChannel && channel.isCarriedNowhere;
}

function createNowhere(clock: Watch): Carrier {
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
