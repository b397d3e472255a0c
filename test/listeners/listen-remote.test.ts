import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { RemoteServer, TunnelSocket } from 'wsproxy-client';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { connectTo, readToEnd } from 'wsproxy-test-support/sockets/application';
import { startServer, startTunnel, type Tunnel, type TunnelOptions } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** It has no types of its own. */
const express = createRequire(import.meta.url)('express') as () => RequestListener & {
  get(path: string, handler: (request: ExpressRequest, response: { json(body: object): void }) => void): void;
};
interface ExpressRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly ip: string;
}

/** A tunnel whose server may listen. */
const startReverse = (options: TunnelOptions = {}): Promise<Tunnel> =>
  startTunnel({ ...options, server: { reverse: true, ...options.server } });

interface Listening extends Tunnel {
  readonly remote: RemoteServer;
  /** Where the server listens. */
  readonly at: number;
}

/** A program that serves what comes to a port of the server. */
async function listenRemote(
  onConnection: (socket: TunnelSocket) => void,
  { allowHalfOpen = true, ...options }: TunnelOptions & { readonly allowHalfOpen?: boolean } = {},
): Promise<Listening> {
  const tunnel = await startReverse(options);
  const remote = tunnel.client.listenRemote({ port: 0, allowHalfOpen }, onConnection);
  await once(remote, 'listening');
  return { ...tunnel, remote, at: portOf(remote) };
}

function portOf(remote: RemoteServer): number {
  const address = remote.address();
  if (address === null || typeof address === 'string') throw new Error(`not at a port: ${address}`);
  return address.port;
}

/** A connection to it, with all that comes of it. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = await connectTo(port);
  const parts: Buffer[] = [];
  socket.end(text);
  await readToEnd(socket, (part) => parts.push(part));
  return Buffer.concat(parts).toString();
}

describe('what a listener of the program throws', () => {
  test.each(['connection', 'data'] as const)('for %s is the error of its socket, and others go on', async (what) => {
    const thrown = new Error('of the program');
    const errors: Error[] = [];
    const { at, client } = await listenRemote((socket) => {
      socket.on('error', (error) => errors.push(error)).pipe(socket);
      if (what === 'connection' && errors.length === 0) throw thrown;
      socket.on('data', (data: Buffer) => {
        if (String(data) === 'and more') throw thrown;
      });
    });
    const first = (await connectTo(at)).on('error', () => {});
    const lost = new Promise((resolve) => first.once('close', resolve));
    first.once('data', () => first.write('and more')).write('some');
    await lost;
    expect(await exchange(at, 'hello')).toBe('hello');
    await until('both are over', () => client.channelCount === 0);
    expect([errors, client.status().state]).toEqual([[thrown], 'online']);
  });
});

describe('a connection to a port of the server', () => {
  test('is a socket of the program, which knows both of its ends', async () => {
    const seen: TunnelSocket[] = [];
    const { at, remote } = await listenRemote((socket) => {
      seen.push(socket.on('error', () => {}));
      socket.end('welcome');
    });
    expect([remote.listening, remote.address()]).toEqual([true, { address: '127.0.0.1', family: 'IPv4', port: at }]);
    const application = await connectTo(at);
    await until('it has come', () => seen.length === 1);
    const [socket] = seen;
    expect([socket?.remoteAddress, socket?.remotePort, socket?.remoteFamily]).toEqual([
      '127.0.0.1',
      application.localPort,
      'IPv4',
    ]);
    expect([socket?.localAddress, socket?.localPort, socket?.localFamily]).toEqual(['127.0.0.1', at, 'IPv4']);
    expect([socket?.address(), socket?.readyState, socket?.pending]).toEqual([remote.address(), 'readOnly', false]);
    expect((await readToEnd(application)).bytes).toBe(7);
    expect(() => socket?.connect(1, 'a')).toThrow(expect.objectContaining({ code: 'EISCONN' }));
  });

  test('keeps half-closes where it is asked to', async () => {
    const { at } = await listenRemote((socket) => {
      const parts: Buffer[] = [];
      socket.on('data', (part: Buffer) => parts.push(part));
      socket.on('end', () => socket.end(`got ${Buffer.concat(parts)}`));
    });
    expect(await exchange(at, 'all')).toBe('got all');
  });

  test('that is reset is reset for the program, with the code of the system; and the other way round', async () => {
    const codes: (string | undefined)[] = [];
    const sockets: TunnelSocket[] = [];
    const { at } = await listenRemote((socket) => {
      sockets.push(socket.resume());
      socket.on('error', ({ code }: NodeJS.ErrnoException) => codes.push(code));
    });
    (await connectTo(at)).resetAndDestroy();
    await until('the program knows', () => codes.length === 1);
    expect(codes).toEqual(['ECONNRESET']);
    const second = await connectTo(at);
    await until('it has come', () => sockets.length === 2);
    sockets[1]?.resetAndDestroy();
    expect((await readToEnd(second)).by).toBe('reset');
  });

  test('goes on when the server listens no more, which is closed when the last one is over', async () => {
    const sockets: TunnelSocket[] = [];
    const { at, remote } = await listenRemote((socket) => sockets.push(socket));
    const application = await connectTo(at);
    await until('it has come', () => sockets.length === 1);
    let isClosed = false;
    remote.close(() => {
      isClosed = true;
    });
    expect([remote.listening, remote.address()]).toEqual([false, null]);
    await until('nobody listens', async () => (await outcomeOf(at)) === 'ECONNREFUSED');
    sockets[0]?.write('still here');
    const [word] = (await once(application, 'data')) as [Buffer];
    expect([String(word), isClosed]).toEqual(['still here', false]);
    sockets[0]?.destroy();
    await until('it is closed', () => isClosed);
  });
});

/** What comes of a connection: nothing, or the code of its error. */
async function outcomeOf(port: number): Promise<string | undefined> {
  const socket = connect({ port, host: '127.0.0.1' });
  const [error] = (await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch((failure) => [
    failure,
  ])) as [NodeJS.ErrnoException | undefined];
  socket.destroy();
  return error?.code;
}

