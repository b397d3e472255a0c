import { hasExpired, type User } from './user.js';

/** Why somebody whose token is right is refused like all others, by the time of day, ms; undefined when there is no reason. */
export function denialOf(user: User, wallTime: number): Denial | undefined {
  if (user.disabled === true) return { reason: 'disabled user', ...whose(user) };
  return hasExpired(user, wallTime) ? { reason: 'expired token', ...whose(user) } : undefined;
}

export function whose({ id, tokenLabel }: User): Pick<Denial, 'user' | 'tokenLabel'> {
  return { user: id, ...(tokenLabel !== undefined && { tokenLabel }) };
}

/** Why nobody was let in, and whose token it would have been, if it was somebody's: for the log. */
export interface Denial {
  readonly reason:
    | 'disabled user'
    | 'expired token'
    | 'token of another kind'
    | 'no token'
    | 'not authenticated'
    | 'wrong token'
    | 'revoked by another server';
  /** Id of the user. */
  readonly user?: string;
  /** Which of several tokens. */
  readonly tokenLabel?: string;
}
