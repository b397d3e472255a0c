import { once } from 'node:events';
import { connect as connectHttp2, type Http2Stream, performServerHandshake } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { HTTP2_WINDOW } from '../../src/transports/http2-window.js';
import { SocketBelowHttp2 } from '../../src/transports/socket-below-http2.js';

const RESETS = 12;
const PIECE = 100_000;
/** As much as a transport leaves waiting, bytes. */
const ENOUGH = 131_072;
const BEFORE_RESET = 500_000;
const SOON = 2_000;
/** The answer to a PING (RFC 9113 section 6.7), bytes. */
const PONG = 17;
const settings = { initialWindowSize: HTTP2_WINDOW };

/** Sends as fast as it can, as long as it can, and compares what comes. */
class Sender {
  received = 0;
  isWrong = false;
  readonly closed: Promise<unknown>;
  readonly #stream: Http2Stream;
  readonly #socket: TLSSocket;
  readonly #says: number;
  #sent = 0;

  constructor(stream: Http2Stream, socket: TLSSocket, says: number, hears: number) {
    this.#stream = stream;
    this.#socket = socket;
    this.#says = says;
    this.closed = new Promise((resolve) => stream.once('close', resolve));
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => {
      this.isWrong ||= !bytes.equals(pattern(hears, this.received, bytes.length));
      this.received += bytes.length;
    });
    socket.on('drain', () => this.#goOn());
    this.#goOn();
  }

  #goOn(): void {
    const stream = this.#stream;
    while (!stream.destroyed && stream.writableLength + this.#socket.writableLength < ENOUGH) {
      stream.write(pattern(this.#says, this.#sent, PIECE), () => this.#goOn());
      this.#sent += PIECE;
    }
  }
}

test('HTTP/2 by which both ends send brings what was sent until it is reset, and both ends notice', {
  timeout: 60_000,
}, async () => {
  const { cert, key } = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
  const server = createServer({ cert, key, ALPNProtocols: ['h2'] });
  atEnd(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const relay = await new CuttingRelay((server.address() as AddressInfo).port).start();
  for (let reset = 0; reset < RESETS; reset += 1) {
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const socket = connect({ port: relay.port, ca: cert, servername: 'localhost', ALPNProtocols: ['h2'] });
    const [near] = await accepted;
    const serving = performServerHandshake(new SocketBelowHttp2(near) as unknown as TLSSocket, { settings });
    const asking = connectHttp2('https://localhost', {
      ...{ settings, createConnection: () => new SocketBelowHttp2(socket) },
    });
    for (const session of [serving, asking]) {
      session.on('error', () => {});
      session.once('connect', () => session.setLocalWindowSize(HTTP2_WINDOW));
    }
    serving.setLocalWindowSize(HTTP2_WINDOW);
    const arrived = once(serving, 'stream') as unknown as Promise<[Http2Stream & { respond(): void }]>;
    const asked = asking.request({ ':method': 'POST' }, { endStream: false });
    const [answered] = await arrived;
    answered.respond();
    const ends = [new Sender(asked, socket, 1, 2), new Sender(answered, near, 2, 1)];
    await until('both have heard much', () => ends.every(({ received }) => received >= BEFORE_RESET));
    const began = performance.now();
    relay.cut('reset');
    await Promise.all(ends.map(({ closed }) => closed));
    expect(performance.now() - began).toBeLessThan(SOON);
    expect(ends.map(({ isWrong }) => isWrong)).toEqual([false, false]);
  }
});

test('a write is over before the peer has read it, until a MiB waits', async () => {
  let onRead = (): void => {};
  const slow = new Duplex({
    read() {},
    write(_bytes, _encoding, done) {
      onRead = done;
    },
  });
  const http2 = below(slow);
  await new Promise((resolve) => http2.write(Buffer.alloc(1_000_000), resolve));
  let isOver = false;
  http2.write(Buffer.alloc(100_000), () => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  onRead();
  await until('the first has been read', () => slow.writableLength === 100_000);
  onRead();
  await until('the second is over', () => isOver);
});

test('what waits for a peer that reads nothing is bounded in small writes too, and less for a stranger', async () => {
  const stuck = new Duplex({ read() {}, write() {} });
  const http2 = below(stuck, true);
  let over = 0;
  const answerPings = (): void => {
    http2.write(Buffer.alloc(PONG), () => {
      over += 1;
      answerPings();
    });
  };
  /** Those that are over, once no more of them end. */
  const settled = async (): Promise<number> => {
    for (let before = -1; before < over; await new Promise((resolve) => setImmediate(resolve))) before = over;
    return over;
  };
  answerPings();
  const ofStranger = await settled();
  expect(ofStranger).toBeGreaterThan(0);
  expect(ofStranger).toBeLessThanOrEqual(128);
  http2.letIn();
  const all = await settled();
  expect(all).toBeGreaterThan(10 * ofStranger);
  expect(all).toBeLessThanOrEqual(2_048);
});

test('ends with its socket, and as soon as the peer has ended its half', async () => {
  const failing = new PassThrough();
  const failed = below(failing);
  const error = once(failed, 'error');
  failing.destroy(new Error('reset'));
  expect(await error).toEqual([new Error('reset')]);
  const ending = new PassThrough();
  const ended = below(ending);
  const bytes = once(ended, 'data');
  const closed = once(ended, 'close');
  ending.end('last');
  expect(await bytes).toEqual([Buffer.from('last')]);
  await closed;
  expect(ending.destroyed).toBe(true);
});

/** A stream in place of a TLS socket. */
function below(stream: Duplex, isStranger = false): SocketBelowHttp2 {
  return new SocketBelowHttp2(Object.assign(stream, { setNoDelay: () => {} }) as Duplex as TLSSocket, isStranger);
}
