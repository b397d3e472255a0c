import type { DestinationRules } from 'wsproxy-node/targets';
import type { UserLimits } from './user-limits.js';

/** The user that a right token belongs to, with the rules that hold now; sessions and limits are counted by `id`. */
export interface User {
  readonly id: string;
  /** In place of the server's rules; what the server denies to everybody stays denied. */
  readonly policy?: DestinationRules;
  /** Where remote listeners may be, in place of the server's rules for it: `127.0.0.1:8000-8099`, `http:*.example.org`. */
  readonly listen?: readonly string[];
  readonly limits?: UserLimits;
  /** The right token is refused like a wrong one. Default false. */
  readonly disabled?: boolean;
  /** Which of several tokens it was, for logs. Never the token. */
  readonly tokenLabel?: string;
  /** What the token is for, if it is no token of the tunnel. */
  readonly tokenFor?: TokenPurpose;
  /**
   * When the token expires. It opens nothing from then on, and a session that came with it has a minute to come back with
   * another. Default: never.
   */
  readonly tokenExpires?: Date;
}

/** `wisp`: a token that stands in the path of a URL, or is the password of a client of Wisp, and opens nothing else. */
export type TokenPurpose = 'wisp';

/** The token of `user` is good no longer, by the time of day. */
export function hasExpired({ tokenExpires }: User, wallTime: number): boolean {
  return tokenExpires !== undefined && tokenExpires.getTime() <= wallTime;
}
