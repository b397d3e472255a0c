import { once } from 'node:events';
import { Agent, createServer as createHttpServer, get, type IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls, createServer as createTlsServer, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectedSockets, Observer, until } from 'wsproxy-test-support/sockets/connected-sockets';
import { tlsSockets } from 'wsproxy-test-support/sockets/tls-sockets';
import { webSocketPair } from 'wsproxy-test-support/sockets/websocket-pair';
import {
  changeRequests,
  forgetFailedWrite,
  isBrokenUpgrade,
  keepDraining,
  type LateWebSocket,
  lateWebSocket,
  readByte,
  readInto,
  readNextInto,
  readPastServer,
  readPastWs,
  resetOnceDestroyed,
  respondTo,
  socketBelow,
  tellEndThatCame,
  tlsAlertOf,
  unblock,
  writeNothing,
} from '../../src/internals/undocumented.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** What to read when a probe fails. */
const gone = (name: string): string =>
  `${name} does nothing on Node ${process.version}: see packages/node/src/internals/undocumented.ts`;

async function sockets(family: 'TCP' | 'Unix' = 'TCP'): Promise<[ours: Socket, theirs: Socket]> {
  const pair = await connectedSockets(family);
  for (const socket of pair) {
    socket.on('error', () => {});
    cleanups.push(() => socket.destroy());
  }
  return pair;
}

