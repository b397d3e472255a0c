/** What a close frame with a code begins with, and how long it is (RFC 6455 section 5.5.1), bytes. */
const CLOSE = 0x88;
export interface ClosingForm {
  readonly second: number;
  readonly length: number;
}
/** As a server says it, and as a client does, with a mask. */
export const SERVER_FORM: ClosingForm = { second: 0x02, length: 4 };
export const CLIENT_FORM: ClosingForm = { second: 0x82, length: 8 };

/**
 * Where in `bytes` a close frame may begin that is not whole, or has just become so; their length when there is none.
 * Some reverse proxies (Caddy) write one when they reload, also into the middle of a message that they pass on; what was
 * missing of that message is then taken from the close frame.
 */
export function closingStart(bytes: Uint8Array, { second, length: longest }: ClosingForm): number {
  const { length } = bytes;
  const last = length - 1;
  for (let at = Math.max(0, length - longest); at < last; at++) {
    if (bytes[at] === CLOSE && bytes[at + 1] === second) return at;
  }
  return bytes[last] === CLOSE ? last : length;
}

/** Whether a message ends as a close frame begins, of anyone. */
export function endsAsClosing(message: Uint8Array): boolean {
  return closingStart(message, SERVER_FORM) < message.length || closingStart(message, CLIENT_FORM) < message.length;
}
