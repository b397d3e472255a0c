import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { FakeOwner } from './fake-owner.js';
import { ask, bodyOf, getOf, openSocket, startNames, startService } from './start-names.js';

describe('a name', () => {
  test('that is held is refused to anybody else, until it is given back', async () => {
    const { hold } = await startNames();
    const held = await hold('http', '*.example.org', new FakeOwner('alice', 1));
    expect(held.address).toEqual({ host: '*.example.org', port: 0 });
    for (const [kind, userId] of [
      ['http', 'alice'],
      ['http', 'bob'],
      ['tls', 'bob'],
    ] as const) {
      await expect(hold(kind, '*.example.org', new FakeOwner(userId, 1))).rejects.toMatchObject({
        code: 'ADDRESS_IN_USE',
      });
    }
    held.close();
    await hold('tls', '*.example.org', new FakeOwner('bob', 1));
  });

  test('that was given back is unknown, and what runs there goes on', async () => {
    const { port, hold } = await startNames();
    const service = await startService(() => {});
    const held = await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const answer = ask(port, getOf('a.org'));
    const [, response] = (await once(service.server, 'request')) as [IncomingMessage, ServerResponse];
    held.close();
    expect(await ask(port, getOf('a.org'))).toMatch(/^HTTP\/1\.1 404 /);
    response.end('still here');
    expect(await answer).toContain('still here');
  });
});

describe('a port that is left', () => {
  /** Whether `promise` is over after some turns of the event loop. */
  async function isOver(promise: Promise<unknown>): Promise<boolean> {
    let over = false;
    void promise.then(() => {
      over = true;
    });
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    return over;
  }

  test('has settled when the one who has come has the whole answer, and keeps no connection', async () => {
    const { port, hold, settled } = await startNames();
    const service = await startService(() => {});
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(port);
    wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    const [, response] = (await once(service.server, 'request')) as [IncomingMessage, ServerResponse];
    response.write('begun');
    await wire.read(/begun/);
    const leaving = settled(60_000);
    expect(await isOver(leaving)).toBe(false);
    response.end(' and done');
    await leaving;
    expect(await wire.over).toBe('end');
    expect(wire.text).toContain(' and done');
  });

  test('ends connections without a request at once, and answers those that have just come', async () => {
    const { port, hold, settled } = await startNames();
    const service = await startService((_incoming, response) => response.end('ok'));
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const [idle, fresh] = [await openSocket(port), await openSocket(port)];
    fresh.socket.write('GET ');
    idle.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    await idle.read(/ok/);
    const leaving = settled(60_000);
    expect(await idle.over).toMatch(/^(end|ECONNRESET)$/);
    expect(await isOver(leaving)).toBe(false);
    fresh.socket.write('/ HTTP/1.1\r\nHost: a.org\r\n\r\n');
    await leaving;
    expect(await fresh.over).toBe('end');
    expect(fresh.text).toMatch(/^HTTP\/1\.1 200 .*Connection: close\r\n.*ok/s);
  });

  test('may give those who were told that their connection is kept time for one more request', async () => {
    const { port, hold, settled } = await startNames();
    const service = await startService(() => {});
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(port);
    wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    const [, first] = (await once(service.server, 'request')) as [IncomingMessage, ServerResponse];
    first.write('begun');
    await wire.read(/keep-alive.*begun/s);
    const leaving = settled(60_000, 60_000);
    first.end(' and done');
    await wire.read(/and done/);
    expect(await isOver(leaving)).toBe(false);
    wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    const [, second] = (await once(service.server, 'request')) as [IncomingMessage, ServerResponse];
    second.end('again');
    expect(await wire.over).toBe('end');
    expect(wire.text).toMatch(/Connection: close\r\n.*again/s);
    await leaving;
  });

  test('waits no longer than it may, and for nobody once it is closed', async () => {
    const { port, hold, settled, close } = await startNames();
    const service = await startService(() => {});
    await hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(port);
    wire.socket.write(getOf('a.org'));
    await once(service.server, 'request');
    await settled(1);
    const leaving = settled(60_000);
    await close();
    await leaving;
  });
});

test('an owner whose user has no room for one more who waits gets nobody more, until one has left', async () => {
  const { port, hold } = await startNames();
  const service = await startService((_incoming, response) => response.end('ok'));
  const owner = Object.assign(new FakeOwner('alice', service.port), { isAttached: false, room: 1 });
  await hold('http', 'a.org', owner);
  const first = ask(port, getOf('a.org'));
  while (owner.room > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await ask(port, getOf('a.org'))).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: /s);
  owner.attach();
  expect(await first).toContain('ok');
  expect(await ask(port, getOf('a.org'))).toContain('ok');
  while (owner.room < 1) await new Promise((resolve) => setImmediate(resolve));
});

