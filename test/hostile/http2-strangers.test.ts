import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { createClient } from 'wsproxy-client';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

/** For a request from accept on, ms; with TLS a connection has twice as long, and again once it has asked for something. */
const PATIENCE = 1_000;
const LONGEST = 4 * PATIENCE + 2_000;

async function startSecure() {
  const { cert, key } = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
  const { server, port } = await startServer({ tls: { cert, key }, limits: { upgradeTimeout: PATIENCE } });
  /** Somebody else comes in all the same, and nothing else has. */
  const expectUnharmed = async (): Promise<void> => {
    expect(server.sessionCount).toBe(0);
    const client = createClient({ url: `wss://localhost:${port}/`, token: TOKEN, ca: cert, transport: 'h2' });
    await client.start();
    expect(server.sessionCount).toBe(1);
    await client.close();
  };
  const session = () => {
    const one = connectHttp2(`https://localhost:${port}`, { ca: cert });
    one.on('error', () => {});
    atEnd(() => one.destroy());
    return one;
  };
  return { port, cert, session, expectUnharmed };
}

/** HTTP/2 byte by byte, with the beginning that every client says. */
async function startRaw(port: number, ca: string, settings = Buffer.alloc(0)): Promise<TLSSocket> {
  const socket = connect({ port, host: 'localhost', ca, ALPNProtocols: ['h2'] });
  socket.on('error', () => {});
  atEnd(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once('secureConnect', () => resolve()));
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(SETTINGS, 0, 0, settings));
  socket.resume();
  return socket;
}

/** RFC 9113 section 4.1. */
function frame(type: number, flags: number, stream: number, content: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(content.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, content]);
}

const [DATA, HEADERS, SETTINGS, PING, CONTINUATION, RST_STREAM] = [0, 1, 4, 6, 9, 3];
const END_HEADERS = 4;
/** HPACK (RFC 7541 appendix A): POST, https, /, and the authority `a`, without a token. */
const HEAD = Buffer.from([0x83, 0x87, 0x84, 0x01, 0x01, 0x61]);

function closed(socket: { once(event: 'close', listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** Writes again and again until the server has closed the connection. */
async function flood(socket: TLSSocket, next: (n: number) => Buffer): Promise<void> {
  const over = closed(socket);
  for (let n = 0; !socket.destroyed; n += 1) {
    const batch = Buffer.concat(Array.from({ length: 100 }, (_, i) => next(100 * n + i)));
    if (!socket.write(batch)) await Promise.race([over, new Promise((resolve) => socket.once('drain', resolve))]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('by HTTP/2', () => {
  test.each([
    ['E4 a wrong token', { authorization: `Bearer ${'x'.repeat(TOKEN.length)}` }, 401],
    ['E4 no token', {}, 401],
    ['D8 a page', { authorization: `Bearer ${TOKEN}`, origin: 'https://example.com' }, 403],
    ['E4 another path', { authorization: `Bearer ${TOKEN}`, ':path': '/other' }, 404],
    ['E3 no subprotocol', { authorization: `Bearer ${TOKEN}`, 'sec-websocket-protocol': 'chat' }, 400],
    ['E2 another version', { authorization: `Bearer ${TOKEN}`, 'sec-websocket-version': '12' }, 400],
    ['E2 another protocol', { authorization: `Bearer ${TOKEN}`, ':protocol': 'connect-udp' }, 400],
  ])('%s is refused, and ends the connection', async (_, headers, status) => {
    const { session, expectUnharmed } = await startSecure();
    const one = session();
    await new Promise<void>((resolve) => one.once('remoteSettings', () => resolve()));
    const over = closed(one);
    const stream = one.request({
      ...{ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', ':path': '/' },
      ...{ 'sec-websocket-version': '13', 'sec-websocket-protocol': 'wsproxy.v1' },
      ...headers,
    });
    stream.on('error', () => {});
    const answer = await new Promise<number | undefined>((resolve) => {
      stream.once('response', ({ ':status': said }) => resolve(said));
    });
    stream.resume();
    expect(answer).toBe(status);
    await over;
    await expectUnharmed();
  });

  test('L1 a connection that says nothing is closed', async () => {
    const { port, cert, expectUnharmed } = await startSecure();
    const socket = await startRaw(port, cert);
    await closed(socket);
    await expectUnharmed();
  });

  test('L1 a head without an end is closed', async () => {
    const { port, cert, expectUnharmed } = await startSecure();
    const socket = await startRaw(port, cert);
    socket.write(frame(HEADERS, 0, 1, HEAD));
    await closed(socket);
    await expectUnharmed();
  });

  test('L1 an answer that nobody takes, with a window of 0, is not kept', async () => {
    const { port, cert, expectUnharmed } = await startSecure();
    // SETTINGS_INITIAL_WINDOW_SIZE.
    const socket = await startRaw(port, cert, Buffer.from([0, 4, 0, 0, 0, 0]));
    socket.write(frame(HEADERS, END_HEADERS, 1, HEAD));
    await closed(socket);
    await expectUnharmed();
  });

  test.each<[string, (n: number) => Buffer]>([
    ['L2 settings', () => frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 9]))],
    ['L2 pings', () => frame(PING, 0, 0, Buffer.alloc(8))],
    ['L2 empty frames', (n) => (n === 0 ? frame(HEADERS, END_HEADERS, 1, HEAD) : frame(DATA, 0, 1))],
    ['L2 pieces of a head', (n) => (n === 0 ? frame(HEADERS, 0, 1, HEAD) : frame(CONTINUATION, 0, 1))],
    [
      'L2 requests that are reset at once (CVE-2023-44487)',
      (n) => {
        const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
        return Buffer.concat([frame(HEADERS, END_HEADERS, 2 * n + 1, HEAD), frame(RST_STREAM, 0, 2 * n + 1, cancel)]);
      },
    ],
    ['L2 requests without an end', (n) => frame(HEADERS, END_HEADERS, 2 * n + 1, HEAD)],
  ])('%s end the connection that brings them without end', async (_, next) => {
    const { port, cert, expectUnharmed } = await startSecure();
    const socket = await startRaw(port, cert);
    const began = performance.now();
    await flood(socket, next);
    expect(performance.now() - began).toBeLessThan(LONGEST);
    await expectUnharmed();
  });

  test('L1 one who was let in, and has ended his transport, holds no connection', async () => {
    const { session, expectUnharmed } = await startSecure();
    const one = session();
    const over = closed(one);
    const stream = one.request({
      ...{ ':method': 'POST', authorization: `Bearer ${TOKEN}`, 'wsproxy-transport': `${'a'.repeat(22)};open` },
    });
    stream.on('error', () => {});
    await new Promise<void>((resolve) => stream.once('data', () => resolve()));
    stream.close();
    await over;
    await expectUnharmed();
  });
});
