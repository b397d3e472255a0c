import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { type Found, Guard } from '../../src/limits/guard.js';
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

/** A place for which nobody has to be asked. */
export function atOnce<T>(found: Found<T>): T | undefined {
  if (found instanceof Promise) throw new Error('other processes are asked');
  return found;
}
