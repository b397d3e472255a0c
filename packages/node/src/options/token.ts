/** Characters that a token must have at least: 128 bits in hexadecimal. */
const MIN_LENGTH = 32;
/** More would not fit into a request beside everything else. */
export const MAX_TOKEN_LENGTH = 4_096;

/** What is wrong with a token, without the token itself; undefined when nothing is. */
export function problemOfToken(token: string): string | undefined {
  if (token.length < MIN_LENGTH || token.length > MAX_TOKEN_LENGTH) {
    return `has ${token.length} characters; use one of ${MIN_LENGTH} or more, ${MAX_TOKEN_LENGTH} at most`;
  }
  // RFC 6750 section 2.1 allows fewer; these are what a header carries unchanged.
  return /^[\x21-\x7e]+$/.test(token) ? undefined : 'has a character that is not printable ASCII, or a space inside';
}
