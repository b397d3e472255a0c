import { MemoryBudget } from '../flow/memory-budget.js';
import type { ChannelPort } from './channel.js';

/** Carries a channel that no session does. */
export function nowhere(now: () => number): ChannelPort {
  return {
    isNowhere: true,
    budget: NOTHING,
    isAttached: () => false,
    queues: NOTHING,
    now,
    roundTrip: () => 0,
    onSendable() {},
    onGrant() {},
    onOver() {},
  };
}

const NOTHING = new MemoryBudget(0);
