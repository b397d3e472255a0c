import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';

/** What a table of proc(5) says of each connection: whether the end whose row it is has read everything that came to it. */
export function* rowsOf(table: string): Generator<[row: string, hasRead: boolean]> {
  for (const [, own = '', other = '', unread = ''] of table.matchAll(ROW)) {
    yield [`${plain(own)} ${plain(other)}`, /^0+$/.test(unread)];
  }
}

/**
 * The row of the other end of a connection, as `rowsOf` names it; undefined where there is none in the tables of this
 * machine.
 */
export function peerRowOf({ localAddress, localPort, remoteAddress, remotePort }: Ends): string | undefined {
  const [here, there] = [placeOf(localAddress, localPort), placeOf(remoteAddress, remotePort)];
  return here === undefined || there === undefined ? undefined : `${there} ${here}`;
}

/** What a socket says of the two ends of its connection. */
export interface Ends {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Both places, and what waits to be read. */
const ROW = /: ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) .. [0-9A-F]+:([0-9A-F]+) /g;

/** An address of IPv4 without what IPv6 writes before it. */
function plain(place: string): string {
  return place.startsWith(MAPPED) ? place.slice(MAPPED.length) : place;
}

/** Address and port as the tables write them; undefined for an address that is not looked for. */
function placeOf(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || port === undefined) return undefined;
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const text = address.replace(/^::ffff:/, '');
  if (isIPv4(text)) return wordOf(...text.split('.').map(Number)) + end;
  return text === '::1' ? '0'.repeat(24) + wordOf(0, 0, 0, 1) + end : undefined;
}

/** The tables hold numbers of 32 bits in the order of the machine. */
function wordOf(...bytes: readonly number[]): string {
  const inOrder = endianness() === 'LE' ? bytes.toReversed() : bytes;
  return Buffer.from(inOrder).toString('hex').toUpperCase();
}

const MAPPED = '0'.repeat(16) + wordOf(0, 0, 255, 255);
