import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * The one `Authorization` of a request, as its digest; undefined for a request without it or with several, and for one of a page, whose
 * `Origin` counts too.
 */
export function credentialOf({ rawHeaders, headers }: IncomingMessage): Buffer | undefined {
  const [value, ...others] = authorizationValues(rawHeaders);
  if (value === undefined || others.length > 0 || headers.origin !== undefined) return undefined;
  return createHash('sha256').update(value).digest();
}

export function isSameCredential(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}

/**
 * Every Authorization value of a request. Counted in `rawHeaders`, since `request.headers` keeps the first of several
 * in silence, while a reverse proxy in front may have checked the last.
 */
export function authorizationValues(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization');
}
