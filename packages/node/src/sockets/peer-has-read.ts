import { open } from 'node:fs/promises';
import { isIPv4, type Socket } from 'node:net';
import { endianness } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Whether the other end of a connection within this machine has read everything that has come to it, as Linux tells it in
 * proc(5): undefined where it does not, or the other end is not of this machine, or not of this network namespace, or where
 * so many connections are open that looking would cost too much.
 */
export async function peerHasRead({
  localAddress,
  localPort,
  remoteAddress,
  remotePort,
}: Socket): Promise<boolean | undefined> {
  const [here, there] = [placeOf(localAddress, localPort), placeOf(remoteAddress, remotePort)];
  if (here === undefined || there === undefined) return undefined;
  return (await connectionsOfNow()).get(`${there} ${here}`);
}

/** A connection of IPv4 stands in the table of each end's own family. */
const TABLES: readonly string[] = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Bytes of a table, some 27,000 connections: the system takes tens of ms for them. */
const MOST = 4_194_304;
/** The share of its time that this process may spend with it. */
const SHARE = 1 / 5;

/** Of each connection, as its end there calls both, whether that end has read everything. */
type Connections = ReadonlyMap<string, boolean>;

let next: Promise<Connections> | undefined;
let last: Promise<unknown> = Promise.resolve();

/** The tables, read from now on: one time for all who ask before that begins, and one after the other. */
function connectionsOfNow(): Promise<Connections> {
  next ??= last.then(() => {
    next = undefined;
    const start = performance.now();
    const reading = readTables();
    last = reading.then(() => pause((performance.now() - start) * (1 / SHARE - 1), undefined, { ref: false }));
    return reading;
  });
  return next;
}

async function readTables(): Promise<Connections> {
  const connections = new Map<string, boolean>();
  for (const table of TABLES) {
    for (const [, there = '', here = '', unread = ''] of (await readTable(table).catch(() => '')).matchAll(ROW)) {
      connections.set(`${plain(there)} ${plain(here)}`, /^0+$/.test(unread));
    }
  }
  return connections;
}

/** Both places, and what waits to be read. */
const ROW = /: ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) .. [0-9A-F]+:([0-9A-F]+) /g;

/** An address of IPv4 without what IPv6 writes before it. */
function plain(place: string): string {
  return place.startsWith(MAPPED) ? place.slice(MAPPED.length) : place;
}

/** Empty when it is too large. */
async function readTable(path: string): Promise<string> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(MOST);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, MOST - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return length === MOST ? '' : buffer.toString('latin1', 0, length);
  } finally {
    await file.close();
  }
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