test('a server that has gone is listened at again when it is back, at the port that it chose', async () => {
  const events: string[] = [];
  const { at, remote, client, server, serverPort } = await listenRemote((socket) =>
    socket.on('error', () => {}).end('welcome'),
  );
  remote.on('listening', () => events.push('listening'));
  remote.on('error', () => events.push('error'));
  await server.close();
  await until('nobody listens', () => !remote.listening);
  expect([remote.address(), client.status().listeners[0]?.state]).toEqual([null, 'asking']);
  await startServer({ reverse: true }, serverPort);
  await until('it listens again', () => remote.listening, 40_000);
  expect([events, portOf(remote)]).toEqual([['listening'], at]);
  expect(await exchange(at, '')).toBe('welcome');
});

describe('behind a port of the server', () => {
  test('an HTTP server answers, again and again on one connection', async () => {
    const web = createServer((asked, response) => {
      const parts: Buffer[] = [];
      asked.on('data', (part: Buffer) => parts.push(part));
      asked.on('end', () => response.end([asked.url, Buffer.concat(parts).length, asked.socket.remotePort].join(' ')));
    });
    const { at } = await listenRemote((socket) => web.emit('connection', socket));
    atEnd(() => web.closeAllConnections());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    atEnd(() => agent.destroy());
    const ask = async (path: string, body: string): Promise<string> => {
      const asked = request({ port: at, path, method: 'POST', agent }).end(body);
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return (await response.toArray()).join('');
    };
    const answers = [await ask('/a', 'x'.repeat(300_000)), await ask('/b', 'y')];
    expect(answers.map((answer) => answer.split(' ').slice(0, 2))).toEqual([
      ['/a', '300000'],
      ['/b', '1'],
    ]);
    expect(new Set(answers.map((answer) => answer.split(' ')[2])).size).toBe(1);
  });

  test('Express answers', async () => {
    const app = express();
    app.get('/hello/:name', ({ params, ip }, response) => response.json({ ...params, ip }));
    const web = createServer(app);
    const { at } = await listenRemote((socket) => web.emit('connection', socket));
    atEnd(() => web.closeAllConnections());
    const response = await fetch(`http://127.0.0.1:${at}/hello/world`);
    expect(await response.json()).toEqual({ name: 'world', ip: '127.0.0.1' });
  });

  test('a WebSocket server speaks', async () => {
    const web = createServer();
    const sockets = new WebSocketServer({ server: web });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${String(data)}`)));
    const { at } = await listenRemote((socket) => web.emit('connection', socket));
    const client = new WebSocket(`ws://127.0.0.1:${at}/`);
    atEnd(() => client.terminate());
    await once(client, 'open');
    client.send('hello');
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(String(data)).toBe('echo hello');
  });
});

describe('a program', () => {
  test('is told that its server does not let it listen', async () => {
    const { client } = await startReverse();
    const [error] = (await once(client.listenRemote({ host: '0.0.0.0', port: 0 }), 'error')) as [{ code: string }];
    expect(error.code).toBe('DENIED');
  });

  test('is told that its server lets nobody listen', async () => {
    const { client } = await startTunnel();
    const remote = client.listenRemote({ port: 0 });
    await expect(once(remote, 'listening')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    const closed = new Promise<void>((resolve) => remote.close(resolve));
    await closed;
    expect([remote.listening, remote.address(), client.status().listeners]).toEqual([false, null, []]);
  });

  test('is told at once of options that are none', async () => {
    const { client } = await startTunnel();
    expect(() => client.listenRemote({} as { port: number })).toThrow(/^port: is missing/);
    expect(() => client.listenRemote({ port: 0, target: 'a:1' } as { port: number })).toThrow(
      /^target: there is no such/,
    );
    expect(() => client.listenRemote({ port: 1, path: '/a' } as { port: number })).toThrow(
      /^path: cannot stand beside/,
    );
  });

  test('is listed with what has come to it', async () => {
    const sockets: Socket[] = [];
    const { client, at } = await listenRemote((socket) => sockets.push(socket));
    await connectTo(at);
    await until('it has come', () => sockets.length === 1);
    expect(client.status().listeners).toMatchObject([
      { target: 'program', state: 'listening', address: `127.0.0.1:${at}`, arrivals: 1, arrivalsSoFar: 1 },
    ]);
    expect(client.status().channels).toMatchObject([{ kind: 'remote', target: 'program', open: true }]);
    sockets[0]?.destroy();
    await until('it is over', () => client.status().listeners[0]?.arrivals === 0);
  });

  test('closes with its client, and can be disposed of', async () => {
    const { client, remote } = await listenRemote(() => {});
    const closed = once(remote, 'close');
    const other = client.listenRemote({ port: 0 });
    await once(other, 'listening');
    await other[Symbol.asyncDispose]();
    await client.close();
    await closed;
    expect(remote.listening).toBe(false);
  });

  test('hears at once of a server that it has closed before it listened', async () => {
    const { client } = await startReverse();
    const remote = client.listenRemote({ port: 0 });
    await new Promise<void>((resolve) => remote.close(resolve));
    await until('it is not listed', () => client.status().listeners.length === 0);
  });
});
