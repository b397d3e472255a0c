import type { IncomingMessage } from 'node:http';

/** The head of a request, of a response or of an interim response. */
type Head = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;

/** Fields for the next hop only (RFC 9110 section 7.6.1), and the older ones that say so by custom. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The fields of a message that travel on, as a flat list of names and values; case, order and duplicates are kept.
 * Framing is left to the caller: a message may name Content-Length in Connection, and content that has lost its
 * length is how requests are smuggled.
 *
 * @param replaced lower-case names that the caller sets itself.
 */
export function endToEndHeaders(message: Head, ...replaced: string[]): string[] {
  const dropped = new Set([...HOP_BY_HOP, 'content-length', ...replaced]);
  for (const name of (message.headers.connection ?? '').split(',')) dropped.add(name.trim().toLowerCase());
  const kept: string[] = [];
  for (const [name, value] of fields(message)) {
    if (!dropped.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

/** How often a field occurs; `message.headers` has already joined or dropped duplicates. */
export function countHeader(message: Head, lowerCaseName: string): number {
  let count = 0;
  for (const [name] of fields(message)) if (name.toLowerCase() === lowerCaseName) count += 1;
  return count;
}

/** Any transfer coding but chunked alone would have to be passed on or undone; nobody sends one. */
export function hasUnknownTransferCoding(message: Head): boolean {
  const coding = message.headers['transfer-encoding'];
  return coding !== undefined && coding.trim().toLowerCase() !== 'chunked';
}

function* fields(message: Head): Generator<[name: string, value: string]> {
  const raw = message.rawHeaders;
  for (let index = 0; index + 1 < raw.length; index += 2) yield [raw[index] ?? '', raw[index + 1] ?? ''];
}
