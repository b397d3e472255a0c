/** While a request waits, the server is tried as often as this, ms. */
export const HURRIED_RETRY = 1_500;
/** A session that was online for less than this, ms, and opened no channel, was of no use. */
export const AT_ONCE = 1_000;
