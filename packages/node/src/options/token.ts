/** Characters that a token must have at least: 128 bits in hexadecimal. */
const MIN_LENGTH = 32;
/** More would not fit into a request beside everything else. */
export const MAX_TOKEN_LENGTH = 4_096;

/** SHA-256 of nothing, and of an end of line alone: what `printf %s "$TOKEN" | sha256sum` and `echo` make of a variable that is not set. */
const DIGESTS_OF_NOTHING: ReadonlySet<string> = new Set([
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b',
  '7eb70257593da06f682a3ddda54a9d260d4fc514f645237f5ca74b08f8da61a6',
]);

/** Whether a digest, in hexadecimal, is one that no token or password has, so that somebody has made a mistake. */
export function isDigestOfNothing(sha256: string): boolean {
  return DIGESTS_OF_NOTHING.has(sha256.toLowerCase());
}

/** What is wrong with a token, without the token itself; undefined when nothing is. */
export function problemOfToken(token: string): string | undefined {
  if (token.length < MIN_LENGTH || token.length > MAX_TOKEN_LENGTH) {
    return `has ${token.length} characters; use one of ${MIN_LENGTH} or more, ${MAX_TOKEN_LENGTH} at most`;
  }
  // RFC 6750 section 2.1 allows fewer; these are what a header carries unchanged.
  return /^[\x21-\x7e]+$/.test(token) ? undefined : 'has a character that is not printable ASCII, or a space inside';
}