describe('a probe finds that', () => {
  test('a socket that was accepted reads into memory of ours, from the next read on and where it was told last', async () => {
    const [ours, theirs] = await sockets();
    const memory = { next: Buffer.alloc(10), reads: [] as [length: number, buffer: Buffer][], onRead() {} };
    memory.onRead = (...read: [number, Buffer] | []) => void memory.reads.push(read as [number, Buffer]);
    ours.on('data', () => {});
    expect(readInto(ours, memory), gone('readInto')).toBe(true);
    ours.resume();
    theirs.write('0123456789abc');
    await until(() => memory.reads.length === 2);
    expect(memory.reads, gone('readInto')).toEqual([
      [10, memory.next],
      [3, memory.next],
    ]);
    const elsewhere = Buffer.alloc(100);
    readNextInto(ours, elsewhere);
    theirs.write('more');
    await until(() => memory.reads.length === 3);
    expect(memory.reads[2]?.[1], gone('readNextInto')).toBe(elsewhere);
    expect(elsewhere.toString('latin1', 0, 4)).toBe('more');
  });

  test.skipIf(process.platform === 'win32')('the system answers a read of a byte past Node', async () => {
    const [ours, theirs] = await sockets();
    ours.pause();
    expect(readByte(ours), gone('readByte')).toBe('EAGAIN');
    theirs.write('x');
    await until(() => readByte(ours) === 1);
    theirs.end();
    await until(() => readByte(ours) === 0);
  });

  test.skipIf(process.platform === 'win32')('the system answers a write of nothing past Node', async () => {
    const [ours, theirs] = await sockets();
    ours.pause();
    expect(writeNothing(ours), gone('writeNothing')).toBe(0);
    theirs.resetAndDestroy();
    await until(() => writeNothing(ours) === 'ECONNRESET' || writeNothing(ours) === 'EPIPE');
  });

  test('a stream forgets a failed write, and reads on', async () => {
    const { stream, failed } = failingStream();
    expect(forgetFailedWrite(stream, await failed), gone('forgetFailedWrite')).toBe(true);
    expect([stream.errored, stream.readable]).toEqual([null, true]);
    stream.push('last words');
    expect(String((await once(stream, 'data'))[0])).toBe('last words');
    expect(forgetFailedWrite(stream, new Error('for another reason'))).toBe(false);
  });

  test('a stream tells an end that came while a failure was noted', async () => {
    const { stream, failed } = failingStream();
    const events: string[] = [];
    stream.on('end', () => events.push('end')).resume();
    const failure = await failed;
    stream.push(null);
    await new Promise((resolve) => setImmediate(resolve));
    forgetFailedWrite(stream, failure);
    await new Promise((resolve) => setImmediate(resolve));
    events.push('forgotten');
    tellEndThatCame(stream);
    await expect.poll(() => events, { message: gone('tellEndThatCame') }).toEqual(['forgotten', 'end']);
  });

  test('TLS knows what it was put on', async () => {
    const [raw] = await sockets();
    expect(socketBelow(new TLSSocket(raw)), gone('socketBelow')).toBe(raw);
    expect(socketBelow(raw)).toBeUndefined();
  });

  test.each(['over TCP', 'over its own TCP'] as const)('TLS %s resets TCP when it is destroyed', async (kind) => {
    const { ours, theirs, raw } = await tlsSockets(kind);
    cleanups.push(() => [ours, theirs, raw].map((socket) => socket.destroy()));
    const seen = new Observer(raw);
    resetOnceDestroyed(ours);
    ours.destroy();
    await seen.closed;
    expect(seen.events, gone('resetOnceDestroyed')).toEqual(['reset']);
  });

  test('the alert that ended TLS stands in the text of the error', async () => {
    const server = createTlsServer({ minVersion: 'TLSv1.3' }).on('tlsClientError', () => {});
    const port = await listen(server);
    const client = connectTls({ port, host: '127.0.0.1', maxVersion: 'TLSv1.2' });
    const [error] = (await once(client, 'error')) as [Error];
    expect(tlsAlertOf(error), `${gone('tlsAlertOf')}: ${error.message}`).toBe(70);
  });

  test('a request to upgrade gets a response of Node', async () => {
    const server = createHttpServer();
    server.on('upgrade', (upgrade: IncomingMessage) => respondTo(upgrade)?.end('not here'));
    const client = await dial(await listen(server));
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    expect(await textOf(client), gone('respondTo')).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*not here/);
  });

  test('a response goes on though Node has let go of its connection', async () => {
    const size = 16 * 1024 * 1024;
    const responses: ServerResponse[] = [];
    const server = createHttpServer((_request, response) => {
      response.writeHead(200, { 'Content-Length': size });
      pipeline(Readable.from([Buffer.alloc(size / 2), Buffer.alloc(size / 2)]), response).then(
        () => responses.push(response),
        () => {},
      );
    });
    let first: ServerResponse | undefined;
    server.prependListener('request', (_request, response) => {
      first = response;
    });
    server.on('upgrade', (_request, socket) => keepDraining(first, socket));
    const client = await dial(await listen(server));
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    client.resume();
    await expect.poll(() => responses.length, { message: gone('keepDraining'), timeout: 8_000 }).toBe(1);
  });

  test.each(['http', 'https'])(
    'a server (%s) lets go of a connection in the middle of a body, and is told of its end',
    async (kind) => {
      const server = kind === 'http' ? createHttpServer() : createHttpsServer({ pskCallback: () => KEY, ...CIPHERS });
      const client = await (kind === 'http' ? dial : dialByKey)(await listen(server));
      client.on('error', () => {});
      client.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
      const [request] = (await once(server, 'request')) as [IncomingMessage];
      const pieces: string[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece.toString())).on('error', () => {});
      await until(() => pieces.length > 0);
      const past: Buffer[] = [];
      const memory = Buffer.alloc(100);
      expect(
        readPastServer(request, (bytes) => past.push(bytes)),
        gone('readPastServer'),
      ).toBe(true);
      const isRead = readInto(request.socket, {
        next: memory,
        onRead: (length) => past.push(Buffer.from(memory.subarray(0, length))),
      });
      expect(isRead, gone('readInto')).toBe(true);
      client.write('1\r\nb\r\n');
      await until(() => Buffer.concat(past).length === 6);
      expect([pieces, Buffer.concat(past).toString()], gone('readPastServer')).toEqual([['a'], '1\r\nb\r\n']);
      client.destroy();
      await until(() => request.closed);
    },
  );

  test('an agent is given the options of each request', async () => {
    const port = await listen(createHttpServer((_request, response) => response.end()));
    const agent = new Agent();
    const seen: object[] = [];
    const isChanged = changeRequests<{ port?: number }>(agent, (options) => {
      seen.push(options);
      return { ...options, port };
    });
    expect(isChanged, gone('changeRequests')).toBe(true);
    const [response] = (await once(get({ host: '127.0.0.1', port: 1, agent }), 'response')) as [IncomingMessage];
    response.resume();
    expect([seen.length, response.statusCode], gone('changeRequests')).toEqual([1, 200]);
  });

  test('ws reads by one listener, which takes what it is given, and is past by then', async () => {
    const pair = await webSocketPair();
    cleanups.push(() => pair.close());
    const seen: Buffer[] = [];
    const toWs = readPastWs(pair.serverSocket, (bytes) => seen.push(Buffer.from(bytes)));
    expect(toWs, gone('readPastWs')).toBeDefined();
    const messages: string[] = [];
    pair.server.on('message', (data) => messages.push(String(data)));
    pair.client.send('by hand');
    await until(() => seen.length > 0);
    expect(messages, gone('readPastWs')).toEqual([]);
    toWs?.(Buffer.concat(seen));
    await until(() => messages.length > 0);
    expect(messages).toEqual(['by hand']);
  });

  test('ws takes nothing that a paused connection still holds when it closes', async () => {
    const pair = await webSocketPair();
    cleanups.push(() => pair.close());
    const seen: Buffer[] = [];
    readPastWs(pair.serverSocket, (bytes) => seen.push(Buffer.from(bytes)));
    const errors: Error[] = [];
    pair.server.on('error', (error) => errors.push(error));
    pair.serverSocket.pause();
    // As long as a frame with a reserved opcode would be.
    pair.serverSocket.unshift(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    pair.serverSocket.destroy();
    await once(pair.server, 'close');
    expect([seen.length, errors], gone('readPastWs')).toEqual([1, []]);
  });

  test('ws makes nothing of a connection that it has upgraded, and a WebSocket later', async () => {
    const Late = lateWebSocket(WebSocket);
    expect(Late, gone('lateWebSocket')).toBeDefined();
    const pair = await webSocketPair({ WebSocket: Late as typeof WebSocket });
    cleanups.push(() => pair.close());
    const late = pair.server as unknown as LateWebSocket<WebSocket>;
    const { ws, read } = late.begin(pair.serverSocket);
    expect([ws instanceof WebSocket, pair.serverSocket.listenerCount('data')], gone('lateWebSocket')).toEqual([
      true,
      0,
    ]);
    const messages: string[] = [];
    ws.on('message', (data) => messages.push(String(data)));
    read(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]));
    await until(() => messages.length > 0);
    ws.close(4001, 'by hand');
    const [code] = (await once(pair.client, 'close')) as [number];
    expect([messages, code], gone('lateWebSocket')).toEqual([['a'], 4001]);
  });

  test('ws writes each of its frames at once, so that others may stand before and behind it', async () => {
    const pair = await webSocketPair();
    cleanups.push(() => pair.close());
    const { serverSocket: socket } = pair;
    const messages: string[] = [];
    pair.client.on('message', (data) => messages.push(String(data)));
    socket.cork();
    socket.write(Buffer.from('\x81\x01a', 'latin1'));
    pair.server.send('b');
    socket.write(Buffer.from('\x81\x01c', 'latin1'));
    socket.uncork();
    await until(() => messages.length === 3);
    expect(messages, gone('writing past ws')).toEqual(['a', 'b', 'c']);
  });

  test.each([
    ['Sec-WebSocket-Accept: nonsense\r\n', 'a wrong key'],
    ['', 'no key'],
  ])('ws says in words that an answer breaks RFC 6455: %j', async (field) => {
    const answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${field}\r\n`;
    const port = await listen(createServer((socket) => socket.on('error', () => {}).write(answer)));
    const ws = new WebSocket(`ws://127.0.0.1:${port}`);
    const [error] = (await once(ws, 'error')) as [Error];
    expect(isBrokenUpgrade(error), `${gone('isBrokenUpgrade')}: ${error.message}`).toBe(true);
  });

  test('a stream of the process can be told not to block', () => {
    const { _handle: handle } = process.stderr as unknown as { _handle?: { setBlocking?: unknown } };
    // Files have no handle, and never block for long.
    if (handle !== undefined) expect(handle.setBlocking, gone('unblock')).toBeTypeOf('function');
    expect(() => unblock(process.stderr)).not.toThrow();
  });
});