test('a connection to a service that nobody has a request for is ended after a while, not cut', async () => {
  const { port, hold } = await startNames({ keptTime: 20 });
  const errors: Error[] = [];
  const service = await startService((_incoming, response) => response.end('ok'));
  service.server.on('clientError', (error) => errors.push(error));
  await hold('http', 'a.org', new FakeOwner('alice', service.port));
  expect(await ask(port, getOf('a.org'))).toContain('ok');
  const [kept] = service.sockets;
  if (kept?.closed === false) await once(kept, 'close');
  expect(errors).toEqual([]);
  expect(await ask(port, getOf('a.org'))).toContain('ok');
  expect(service.sockets).toHaveLength(2);
});

test('a name that was given back keeps no connection to its service', async () => {
  const { port, hold } = await startNames();
  const service = await startService((_incoming, response) => response.end('ok'));
  const held = await hold('http', 'a.org', new FakeOwner('alice', service.port));
  expect(await ask(port, getOf('a.org'))).toContain('ok');
  const [kept] = service.sockets;
  expect(kept?.destroyed).toBe(false);
  held.close();
  if (kept?.closed === false) await once(kept, 'close');
});

describe('a name that another client of its user has taken over', () => {
  /** Two services: the old one answers when it is told to, the new one at once. */
  async function startTwo() {
    const { port, hold } = await startNames();
    const old = await startService((incoming, response) => {
      if (incoming.url === '/at-once') response.end('old');
    });
    const next = await startService((_incoming, response) => response.end('new'));
    const owner = new FakeOwner('alice', old.port);
    const held = await hold('http', 'a.org', owner);
    const move = () => {
      owner.moveTo(next.port);
      held.onMoved();
    };
    return { port, old, owner, move };
  }

  test('is served by that one from the next request on, also where a connection was kept', async () => {
    const { port, old, move } = await startTwo();
    expect(await ask(port, getOf('a.org').replace('/', '/at-once'))).toContain('old');
    const kept = old.sockets[0];
    move();
    expect(await ask(port, getOf('a.org'))).toContain('new');
    if (kept?.closed === false) await once(kept, 'close');
  });

  test('has the other one answer what may be asked twice, and was not answered', async () => {
    const { port, old, move } = await startTwo();
    const asked = ask(port, getOf('a.org'));
    const [, response] = await once(old.server, 'request');
    const given = once(response, 'close');
    move();
    expect(await asked).toContain('new');
    await given;
  });

  test('leaves what may not be asked twice, or has begun to be answered, where it is', async () => {
    const { port, old, move } = await startTwo();
    const posted = ask(port, 'POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx');
    const [, ofPost] = (await once(old.server, 'request')) as [IncomingMessage, ServerResponse];
    const reader = await openSocket(port);
    reader.socket.write(getOf('a.org'));
    const [, ofGet] = (await once(old.server, 'request')) as [IncomingMessage, ServerResponse];
    ofGet.write('half');
    await reader.read(/half/);
    move();
    ofPost.end('old');
    ofGet.end(' and half');
    expect(await posted).toContain('old');
    await reader.read(/and half/);
  });
});

test('of 1,000 requests at once by connections that go on, for two names in turn, none crosses', async () => {
  const { port, hold } = await startNames();
  for (const name of ['a.example.org', 'b.example.org']) {
    const service = await startService(async (incoming, response) => {
      const body = await bodyOf(incoming);
      response.end(`${name} ${incoming.headers.host} ${incoming.url} ${body}`);
    });
    await hold('http', name, new FakeOwner(name, service.port));
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  atEnd(() => agent.destroy());
  const wrong: string[] = [];
  const one = (i: number) =>
    new Promise<void>((resolve, reject) => {
      const host = `${'ab'[i % 2]}.example.org`;
      const method = i % 3 === 0 ? 'POST' : 'GET';
      const asking = request({ host: '127.0.0.1', port, agent, method, path: `/${i}`, headers: { host } }, (answer) => {
        void bodyOf(answer).then((text) => {
          const expected = `${host} ${host} /${i} ${method === 'POST' ? i : ''}`;
          if (text !== expected) wrong.push(`${answer.statusCode} ${text} for ${expected}`);
          resolve();
        });
      });
      asking.on('error', reject).end(method === 'POST' ? String(i) : undefined);
    });
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => one(i)));
  expect(wrong).toEqual([]);
});
