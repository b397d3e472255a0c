import type { LimitName, LimitOptions } from '../limits/limits.js';

/** That are meant for the whole server, and that the workers do not count together. */
const OF_SERVER: readonly LimitName[] = ['unauthenticated', 'lookups', 'memory', 'sockets'];

/** What one of several workers has of the limits of the whole server; the others it has in full. */
export function shareLimits(
  limits: LimitOptions,
  defaults: Readonly<Record<LimitName, Share>>,
  workers: number,
): LimitOptions {
  const shares = OF_SERVER.map((name) => {
    const { default: usual, min } = defaults[name];
    const whole = limits[name] ?? usual;
    // 0 stands for what the system gives to each process.
    return [name, whole === 0 ? 0 : Math.max(min, Math.ceil(whole / workers))];
  });
  return { ...limits, ...Object.fromEntries(shares) };
}

interface Share {
  readonly default: number;
  readonly min: number;
}
