import type { ClientRequest, InformationEvent } from 'node:http';

/** RFC 9112: version, spaces, status and line breaks of the smallest head; colon, space and line break of each field. */
const HEAD = 17;
const FIELD = 4;

/**
 * Calls `onExcess`, once, when the interim responses (1xx) to `request` have more than `limit` bytes together. Node takes
 * any number of them, each with a head as large as a final one may have: a peer that never comes to its answer could go
 * on for ever.
 */
export function boundInterim(request: ClientRequest, limit: number, onExcess: () => void): void {
  let bytes = 0;
  request.on('information', function count(interim) {
    bytes += sizeOf(interim);
    if (bytes <= limit) return;
    request.off('information', count);
    onExcess();
  });
}

function sizeOf({ statusMessage, rawHeaders }: InformationEvent): number {
  const text = rawHeaders.reduce((sum, part) => sum + part.length, statusMessage.length);
  return HEAD + text + (rawHeaders.length / 2) * FIELD;
}
