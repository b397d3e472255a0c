import { once } from 'node:events';
import { Agent, type ClientRequest, createServer, type IncomingMessage, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer as createSecureServer, request as requestSecurely, Agent as SecureAgent } from 'node:https';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectSecurely, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel, type Tunnel, type TunnelOptions } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { type AnySocket, codeOf } from './socket-twins.js';

const PLACES: [string, TunnelOptions][] = [
  ['through the tunnel', {}],
  ['past the tunnel', { client: { bypass: ['127.0.0.0/8', 'localhost'] }, server: { allowPrivate: false } }],
];

const BULK = 2_000_000;
let certificate: Certificate;

function events(socket: AnySocket | TLSSocket): string[] {
  const log: string[] = [];
  for (const event of ['secureConnect', 'end', 'finish']) socket.on(event, () => log.push(event));
  socket.on('close', (hadError: boolean) => log.push(`close ${hadError}`));
  socket.on('error', (error) => log.push(`error ${codeOf(error)}`));
  return log;
}

const isGone = (log: readonly string[]): boolean => log.some((line) => line.startsWith('close'));

function sizeOf(socket: AnySocket | TLSSocket): () => number {
  let bytes = 0;
  socket.on('data', ({ length }: Buffer) => {
    bytes += length;
  });
  return () => bytes;
}

type SecureUse = (near: TLSSocket, far: TLSSocket) => Promise<unknown>;

const SECURE: Record<string, SecureUse> = {
  'an echo, ended by the application': async (near, far) => {
    const [log, farLog, bytes] = [events(near), events(far), sizeOf(near)];
    far.pipe(far);
    near.end(Buffer.alloc(BULK));
    await until('both are closed', () => isGone(log) && isGone(farLog));
    return { log, farLog, bytes: bytes() };
  },
  'ended by the destination': async (near, far) => {
    const [log, farLog, bytes] = [events(near), events(far), sizeOf(near)];
    far.resume().end(Buffer.alloc(BULK));
    await until('both are closed', () => isGone(log) && isGone(farLog));
    return { log, farLog, bytes: bytes() };
  },
  'destroyed when everything is written': async (near, far) => {
    const log = events(near);
    far.resume();
    near.end(Buffer.alloc(BULK), () => near.destroy());
    await until('closed', () => isGone(log));
    return log;
  },
  'destroyed in the callback of a write': async (near, far) => {
    const [log, bytes] = [events(near), sizeOf(far)];
    near.write(Buffer.alloc(100_000), () => near.destroy());
    await until('it has arrived', () => isGone(log) && far.destroyed);
    return { log, bytes: bytes() };
  },
  'destroyed by the destination when everything is written': async (near, far) => {
    const [log, bytes] = [events(near), sizeOf(near)];
    far.end(Buffer.alloc(BULK), () => far.destroy());
    await until('closed', () => isGone(log));
    return { log, bytes: bytes() };
  },
  'time-outs are told': async (near) => {
    const log = events(near);
    near.setTimeout(20, () => near.destroy());
    await until('closed', () => isGone(log));
    return log;
  },
  'paused until everything waits': async (near, far) => {
    const log = events(near);
    near.pause();
    far.resume().end(Buffer.alloc(BULK));
    await until('nothing more can be written', () => far.writableLength < BULK);
    const bytes = sizeOf(near);
    near.resume();
    await until('closed', () => isGone(log));
    return { log, bytes: bytes() };
  },
};

/** Both ways to the same place; the tunnel last. */
const waysOf = ({ client }: Tunnel, port: number): (() => Promise<AnySocket>)[] => [
  async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  },
  () => client.connect({ host: '127.0.0.1', port }),
];

async function outcomesOf<Way>(ways: readonly Way[], use: (way: Way) => Promise<unknown>): Promise<unknown[]> {
  const outcomes: unknown[] = [];
  for (const way of ways) outcomes.push(await use(way));
  return outcomes;
}

function expectSame([straight, tunneled]: unknown[]): void {
  expect(tunneled).toEqual(straight);
}

