import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { makeCertificate } from '../gateway/make-certificate.js';
import { FakeOwner } from './fake-owner.js';
import { ask, getOf, openSocket, startNames, startService } from './start-names.js';

const certificate = makeCertificate();

/** A service with TLS of its own, which says who it is and then what it hears. */
async function startSecure(name: string): Promise<number> {
  const server = createServer({ ...certificate }, (socket) => {
    atEnd(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(`${name}:${String(socket.servername)}:`);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  atEnd(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The end of a connection with TLS, or the error that it failed with. */
async function hello(port: number, servername: string | undefined): Promise<TLSSocket | string> {
  const options = { port, host: '127.0.0.1', ca: certificate?.cert, checkServerIdentity: () => undefined };
  const socket = connect({ ...options, ...(servername !== undefined && { servername }) });
  atEnd(() => socket.destroy());
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve(socket)).once('error', ({ message }) => resolve(message));
  });
}

async function talk(socket: TLSSocket | string, text: string): Promise<string> {
  if (typeof socket === 'string') return socket;
  socket.end(text);
  let heard = '';
  for await (const chunk of socket) heard += String(chunk);
  return heard;
}

describe.skipIf(certificate === undefined)('a connection with TLS', () => {
  test('goes as it is to the one who holds the name that it asks for', async () => {
    const { port, hold } = await startNames();
    const alice = new FakeOwner('alice', await startSecure('one'));
    await hold('tls', 'db.example.org', alice);
    await hold('tls', '*.example.com', new FakeOwner('bob', await startSecure('two')));
    // Longer than any window, and the same on its way back.
    const long = 'x'.repeat(300_000);
    const heard = await Promise.all([
      hello(port, 'DB.example.org').then((socket) => talk(socket, long)),
      hello(port, 'a.b.example.com').then((socket) => talk(socket, 'hi')),
    ]);
    expect(heard).toEqual([`one:DB.example.org:${long}`, 'two:a.b.example.com:hi']);
    const [arrival] = alice.arrivals;
    expect(arrival).toMatchObject({
      name: 'db.example.org',
      peer: { host: '127.0.0.1' },
      local: { host: '127.0.0.1', port },
    });
  });

  test.each([['no.example.org'], [undefined], ['a.org']])('for %s is refused by the alert for that', async (name) => {
    const { port, hold } = await startNames();
    await hold('tls', 'example.org', new FakeOwner('alice', 1));
    await hold('http', 'a.org', new FakeOwner('alice', 1));
    expect(await hello(port, name)).toMatch(/alert unrecognized name|alert number 112/);
  });
});

describe('a connection', () => {
  test.each([
    ['P4 a broken ClientHello', [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0], 50],
    ['a ServerHello', [0x16, 3, 3, 0, 4, 2, 0, 0, 0], 10],
  ])('with %s gets an alert and is closed', async (_what, bytes, alert) => {
    const { port } = await startNames();
    const wire = await openSocket(port);
    wire.socket.write(Buffer.from(bytes));
    expect(await wire.over).toBe('end');
    expect(Buffer.from(wire.text, 'latin1')).toEqual(Buffer.from([0x15, 3, 3, 0, 2, 2, alert]));
  });

  test('with neither HTTP nor TLS gets a 400, and is closed', async () => {
    const { port } = await startNames();
    expect(await ask(port, 'SSH-2.0-x\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*Connection: close\r\n/s);
  });

  test.each([
    ['P5 that says nothing', Buffer.alloc(0)],
    ['with half a ClientHello', Buffer.from([0x16, 3, 1, 2, 0, 1])],
    ['with half a request', Buffer.from('GET / HTTP/1.1\r\nHost: a')],
  ])('%s is closed when its time is over', async (_what, bytes) => {
    const { port, hits } = await startNames({ headTime: 30, helloTime: 30 });
    const wire = await openSocket(port);
    wire.socket.write(bytes);
    await wire.over;
    expect([wire.text, hits]).toEqual(['', ['upgradeTimeout']]);
  });

  test('has less time for a ClientHello than for a request', async () => {
    const { port, hits } = await startNames({ helloTime: 30 });
    const wire = await openSocket(port);
    wire.socket.write(Buffer.from([0x16]));
    await wire.over;
    expect(hits).toEqual(['upgradeTimeout']);
  });

  test('that ends before its first byte, or within it, is forgotten', async () => {
    const { port } = await startNames();
    for (const bytes of [Buffer.alloc(0), Buffer.from([0x16, 3])]) {
      const wire = await openSocket(port);
      wire.socket.end(bytes);
      await wire.over;
      expect(wire.text).toBe('');
    }
  });

  test('that is idle between requests is closed after a while, and not while it has one', async () => {
    const { port, hold } = await startNames({ idleTime: 30, headTime: 10_000 });
    let answer: () => void = () => {};
    const service = await startService((_incoming, response) => {
      answer = () => response.end('ok');
    });
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(port);
    wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    await once(service.server, 'request');
    const idle = await openSocket(port);
    idle.socket.write('GET / HTTP/1.1\r\nHost: b.org\r\n\r\n');
    await idle.over;
    expect(idle.text).toMatch(/^HTTP\/1\.1 404 /);
    answer();
    await wire.over;
    expect(wire.text).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('P6 without a request leaves its place to others, the idle ones among them; one with a request does not', async () => {
    const { port, hold, hits } = await startNames({}, { places: 2 });
    const service = await startService(() => {});
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const busy = await openSocket(port);
    busy.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    await once(service.server, 'request');
    const idle = await openSocket(port);
    idle.socket.write('GET / HTTP/1.1\r\nHost: b.org\r\n\r\n');
    await idle.read(/ 404 /);
    const others = [await openSocket(port), await openSocket(port), await openSocket(port)];
    await Promise.race([idle, ...others].map(({ over }) => over));
    while (hits.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(hits).toEqual(['unauthenticated', 'unauthenticated']);
    expect(busy.socket.destroyed).toBe(false);
  });

  test('P5 whose stranger takes nothing of a long answer is closed, one whose service says nothing is not', async () => {
    const { port, hold } = await startNames({ stallTime: 50 });
    const service = await startService((incoming, response) => {
      const go = (): void => {
        while (response.write(Buffer.alloc(65_536)));
      };
      if (incoming.url === '/long') go();
      response.on('drain', go);
    });
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const patient = await openSocket(port);
    patient.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    await once(service.server, 'request');
    const stalled = connectTcp(port, '127.0.0.1').pause();
    atEnd(() => stalled.destroy());
    stalled.write('GET /long HTTP/1.1\r\nHost: a.org\r\n\r\n');
    const [, response] = await once(service.server, 'request');
    await once(response, 'close');
    expect(patient.socket.destroyed).toBe(false);
  });

  test('P5 whose stranger brings nothing of a request any more is closed', async () => {
    const { port, hold } = await startNames({ stallTime: 50 });
    const service = await startService((incoming) => incoming.on('error', () => {}).resume());
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(port);
    wire.socket.write('POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: 10\r\n\r\nhalf');
    await wire.over;
    expect(wire.text).toBe('');
  });
});

describe('a WebSocket', () => {
  async function startEcho(): Promise<number> {
    const service = await startService((_incoming, response) => response.writeHead(418).end('no'));
    const sockets = new WebSocketServer({ server: service.server });
    sockets.on('connection', (socket) =>
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
    );
    return service.port;
  }

  test('goes to the one who holds the name, with what is sent at once, and closes as it was closed', async () => {
    const { port, hold } = await startNames();
    await hold('http', 'ws.example.org', new FakeOwner('alice', await startEcho()));
    const socket = new WebSocket(`ws://127.0.0.1:${port}/a`, { headers: { host: 'ws.example.org' } });
    atEnd(() => socket.terminate());
    await once(socket, 'open');
    const heard: RawData[] = [];
    socket.on('message', (data) => heard.push(data));
    const long = Buffer.alloc(1_000_000, 7);
    socket.send('hi');
    socket.send(long);
    while (heard.length < 2) await once(socket, 'message');
    expect([String(heard[0]), long.equals(heard[1] as Buffer)]).toEqual(['hi', true]);
    socket.close(4_000, 'bye');
    expect(await once(socket, 'close')).toEqual([4_000, Buffer.from('bye')]);
  });

  test('ends at the service when the one who has opened it goes', async () => {
    const { port, hold } = await startNames();
    const service = await startService(() => {});
    const sockets = new WebSocketServer({ server: service.server });
    await hold('http', 'ws.example.org', new FakeOwner('alice', service.port));
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: 'ws.example.org' } });
    const [far] = await once(sockets, 'connection');
    await once(socket, 'open');
    socket.terminate();
    expect((await once(far, 'close'))[0]).toBe(1_006);
  });

  test('that the service does not open is answered as any request, and the connection ends', async () => {
    const { port, hold } = await startNames();
    const service = await startService((_incoming, response) => response.writeHead(418).end('no'));
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
    const text = `GET / HTTP/1.1\r\nHost: a.org\r\n${upgrade}\r\n`;
    expect(await ask(port, text)).toMatch(/^HTTP\/1\.1 418 .*Connection: close\r\n.*no/s);
    expect(await ask(port, text.replace('a.org', 'b.org'))).toMatch(/^HTTP\/1\.1 404 .*Not Found\n$/s);
    for (const socket of service.sockets) if (!socket.closed) await once(socket, 'close');
  });
});

test('a wildcard covers no name that somebody else may hold in another process', async () => {
  const { port, hold } = await startNames(
    {},
    { elsewhere: { find: async (_kind, name) => (name === 'new.org' ? 'nobody' : 'unknown'), onNews: () => {} } },
  );
  const service = await startService((incoming, response) => response.end(`for ${incoming.headers.host}`));
  await hold('http', '*.example.org', new FakeOwner('mallory', service.port));
  await hold('http', '*', new FakeOwner('mallory', service.port));
  await hold('http', 'own.example.org', new FakeOwner('mallory', service.port));
  const answers = ['bank.example.org', 'new.org', 'own.example.org'].map((name) => ask(port, getOf(name)));
  expect(await Promise.all(answers)).toEqual([
    expect.stringMatching(/^HTTP\/1\.1 404 /),
    expect.stringMatching(/^HTTP\/1\.1 200 .*for new\.org/s),
    expect.stringMatching(/^HTTP\/1\.1 200 .*for own\.example\.org/s),
  ]);
});

test('a port that is closed takes nothing, and keeps nothing', async () => {
  const { port, hold, close } = await startNames();
  const service = await startService(() => {});
  await hold('http', 'a.org', new FakeOwner('alice', service.port));
  const [idle, busy] = [await openSocket(port), await openSocket(port)];
  busy.socket.write(getOf('a.org'));
  const [, response] = await once(service.server, 'request');
  await close();
  await Promise.all([idle.over, busy.over, once(response, 'close')]);
  const late = connectTcp(port, '127.0.0.1');
  expect((await once(late, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
});
