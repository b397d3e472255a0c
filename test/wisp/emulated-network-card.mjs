// A PC of v86 without a system: what its network card would send is given to the network of v86 by hand, as Ethernet frames, and that
// speaks Wisp. Fetches a path of a site on loopback by HTTP/1.1, and prints all that has come.
//
//   node emulated-network-card.mjs PACKAGES RELAY_URL PORT PATH
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';

/** One connection of TCP (RFC 9293) on a network that loses nothing. */
class GuestConnection {
  #port;
  #send;
  #request = '';
  #sent = 1_000;
  #seen = 0;
  #text = '';
  onEnd = () => {};

  constructor(port, send) {
    this.#port = port;
    this.#send = send;
  }

  open(request) {
    this.#request = request;
    this.#say(Flag.syn);
    this.#sent += 1;
  }

  onFrame(frame) {
    const ip = frame.subarray(ETHERNET);
    if (frame.readUInt16BE(12) !== 0x0800 || ip[9] !== 6) return;
    const tcp = ip.subarray(IP, ip.readUInt16BE(2));
    const flags = tcp.readUInt8(13);
    const data = tcp.subarray((tcp.readUInt8(12) >> 4) * 4);
    const isEnd = (flags & Flag.fin) !== 0;
    this.#seen = tcp.readUInt32BE(4) + data.length + (isEnd || (flags & Flag.syn) !== 0 ? 1 : 0);
    if ((flags & Flag.syn) !== 0) {
      this.#say(Flag.ack);
      this.#say(Flag.ack | Flag.psh, Buffer.from(this.#request));
      this.#sent += this.#request.length;
    } else if (data.length > 0 || isEnd) this.#say(Flag.ack);
    this.#text += data.toString();
    // By its length: v86 drops what it still holds when the far side ends.
    const [head = '', body = ''] = this.#text.split('\r\n\r\n');
    if (body.length === Number(/content-length: (\d+)/i.exec(head)?.[1])) this.onEnd(this.#text);
  }

  #say(flags, data = Buffer.alloc(0)) {
    const tcp = Buffer.alloc(TCP + data.length);
    tcp.writeUInt16BE(40_001, 0);
    tcp.writeUInt16BE(this.#port, 2);
    tcp.writeUInt32BE(this.#sent, 4);
    tcp.writeUInt32BE(this.#seen, 8);
    tcp.writeUInt8((TCP / 4) << 4, 12);
    tcp.writeUInt8(flags, 13);
    tcp.writeUInt16BE(65_535, 14);
    data.copy(tcp, TCP);
    const ends = Buffer.from([...GUEST, ...LOOPBACK]);
    tcp.writeUInt16BE(checksum(Buffer.concat([ends, Buffer.from([0, 6, 0, tcp.length]), tcp])), 16);
    const ip = Buffer.alloc(IP);
    ip.writeUInt8(0x45, 0);
    ip.writeUInt16BE(IP + tcp.length, 2);
    ip.writeUInt8(64, 8);
    ip.writeUInt8(6, 9);
    ends.copy(ip, 12);
    ip.writeUInt16BE(checksum(ip), 10);
    this.#send(new Uint8Array(Buffer.concat([Buffer.from([...ROUTER_MAC, ...GUEST_MAC, 0x08, 0x00]), ip, tcp])));
  }
}

const Flag = { fin: 0x01, syn: 0x02, psh: 0x08, ack: 0x10 };
/** Lengths of heads, bytes. */
const [ETHERNET, IP, TCP] = [14, 20, 20];
/** As v86 has them by default. */
const ROUTER_MAC = [0x52, 0x54, 0, 1, 2, 3];
const GUEST_MAC = [2, 0, 0, 0, 0, 9];
const GUEST = [192, 168, 86, 100];
const LOOPBACK = [127, 0, 0, 1];

/** RFC 1071. */
function checksum(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt8(i) * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const [packages, relayUrl, port, path] = process.argv.slice(2);
/** The connection of v86 may be used: it says that to nobody, and drops what is sent before. */
const connected = new Promise((resolve) => {
  // Node 20 has none of its own.
  globalThis.WebSocket = class extends WebSocket {
    constructor(url) {
      super(url);
      this.once('message', () => setImmediate(resolve));
    }
  };
});
const { V86 } = await import(pathToFileURL(`${packages}/v86/build/libv86.mjs`).href);
const pc = new V86({
  wasm_path: `${packages}/v86/build/v86.wasm`,
  autostart: false,
  net_device: { type: 'ne2k', relay_url: relayUrl },
});
await new Promise((resolve) => pc.add_listener('emulator-ready', resolve));
await connected;
const { bus } = pc.v86;
const connection = new GuestConnection(Number(port), (frame) => bus.send('net0-send', frame));
// Later, as by a wire: v86 is not called back while it is at work.
bus.register('net0-receive', (frame) => setImmediate(() => connection.onFrame(Buffer.from(frame))), null);
connection.onEnd = (text) => process.stdout.write(text, () => process.exit());
connection.open(`GET ${path} HTTP/1.1\r\nHost: site\r\n\r\n`);
