import { createHash, timingSafeEqual } from 'node:crypto';

/** Whoever a right token belongs to; sessions and limits are counted by `id`. */
export interface User {
  readonly id: string;
}

/** Takes the value of the Authorization header; undefined for whatever is not the right token. */
export type Authenticate = (authorization: string | undefined) => User | undefined;

/** Characters a token must have at least: 128 bits in hexadecimal. */
const MIN_TOKEN_LENGTH = 32;

/**
 * Accepts the one token as `Authorization: Bearer` (RFC 6750 section 2.1), in the same time for every wrong answer.
 * Throws a RangeError when the token is too short to be safe.
 */
export function createAuthenticator(token: string): Authenticate {
  if (token.length < MIN_TOKEN_LENGTH) {
    throw new RangeError(`the token has ${token.length} characters; use one of ${MIN_TOKEN_LENGTH} or more`);
  }
  const expected = digest(token);
  const user: User = { id: 'default' };

  return (authorization = '') => {
    const presented = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    // Always the same work: digests have one length, so that timingSafeEqual neither throws nor tells the token's.
    return timingSafeEqual(digest(presented), expected) ? user : undefined;
  };
}

/**
 * Every Authorization value of a request. Counted in `rawHeaders`, since `request.headers` keeps the first of several
 * in silence, while a reverse proxy in front may have checked the last.
 */
export function authorizationValues(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
