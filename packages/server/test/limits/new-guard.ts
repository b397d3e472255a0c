import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';

/** A guard, its clock, and what it tells. */
export function newGuard(limits: LimitOptions = {}, isShared = false) {
  const clock = new FakeClock();
  const hits: string[] = [];
  const guard = new Guard({
    limits: resolveLimits(limits),
    clock,
    logger: silentLogger,
    onLimit: (limit) => hits.push(limit),
    isShared: () => isShared,
  });
  return { clock, guard, hits };
}
