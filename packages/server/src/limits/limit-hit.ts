import type { LimitName } from './limits.js';

/** A limit that is in the way, its value, and whether it is that of one user. */
export interface LimitHit {
  readonly limit: LimitName;
  readonly value: number;
  readonly ofUser: boolean;
}
