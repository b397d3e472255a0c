import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { Opcode, webSocketFrame } from 'wsproxy-test-support/wire/raw-websocket';
import type { Arrival } from '../../../src/transports/transport-acceptor.js';
import { Upgrades } from '../../../src/transports/websocket/upgrades.js';

/** A stream of HTTP/2 as `Upgrades` uses it; what is written to it leaves as soon as the peer reads. */
class Stream extends Duplex {
  isRead = true;
  written = 0;

  respond(): void {}

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.length;
    if (this.isRead) done();
  }
}

const PINGS = Buffer.concat(Array.from({ length: 200 }, () => webSocketFrame(Opcode.ping, 'x')));
/** A frame without a mask. */
const PONG = 3;

let stream: Stream;
let read: (bytes: Uint8Array) => void;

beforeEach(() => {
  stream = new Stream();
  const arrival = { request: new IncomingMessage(new Socket()), stream } as unknown as Arrival;
  new Upgrades({ choose: () => undefined }).accept(arrival, {
    onUpgraded: () => {},
    onRefused: () => {},
    onStream: (late, itself) => {
      const begun = late.begin(itself);
      begun.ws.on('error', () => {});
      read = begun.read;
    },
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a peer of a stream that reads the answers to its pings gets all of them', async () => {
  for (let sent = 0; sent < PINGS.length; sent += PINGS.length / 200) {
    read(PINGS.subarray(sent, sent + PINGS.length / 200));
    await turn();
  }
  expect(stream.written).toBe(200 * PONG);
  expect(stream.destroyed).toBe(false);
  stream.destroy();
});

test('a peer of a stream that reads none is cut off', async () => {
  stream.isRead = false;
  read(PINGS);
  await turn();
  expect(stream.destroyed).toBe(true);
});
