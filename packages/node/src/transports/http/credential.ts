import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * The one `Authorization` of a request, as its digest; undefined for a request without it or with several, and for one of a page, whose
 * `Origin` counts too.
 */
export function credentialOf({ rawHeaders, headers }: IncomingMessage): Buffer | undefined {
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization');
  const [value] = values;
  if (value === undefined || values.length > 1 || headers.origin !== undefined) return undefined;
  return createHash('sha256').update(value).digest();
}

export function isSameCredential(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}
