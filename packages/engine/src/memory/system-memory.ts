import { systemClock } from '../clock.js';
import { SlabPool } from './slab-pool.js';

/** The pool of this process: compositions hand it down, as they do `systemClock`. */
export const systemMemory: SlabPool = new SlabPool(systemClock);
