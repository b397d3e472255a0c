// Streams of Wisp 1 as sockets: the client's end, as far as a benchmark needs it (docs/wisp.md).
import { Duplex } from 'node:stream';
import { WebSocket } from 'ws';

/** Types of packets. */
const CONNECT = 1;
const DATA = 2;
const CONTINUE = 3;
const CLOSE = 4;
const TCP = 1;
/** Of a packet: its type and its stream, bytes. */
const HEAD = 5;
/** Of one packet of DATA, bytes. */
const MOST = 16_384;

const connections = new Map();

/** A stream to `target` on the one WebSocket to `url`, which is opened by the first of them. */
export async function wispConnect(url, [host, port]) {
  if (!connections.has(url)) connections.set(url, openConnection(url));
  return (await connections.get(url)).open(host, port);
}

function openConnection(url) {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, { perMessageDeflate: false });
    const connection = new WispConnection(ws, () => resolve(connection));
    ws.once('error', reject);
    ws.on('close', () => {
      connections.delete(url);
      reject(new Error('the WebSocket was closed'));
    });
  });
}

class WispConnection {
  #ws;
  #onReady;
  #streams = new Map();
  #room = 0;
  #last = 0;

  constructor(ws, onReady) {
    this.#ws = ws;
    this.#onReady = onReady;
    ws.on('message', (packet) => this.#take(packet));
    ws.on('close', () => {
      for (const stream of this.#streams.values()) stream.over();
    });
  }

  open(host, port) {
    const id = ++this.#last;
    const stream = new WispStream(id, this.#room, this);
    this.#streams.set(id, stream);
    this.send(CONNECT, id, Buffer.concat([Buffer.from([TCP, port & 0xff, port >> 8]), Buffer.from(host)]));
    return stream;
  }

  send(type, id, payload, onSent) {
    const packet = Buffer.allocUnsafe(HEAD + payload.length);
    packet.writeUInt8(type, 0);
    packet.writeUInt32LE(id, 1);
    packet.set(payload, HEAD);
    this.#ws.send(packet, onSent);
  }

  /** Nothing that still comes for it counts. */
  forget(id) {
    if (this.#streams.delete(id)) this.send(CLOSE, id, Buffer.from([2]));
  }

  #take(packet) {
    const type = packet.readUInt8(0);
    const id = packet.readUInt32LE(1);
    if (id === 0) {
      this.#room = packet.readUInt32LE(HEAD);
      this.#onReady();
      return;
    }
    const stream = this.#streams.get(id);
    if (type === DATA) stream?.push(packet.subarray(HEAD));
    else if (type === CONTINUE) stream?.allow(packet.readUInt32LE(HEAD));
    else if (type === CLOSE) {
      this.#streams.delete(id);
      stream?.over();
    }
  }
}

class WispStream extends Duplex {
  #id;
  #connection;
  /** Packets that may be sent. */
  #room;
  /** What is to be sent once more may be. */
  #waiting;

  constructor(id, room, connection) {
    super({ readableHighWaterMark: 2 ** 30, writableHighWaterMark: MOST });
    this.#id = id;
    this.#room = room;
    this.#connection = connection;
    this.on('error', () => {});
  }

  allow(room) {
    this.#room = room;
    const send = this.#waiting;
    this.#waiting = undefined;
    send?.();
  }

  over() {
    this.push(null);
    this.destroy();
  }

  _read() {}

  _write(data, encoding, done) {
    for (let rest = data; ; ) {
      if (this.#room === 0) {
        this.#waiting = () => this._write(rest, encoding, done);
        return;
      }
      this.#room -= 1;
      const packet = rest.subarray(0, MOST);
      rest = rest.subarray(MOST);
      if (rest.length === 0) return this.#connection.send(DATA, this.#id, packet, done);
      this.#connection.send(DATA, this.#id, packet);
    }
  }

  _destroy(error, done) {
    this.#connection.forget(this.#id);
    done(error);
  }
}
