import type { User } from './users/user.js';

/** Takes the value of the Authorization header; undefined for whatever is not the right token. */
export type Authenticate = (authorization: string | undefined) => User | undefined;

/**
 * Every Authorization value of a request. Counted in `rawHeaders`, since `request.headers` keeps the first of several
 * in silence, while a reverse proxy in front may have checked the last.
 */
export function authorizationValues(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization');
}
