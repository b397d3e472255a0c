import type { Socket } from 'node:net';
import { isIPv4 } from 'node:net';
import { addressBytes } from './address-bytes.js';
import { connectTo, readBytes } from './application.js';
import { bindDatagrams, type DatagramSocket } from './datagram-socket.js';

const VERSION = 5;
const NO_CREDENTIALS = 0;
const UDP_ASSOCIATE = 3;
const ATYP = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** Where a datagram is to go, or says that it comes from. */
export interface Peer {
  readonly host: string;
  readonly port: number;
}

/** A UDP ASSOCIATE that was granted (RFC 1928 section 7), spoken by hand. */
export interface Association {
  /** The connection that it lives with. */
  readonly control: Socket;
  readonly relay: Peer;
  /** The application's own socket. */
  readonly local: DatagramSocket;
  send(data: Uint8Array, to: Peer): Promise<void>;
  /** The bytes as they are, header and all. */
  sendRaw(bytes: Uint8Array): Promise<void>;
}

/** The REP byte of the answer to UDP ASSOCIATE, where to send datagrams, and the connection it came on. */
export async function askAssociation(
  proxyPort: number,
  as: Peer = { host: '0.0.0.0', port: 0 },
): Promise<{ reply: number; relay: Peer; control: Socket }> {
  const control = await connectTo(proxyPort);
  control.write(Buffer.concat([Buffer.of(VERSION, 1, NO_CREDENTIALS, VERSION, UDP_ASSOCIATE, 0), encodePeer(as)]));
  const [, , , reply = -1, , type] = await readBytes(control, 6);
  const rest = await readBytes(control, type === ATYP.ipv6 ? 18 : 6);
  const { peer } = decodePeer(Buffer.concat([Buffer.of(type ?? 0), rest]));
  return { reply, relay: peer, control };
}

/** Tells every datagram that comes by the association to `onDatagram`. */
export async function associate(
  proxyPort: number,
  onDatagram: (data: Buffer, from: Peer) => void = () => {},
): Promise<Association> {
  const { reply, relay, control } = await askAssociation(proxyPort);
  if (reply !== 0) throw new Error(`SOCKS5 reply ${reply} to UDP ASSOCIATE`);
  const local = await bindDatagrams((bytes) => {
    const { peer, length } = decodePeer(bytes.subarray(3));
    onDatagram(bytes.subarray(3 + length), peer);
  });
  const sendRaw = (bytes: Uint8Array) => local.send(bytes, relay.port, relay.host);
  return { control, relay, local, sendRaw, send: (data, to) => sendRaw(encodeSocksDatagram(data, to)) };
}

/** RSV, FRAG, the peer, and the data. */
export function encodeSocksDatagram(data: Uint8Array, to: Peer, fragment: number = 0): Buffer {
  return Buffer.concat([Buffer.of(0, 0, fragment), encodePeer(to), data]);
}

function encodePeer({ host, port }: Peer): Buffer {
  const end = Buffer.of(port >> 8, port & 0xff);
  const address = addressBytes(host);
  if (address !== undefined) return Buffer.concat([Buffer.of(isIPv4(host) ? ATYP.ipv4 : ATYP.ipv6), address, end]);
  return Buffer.concat([Buffer.of(ATYP.name, Buffer.byteLength(host)), Buffer.from(host), end]);
}

/** What a datagram says of where it comes from, and how many bytes that took. */
function decodePeer(bytes: Buffer): { peer: Peer; length: number } {
  const [type, first = 0] = bytes;
  const begin = type === ATYP.name ? 2 : 1;
  const end = begin + (type === ATYP.name ? first : type === ATYP.ipv4 ? 4 : 16);
  const raw = bytes.subarray(begin, end);
  const port = bytes.readUInt16BE(end);
  if (type === ATYP.name) return { peer: { host: raw.toString(), port }, length: end + 2 };
  const host = type === ATYP.ipv4 ? raw.join('.') : canonicalIPv6(raw);
  return { peer: { host, port }, length: end + 2 };
}

function canonicalIPv6(raw: Buffer): string {
  const groups = raw.toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
