import { SlabPool } from '../../../packages/engine/src/memory/slab-pool.js';
import { FakeClock } from '../../../packages/engine/src/testing/fake-clock.js';

/** A pool of its own, that is tidied by nobody. */
export function newMemory(): SlabPool {
  return new SlabPool(new FakeClock());
}