describe.each(PLACES)('%s', (_place, options) => {
  describe('TLS on top', () => {
    skipUnlessInstalled('openssl');
    beforeAll(async () => {
      certificate = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
    });

    test.each(Object.entries(SECURE))('as over net.Socket: %s', async (_name, use) => {
      const tunnel = await startTunnel(options);
      const server = createTlsServer(certificate);
      const { port } = await listenOn(server);
      const results = await outcomesOf(waysOf(tunnel, port), async (open) => {
        const accepted = once(server, 'secureConnection');
        const near = connectSecurely({
          socket: (await open()) as Socket,
          servername: 'localhost',
          ca: certificate.cert,
        });
        atEnd(() => near.destroy());
        near.on('error', () => {});
        const [[far]] = (await Promise.all([accepted, once(near, 'secureConnect')])) as [[TLSSocket], unknown];
        atEnd(() => far.destroy());
        far.on('error', () => {});
        return use(near, far);
      });
      expectSame(results);
    });

    // Over net.Socket a part of it is lost.
    test('destroyed when everything is written, everything arrives', async () => {
      const tunnel = await startTunnel(options);
      const server = createTlsServer(certificate);
      const { port } = await listenOn(server);
      const accepted = once(server, 'secureConnection');
      const raw = await tunnel.client.connect({ host: '127.0.0.1', port });
      const near = connectSecurely({ socket: raw as unknown as Socket, servername: 'localhost', ca: certificate.cert });
      // That its client is closed at the end of the test.
      near.on('error', () => {});
      raw.on('error', () => {});
      const [far] = (await accepted) as [TLSSocket];
      const bytes = sizeOf(far);
      near.end(Buffer.alloc(BULK), () => near.destroy());
      await once(far, 'end');
      far.destroy();
      expect(bytes()).toBe(BULK);
    });

    test('as over net.Socket: a certificate that is not trusted', async () => {
      const tunnel = await startTunnel(options);
      const { port } = await listenOn(createTlsServer(certificate));
      const results = await outcomesOf(waysOf(tunnel, port), async (open) => {
        const raw = await open();
        const near = connectSecurely({ socket: raw as Socket, servername: 'localhost' });
        const log = events(near);
        await until('closed', () => isGone(log) && raw.destroyed);
        return log;
      });
      expectSame(results);
    });

    test('as over net.Socket: a destination that speaks no TLS', async () => {
      const tunnel = await startTunnel(options);
      const { port } = await listenOn(createServer());
      const results = await outcomesOf(waysOf(tunnel, port), async (open) => {
        const near = connectSecurely({ socket: (await open()) as Socket, servername: 'localhost' });
        const log = events(near);
        await until('closed', () => isGone(log));
        return log.map((line) => line.replace(/SSL_\w+|EPROTO/, 'no TLS'));
      });
      expectSame(results);
    });

    test('an agent as that of node:https, with a server that closes idle connections', async () => {
      const { client } = await startTunnel(options);
      const server = createSecureServer({ ...certificate, keepAliveTimeout: 1 }, (incoming, response) => {
        incoming.pipe(response);
      });
      const { port } = await listenOn(server);
      const agents = [
        new SecureAgent({ keepAlive: true, maxSockets: 2 }),
        client.agent({ keepAlive: true, maxSockets: 2 }),
      ];
      const results = await outcomesOf(agents, (agent) =>
        useAgent(agent as Agent, () =>
          requestSecurely({ agent, port, host: 'localhost', ca: certificate.cert, method: 'POST' }),
        ),
      );
      expectSame(results);
    });
  });

  test('an agent as that of node:http, with a server that closes idle connections', async () => {
    const { client } = await startTunnel(options);
    const server = createServer({ keepAliveTimeout: 1 }, (incoming, response) => {
      incoming.pipe(response);
    });
    const { port } = await listenOn(server);
    const agents = [new Agent({ keepAlive: true, maxSockets: 2 }), client.agent({ keepAlive: true, maxSockets: 2 })];
    const results = await outcomesOf(agents, (agent) =>
      useAgent(agent, () => request({ agent, port, host: '127.0.0.1', method: 'POST' })),
    );
    expectSame(results);
  });

  test('an agent as that of node:http: the time-out of a request, and a server that hangs up', async () => {
    const { client } = await startTunnel(options);
    const server = createServer((incoming, response) => {
      if (incoming.url === '/hangs-up') incoming.socket.destroy();
      else if (incoming.url === '/in-the-middle') response.write('half', () => incoming.socket.resetAndDestroy());
      else if (incoming.url === '/ends-short') {
        response.writeHead(200, { 'content-length': 10 });
        response.write('half', () => incoming.socket.end());
      }
    });
    const { port } = await listenOn(server);
    const agents = [new Agent({ keepAlive: true }), client.agent({ keepAlive: true })];
    const results = await outcomesOf(agents, async (agent) => {
      const log: string[] = [];
      for (const path of ['/silent', '/hangs-up', '/in-the-middle', '/ends-short']) {
        const asked = request({ agent, port, host: '127.0.0.1', path, timeout: path === '/silent' ? 50 : 60_000 });
        // Told by the answer as well, once there is one.
        asked.on('error', () => {});
        asked.on('timeout', () => {
          log.push('timeout');
          asked.destroy();
        });
        asked.end();
        try {
          log.push(await text(await answerTo(asked)));
        } catch (error) {
          log.push(`${path} ${codeOf(error as Error)}`);
        }
      }
      agent.destroy();
      return log;
    });
    expectSame(results);
  });

  test('an upgrade of HTTP as over net.Socket', async () => {
    const { client } = await startTunnel(options);
    const server = createServer();
    server.on('upgrade', (_incoming, socket: Socket, head: Buffer) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhead of it');
      socket.write(head);
      socket.pipe(socket);
    });
    const { port } = await listenOn(server);
    const agents = [new Agent(), client.agent()];
    const results = await outcomesOf(agents, async (agent) => {
      const asked = request({ agent, port, host: '127.0.0.1', headers: { connection: 'Upgrade', upgrade: 'echo' } });
      asked.end();
      const [response, socket, head] = (await once(asked, 'upgrade')) as [IncomingMessage, AnySocket, Buffer];
      const log = events(socket);
      let got = head.toString();
      socket.on('data', (chunk: Buffer) => {
        got += chunk;
      });
      socket.end('x'.repeat(BULK));
      await until('closed', () => isGone(log));
      agent.destroy();
      return { status: response.statusCode, got: got.replace(/x+/, ({ length }) => String(length)), log };
    });
    expectSame(results);
  });

  test('CONNECT of HTTP as over net.Socket', async () => {
    const { client } = await startTunnel(options);
    const server = createServer();
    server.on('connect', (_incoming, socket: Socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nwelcome');
      socket.pipe(socket);
    });
    const { port } = await listenOn(server);
    const results = await outcomesOf([new Agent(), client.agent()], async (agent) => {
      const asked = request({ agent, port, host: '127.0.0.1', method: 'CONNECT', path: 'a.example:1' }).end();
      const [response, socket, head] = (await once(asked, 'connect')) as [IncomingMessage, AnySocket, Buffer];
      socket.end('question');
      const got = head.toString() + (await text(socket));
      return { status: response.statusCode, got };
    });
    expectSame(results);
  });

  test('HTTP/2 as over net.Socket', async () => {
    const tunnel = await startTunnel(options);
    const server = createHttp2Server();
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const { port } = await listenOn(server);
    const results = await outcomesOf(waysOf(tunnel, port), async (open) => {
      const raw = await open();
      const log = events(raw);
      const session = connectHttp2(`http://127.0.0.1:${port}`, { createConnection: () => raw as Socket });
      const bodies = await Promise.all(
        [1, 2, 3].map(async (n) => {
          const stream = session.request({ ':method': 'POST', ':path': '/' });
          stream.end(Buffer.alloc(300_000 * n));
          let bytes = 0;
          for await (const chunk of stream) bytes += chunk.length;
          return bytes;
        }),
      );
      session.close();
      await until('closed', () => isGone(log));
      return { bodies, hadError: log.at(-1) };
    });
    expectSame(results);
  });

  test('a server of node:http takes it as a connection', async () => {
    const tunnel = await startTunnel(options);
    const web = createServer((incoming, response) => {
      response.setHeader('connection', 'close');
      incoming.pipe(response);
    });
    const asking = createServer();
    asking.removeAllListeners('connection');
    asking.on('connection', (socket: Socket) => {
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
      void text(socket).then((answer) => answers.push(answer.split('\r\n\r\n')[1] as string));
    });
    const answers: string[] = [];
    const { port } = await listenOn(asking);
    const results = await outcomesOf(waysOf(tunnel, port), async (open) => {
      const socket = await open();
      const log = events(socket);
      web.emit('connection', socket);
      await until('closed', () => isGone(log) && answers.length > 0);
      return { answer: answers.pop(), log };
    });
    expectSame(results);
  });
});

async function answerTo(asked: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

/** Request after request, each once the server has closed the connection of the one before; then many at once. */
async function useAgent(agent: Agent, ask: () => ClientRequest): Promise<unknown> {
  const exchange = async (length: number): Promise<unknown> => {
    const asked = ask();
    asked.end('x'.repeat(length));
    const response = await answerTo(asked);
    return [asked.reusedSocket, (await text(response)).length];
  };
  const isEmpty = (): boolean =>
    [agent.freeSockets, agent.sockets, agent.requests].every((held) => Object.values(held).flat().length === 0);
  const answers: unknown[] = [];
  for (let n = 1; n <= 4; n += 1) {
    answers.push(await exchange(n * 100_000));
    await until('the agent holds nothing', isEmpty);
  }
  const many = (await Promise.all([1, 2, 3, 4, 5].map((n) => exchange(n * 1_000)))) as [boolean, number][];
  await until('the agent holds nothing', isEmpty);
  agent.destroy();
  return { answers, many: many.map(([, length]) => length) };
}
