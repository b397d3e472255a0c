const CLOSE = 0x88;
/** As a server says it, and as a client does, with a mask. */
const LENGTHS = new Set([0x02, 0x82]);
/** A close frame with a code and a mask (RFC 6455 section 5.5.1), bytes. */
const LONGEST = 8;

/**
 * Whether a message ends as a close frame begins. Some reverse proxies (Caddy) write one when they reload, also into the
 * middle of a message that they pass on; what was missing of that message is then taken from the close frame.
 */
export function endsAsClosing(message: Uint8Array): boolean {
  const { length } = message;
  if (message[length - 1] === CLOSE) return true;
  for (let at = Math.max(0, length - LONGEST); at < length - 1; at++) {
    if (message[at] === CLOSE && LENGTHS.has(message[at + 1] as number)) return true;
  }
  return false;
}
