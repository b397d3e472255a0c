/** How long `Retry-After` asks to wait (RFC 9110 section 10.2.3), ms; 0 without one. `now`: ms since 1970. */
export function parseRetryAfter(text: string | undefined, now: number): number {
  if (text === undefined) return 0;
  const wait = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  // What is no date is no number either.
  return Number.isNaN(wait) ? 0 : Math.max(0, wait);
}
