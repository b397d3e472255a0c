import type { Clock } from '../clock.js';
import { FIRST_FRAME_SIZE } from '../constants.js';
import { MemoryBudget } from '../flow/memory-budget.js';
import type { SlabPool } from '../memory/slab-pool.js';
import type { Carrier } from './session-channel.js';

/** Carries channels that no session does. */
export function nowhere(clock: Pick<Clock, 'now'>, memory: SlabPool): Carrier {
  return {
    isNowhere: true,
    memory,
    budget: NOTHING,
    progress: () => NO_PROGRESS,
    ask() {},
    queues: NOTHING,
    frameSize: FIRST_FRAME_SIZE,
    now: () => clock.now(),
    roundTrip: () => 0,
    onSendable() {},
    onGrant() {},
    onOver() {},
  };
}

const NO_PROGRESS = { framesSent: 0, framesProcessed: 0, asked: 0, answered: 0 };
const NOTHING = new MemoryBudget(0);
