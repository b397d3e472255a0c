/**
 * How much a peer may send by HTTP/2 ahead of what is read, in a stream and in all of them, bytes: so much that the windows of channels
 * rule, and not these.
 */
export const HTTP2_WINDOW = 16_777_216;
