/**
 * What a handshake parser makes of the bytes received so far. Parsers are pure, keep nothing between calls and decide
 * as early as the bytes allow, so their answer does not depend on how the input was sliced.
 */
export type ParseResult<T> =
  | { readonly state: 'more' }
  /** `length` bytes belong to `value`; what follows them is the next message, or early data. */
  | { readonly state: 'done'; readonly value: T; readonly length: number }
  /** `reply` is the last thing to send before closing; without one the connection is closed in silence. */
  | { readonly state: 'invalid'; readonly reason: string; readonly reply?: Buffer };

export const MORE: ParseResult<never> = { state: 'more' };