/** A stream whose write fails; Node may do no more than to note that. */
function failingStream(): { stream: Duplex; failed: Promise<Error | undefined> } {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(new Error('the write has failed')) });
  const failed = new Promise<Error | undefined>((resolve) => {
    stream.destroy = (error) => {
      resolve(error);
      return stream;
    };
  });
  stream.write('x', () => {});
  return { stream, failed };
}

/** A socket whose Node has none of it. */
function bare(): Socket {
  const socket = new Socket();
  cleanups.push(() => socket.destroy());
  return socket;
}

describe('where Node or ws has taken it away', () => {
  test('memory of ours is not read into, and all comes as data', async () => {
    const [ours, theirs] = await sockets();
    Object.assign((ours as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
    const memory = { next: Buffer.alloc(10), onRead: () => expect.fail('it was read into') };
    expect(readInto(ours, memory)).toBe(false);
    theirs.write('data');
    expect(String((await once(ours.resume(), 'data'))[0])).toBe('data');
    expect([readInto(new Duplex(), memory), readInto(bare(), memory)]).toEqual([false, false]);
    expect(() => readNextInto(new Duplex(), memory.next)).not.toThrow();
  });

  test('the system is not asked', () => {
    expect([readByte(bare()), writeNothing(bare())]).toEqual([undefined, undefined]);
    const onWindows = Object.assign(bare(), { _handle: { fd: -1, close() {} } });
    expect([readByte(onWindows), writeNothing(onWindows)]).toEqual([undefined, undefined]);
    Object.assign(onWindows, { _handle: null });
  });

  test('a failed write ends the stream', async () => {
    const failure = new Error('the write has failed');
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(failure) });
    Object.defineProperty(stream, '_readableState', { get: () => undefined });
    expect(forgetFailedWrite(stream, failure)).toBe(false);
    expect(() => tellEndThatCame(stream)).not.toThrow();
  });

  test('nothing is known below TLS, and TCP ends with it', async () => {
    const { ours, theirs, raw } = await tlsSockets('over its own TCP');
    cleanups.push(() => [ours, theirs, raw].map((socket) => socket.destroy()));
    const seen = new Observer(raw);
    const handle = (ours as unknown as { _handle: { _parent: object } })._handle;
    Object.assign(handle._parent, { reset: undefined });
    expect(socketBelow(ours)).toBeUndefined();
    resetOnceDestroyed(ours);
    ours.destroy();
    await seen.ended;
    expect(seen.events).toEqual(['end']);
  });

  test('an alert, and an answer that breaks RFC 6455, are failures like any other', () => {
    expect(tlsAlertOf(new Error('in other words'))).toBeUndefined();
    expect(isBrokenUpgrade(new Error('in other words'))).toBe(false);
    expect(isBrokenUpgrade(Object.assign(new Error('Upgrade header'), { code: 'ECONNRESET' }))).toBe(false);
  });

  test('a request to upgrade has no response', () => {
    const upgrade = { socket: bare(), method: 'GET', headers: {} } as unknown as IncomingMessage;
    const { assignSocket } = ServerResponse.prototype;
    cleanups.push(() => Object.assign(ServerResponse.prototype, { assignSocket }));
    Object.assign(ServerResponse.prototype, { assignSocket: undefined });
    expect(respondTo(upgrade)).toBeUndefined();
  });

  test('an agent gets the options as they were', () => {
    const agent = Object.assign(new Agent(), { addRequest: undefined });
    expect(changeRequests(agent, () => expect.fail('they were changed'))).toBe(false);
  });

  test('ws makes WebSockets at once', () => {
    class Other {
      close(): void {}
    }
    expect(lateWebSocket(Other)).toBeUndefined();
  });

  test('ws reads everything', async () => {
    const pair = await webSocketPair();
    cleanups.push(() => pair.close());
    const messages: string[] = [];
    pair.server.on('message', (data) => messages.push(String(data)));
    pair.serverSocket.on('data', () => {});
    expect(readPastWs(pair.serverSocket, () => expect.fail('it was read past'))).toBeUndefined();
    pair.client.send('all the same');
    await until(() => messages.length > 0);
    expect(messages).toEqual(['all the same']);
    expect(readPastWs(bare(), () => {})).toBeUndefined();
  });

  test('a stream of the process is left as it is', () => {
    expect(() => unblock({})).not.toThrow();
    expect(() => unblock({ _handle: {} })).not.toThrow();
  });
});

async function listen(server: Server): Promise<number> {
  server.on('connection', (socket: Socket) => cleanups.push(() => socket.destroy()));
  cleanups.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const KEY = Buffer.from('0123456789abcdef');
/** A key that both know takes the place of certificates. */
const CIPHERS = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

async function dialByKey(port: number): Promise<Socket> {
  const socket = connectTls({
    ...{ socket: await dial(port), checkServerIdentity: () => undefined },
    ...{ pskCallback: () => ({ psk: KEY, identity: 'test' }), ...CIPHERS },
  });
  await once(socket, 'secureConnect');
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.setEncoding('latin1')) text += chunk;
  return text;
}
