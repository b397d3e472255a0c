import type { DestinationRules } from 'wsproxy-node/targets';
import type { UserLimits } from './user-limits.js';

/** Whoever a right token belongs to, with the rules that hold now; sessions and limits are counted by `id`. */
export interface User {
  readonly id: string;
  /** In place of the server's rules; what the server denies to everybody stays denied. */
  readonly policy?: DestinationRules;
  readonly limits?: UserLimits;
  /** The right token is refused like a wrong one. Default false. */
  readonly disabled?: boolean;
}
