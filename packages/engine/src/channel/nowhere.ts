import type { Clock } from '../clock.js';
import { MemoryBudget } from '../flow/memory-budget.js';
import type { SlabPool } from '../memory/slab-pool.js';
import type { Channel } from './channel.js';
import { type Carrier, SessionChannel } from './session-channel.js';

/** Carries channels that no session does. */
export function nowhere(clock: Pick<Clock, 'now'>, memory: SlabPool): Carrier {
  return {
    isNowhere: true,
    memory,
    budget: NOTHING,
    progress: () => NO_PROGRESS,
    ask() {},
    queues: NOTHING,
    now: () => clock.now(),
    roundTrip: () => 0,
    onSendable() {},
    onGrant() {},
    onOver() {},
  };
}

/** A session has let go of `channel`, and no other has taken it. */
export function isAdrift(channel: Channel): channel is SessionChannel {
  return channel instanceof SessionChannel && channel.isCarriedNowhere;
}

const NO_PROGRESS = { framesSent: 0, framesProcessed: 0, asked: 0, answered: 0 };
const NOTHING = new MemoryBudget(0);
