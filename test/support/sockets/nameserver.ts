import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4, isIPv6 } from 'node:net';
import { atEnd } from '../cleanup/at-end.js';
import { addressBytes } from './address-bytes.js';

/** What is answered about a name: records in order, or some way not to answer. */
export type Answer =
  | { readonly records: readonly DnsRecord[]; readonly after?: number }
  | 'NXDOMAIN'
  | 'SERVFAIL'
  | 'REFUSED'
  | 'garbage'
  | 'truncated'
  | 'silence';

/** An address, or another name, of `name`; by default of the name that was asked for. */
export interface DnsRecord {
  readonly name?: string;
  readonly value: string;
}

export interface Nameserver {
  /** `host:port`. */
  readonly address: string;
  /** Names that were asked for, each once for every question. */
  readonly questions: readonly string[];
}

const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;
const RCODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

/**
 * Answers over UDP, on loopback unless told otherwise, with TTL 0, until the test ends (RFC 1035 section 4), for each family
 * of addresses by itself. Over TCP it refuses.
 */
export async function startNameserver(
  answer: (name: string, family: 4 | 6) => Answer,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<Nameserver> {
  const questions: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const socket = createSocket('udp4', (message, from) => {
    const { name, type, end } = readQuestion(message);
    questions.push(name);
    const reply = answer(name, type === TYPES.A ? 4 : 6);
    if (reply === 'silence') return;
    const bytes = encode(message, end, type, reply);
    const delay = typeof reply === 'object' ? (reply.after ?? 0) : 0;
    if (delay === 0) send(bytes, from);
    else timers.add(setTimeout(() => send(bytes, from), delay));
  });
  const send = (bytes: Buffer, { port, address }: RemoteInfo) => socket.send(bytes, port, address);
  socket.bind(port, host);
  await once(socket, 'listening');
  atEnd(async () => {
    for (const timer of timers) clearTimeout(timer);
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  });
  return { address: `${host}:${socket.address().port}`, questions };
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let offset = 12;
  for (let length = message[offset] ?? 0; length > 0; length = message[offset] ?? 0) {
    labels.push(message.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(offset + 1), end: offset + 5 };
}

function encode(query: Buffer, end: number, type: number, reply: Exclude<Answer, 'silence'>): Buffer {
  if (reply === 'garbage') return Buffer.concat([query.subarray(0, 2), Buffer.alloc(40, 0xff)]);
  const head = Buffer.from(query.subarray(0, end));
  const records = typeof reply === 'object' ? reply.records.filter(({ value }) => fits(value, type)) : [];
  const rcode = typeof reply === 'string' && reply !== 'truncated' ? RCODES[reply] : 0;
  // A response to a query that wanted recursion, and has it; truncated if so.
  head.writeUInt16BE(0x8180 | (reply === 'truncated' ? 0x0200 : 0) | rcode, 2);
  head.writeUInt16BE(records.length, 6);
  head.fill(0, 8, 12);
  return Buffer.concat([head, ...records.map(encodeRecord)]);
}

function fits(value: string, type: number): boolean {
  if (isIPv4(value)) return type === TYPES.A;
  return isIPv6(value) ? type === TYPES.AAAA : true;
}

function encodeRecord({ name, value }: DnsRecord): Buffer {
  const data = addressBytes(value) ?? encodeName(value);
  const type = isIPv4(value) ? TYPES.A : isIPv6(value) ? TYPES.AAAA : TYPES.CNAME;
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  // 0xc00c points to the name in the question.
  return Buffer.concat([name === undefined ? Buffer.of(0xc0, 0x0c) : encodeName(name), fixed, data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}
