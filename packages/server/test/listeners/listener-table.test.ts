import { createServer, type Server } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { ListeningServer, Visitor } from './listening.js';

let server: ListeningServer;

beforeEach(() => {
  server = new ListeningServer();
});

/** Somebody else's program listens there. */
async function occupy(port = 0): Promise<number> {
  const other: Server = createServer().listen(port, '127.0.0.1');
  atEnd(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  return (other.address() as { port: number }).port;
}

const visit = (port: number, first?: string): Visitor => new Visitor({ port }, first);

describe('a remote listener', () => {
  test('listens where the client asks, and brings what comes there, with who it is from', async () => {
    const client = server.connect();
    const listener = await client.listen();
    expect(listener.events).toEqual(['listening']);
    expect(listener.address).toEqual({ host: '127.0.0.1', port: expect.any(Number) });
    const visitor = visit(listener.port, 'hello');
    await server.until('the echo', () => visitor.received === 'hello');
    expect(listener.arrivals).toEqual([
      { peer: { host: '127.0.0.1', port: visitor.port }, local: { host: '127.0.0.1', port: listener.port }, name: '' },
    ]);
    visitor.socket.end();
    await server.until('the end', () => visitor.ending === 'end');
  });

  test('asks for a port again, and gets it; any other if it is taken and any will do', async () => {
    const client = server.connect();
    const port = await occupy();
    expect((await client.listen({ port })).events).toEqual(['fail ADDRESS_IN_USE']);
    const other = await client.listen({ port, anyPort: true });
    expect(other.events).toEqual(['listening']);
    expect(other.port).not.toBe(port);
    other.listener?.close();
    await server.settled();
    const again = await client.listen({ port: other.port, anyPort: true });
    expect(again.port).toBe(other.port);
  });

  test('that its client closes frees the port, refuses anyone who waits, and leaves what runs alone', async () => {
    const client = server.connect();
    const listener = await client.listen();
    const running = visit(listener.port, 'a');
    await server.until('the first echo', () => running.received === 'a');
    client.cut();
    const waiting = visit(listener.port);
    await server.until('it has come', () => client.session.attached === false && server.guard.inUse.channels === 2);
    listener.listener?.close();
    client.connect();
    await server.until('the waiting one is reset', () => waiting.ending === 'reset');
    running.socket.write('b');
    await server.until('the second echo', () => running.received === 'ab');
    const late = visit(listener.port);
    await server.until('nobody listens', () => late.ending === 'refused');
    expect(server.table.size).toBe(0);
  });

  test('is where its user may listen, and nowhere else', async () => {
    const client = server.connect();
    const outcomes = await Promise.all(
      [
        { name: '1', bind: '0.0.0.0' },
        { name: '2', port: 80 },
        { name: '3', bind: 'example.org' },
        { name: '4', kind: 'unix' as const, bind: '/tmp/x' },
        { name: '5', kind: 'http' as const, bind: 'app.example.org' },
        { name: '6', bind: 'localhost' },
      ].map((request) => client.listen(request)),
    );
    expect(outcomes.map(({ events }) => events[0])).toEqual([
      'fail DENIED',
      'fail DENIED',
      'fail BAD_TARGET',
      'fail DENIED',
      'fail UNSUPPORTED',
      'listening',
    ]);
    expect(server.listeners.filter(({ refused }) => refused)).toHaveLength(5);
  });

  test('is at all addresses, or at those of IPv6 alone, as its client asks', async () => {
    const client = server.connect('alice', { listen: ['*:1024-65535'] });
    const [all, six] = [
      await client.listen({ name: 'all', bind: '*' }),
      await client.listen({ name: '6', bind: '::' }),
    ];
    expect([all.address?.host, six.address?.host]).toEqual(['*', '::']);
    const visitors = [visit(all.port, 'x'), new Visitor({ port: all.port, host: '::1' }, 'x')];
    visitors.push(new Visitor({ port: six.port, host: '::1' }, 'x'));
    await server.until('the echoes', () => visitors.every(({ received }) => received === 'x'));
    expect(all.arrivals.map(({ peer }) => peer?.host).sort()).toEqual(['127.0.0.1', '::1']);
    const late = visit(six.port);
    await server.until('nobody listens', () => late.ending === 'refused');
  });

  test('is never where the server listens itself, at any address', async () => {
    server.ownPort = await occupy();
    const client = server.connect('alice', { listen: ['*:1024-65535'] });
    for (const bind of ['127.0.0.1', '::1', '*', '127.0.0.2']) {
      expect((await client.listen({ bind, port: server.ownPort })).events).toEqual(['fail DENIED']);
    }
  });

  test('of another user at the same address is refused, no matter what it is called', async () => {
    const [alice, bob] = [server.connect(), server.connect('bob')];
    const { port } = await alice.listen();
    expect((await bob.listen({ port, takesOver: true })).events).toEqual(['fail ADDRESS_IN_USE']);
    expect((await alice.listen({ port, name: 'other', takesOver: true })).events).toEqual(['fail ADDRESS_IN_USE']);
    const visitor = visit(port, 'still there');
    await server.until('the echo', () => visitor.received === 'still there');
  });

  test('of the same name elsewhere takes the place of the one before', async () => {
    const client = server.connect();
    const first = await client.listen();
    const second = await client.listen({ port: await freePort(), takesOver: true });
    expect([first.events, second.events]).toEqual([['listening', 'over TAKEN_OVER'], ['listening']]);
    const [late, visitor] = [visit(first.port), visit(second.port, 'x')];
    await server.until('both are answered', () => late.ending === 'refused' && visitor.received === 'x');
  });

  test('counts among those of its user: beyond so many the next is refused, until one is closed', async () => {
    server = new ListeningServer({ limits: { listenersPerUser: 2 } });
    const [client, bob] = [server.connect(), server.connect('bob')];
    const first = await client.listen({ name: '1' });
    await client.listen({ name: '2' });
    expect((await client.listen({ name: '3' })).events).toEqual(['fail LIMIT_REACHED']);
    expect(server.hits).toEqual(['listenersPerUser']);
    expect((await bob.listen()).events).toEqual(['listening']);
    // Who comes back takes over, and needs no other place.
    const again = await server.connect().listen({ name: '2', takesOver: true });
    expect(again.events).toEqual(['listening']);
    first.listener?.close();
    await server.settled();
    expect((await client.listen({ name: '3' })).events).toEqual(['listening']);
  });

  test('is one of as many as its user may have, in one session too', async () => {
    const client = server.connect('alice', { limits: { listeners: 200 } });
    const asked = Array.from({ length: 200 }, (_, n) => client.listen({ name: `${n}`, kind: 'udp' }));
    const outcomes = (await Promise.all(asked)).map(({ events }) => events.join());
    expect(outcomes).toEqual(Array(200).fill('listening'));
    expect((await client.listen({ name: 'one more' })).events).toEqual(['fail LIMIT_REACHED']);
    expect(server.hits).toEqual(['listenersPerUser']);
  });

  test('is told of to anyone who watches', async () => {
    const client = server.connect();
    const listener = await client.listen();
    await client.listen({ name: 'denied', bind: '0.0.0.0' });
    const visitor = visit(listener.port, 'hello');
    await server.until('the echo', () => visitor.received === 'hello');
    const [session] = server.registry.describe();
    const where = `127.0.0.1:${listener.port}`;
    expect(session?.listeners).toEqual([
      { listener: where, name: 'web', open: true, ageMs: expect.any(Number), waiting: 0, arrivals: 1 },
    ]);
    visitor.socket.end();
    await server.until('the end', () => visitor.ending === 'end');
    listener.listener?.close();
    await server.settled();
    const names = { user: 'alice', session: session?.id };
    expect(server.listeners).toMatchObject([
      { ...names, listener: '0.0.0.0:0', name: 'denied', refused: true, outcome: 'DENIED', arrivals: 0 },
      { ...names, listener: where, name: 'web', refused: false, outcome: 'ok', arrivals: 1 },
    ]);
    expect(server.arrivals).toMatchObject([
      { ...names, listener: where, answered: true, outcome: 'ok', bytesUp: 5, bytesDown: 5 },
    ]);
    expect(server.linesOf('arrival over')).toMatchObject([{ peer: `127.0.0.1:${visitor.port}` }]);
    expect(server.linesOf('remote listener open')).toMatchObject([{ ...names, listener: where, listenerName: 'web' }]);
    expect(server.linesOf('remote listener refused')).toMatchObject([{ code: 'DENIED', listenerName: 'denied' }]);
  });
});

describe('when rights go', () => {
  test('a user whose rules are others loses what they do not allow, at once, and what runs goes on', async () => {
    const client = server.connect();
    const [kept, lost] = [await client.listen({ name: 'kept' }), await client.listen({ name: 'lost' })];
    const visitor = visit(lost.port, 'a');
    await server.until('the echo', () => visitor.received === 'a');
    server.present.set('alice', { id: 'alice', listen: [`127.0.0.1:${kept.port}`] });
    server.registry.endAbsent();
    await server.settled();
    expect([kept.events, lost.events]).toEqual([['listening'], ['listening', 'over DENIED']]);
    visitor.socket.write('b');
    await server.until('the second echo', () => visitor.received === 'ab');
    const late = visit(lost.port);
    await server.until('nobody listens', () => late.ending === 'refused');
  });

  test('a client that is away hears of it when it is back', async () => {
    const client = server.connect();
    const listener = await client.listen();
    client.cut();
    server.present.set('alice', { id: 'alice', listen: [] });
    server.registry.endAbsent();
    const late = visit(listener.port);
    await server.until('nobody listens', () => late.ending === 'refused');
    client.connect();
    await server.until('it is told', () => listener.events.length > 1);
    expect(listener.events).toEqual(['listening', 'over DENIED']);
  });

  test('a user who is removed loses all of them with the session', async () => {
    const client = server.connect();
    const listener = await client.listen();
    server.present.set('alice', undefined);
    server.registry.endAbsent();
    const late = visit(listener.port);
    await server.until('nobody listens', () => late.ending === 'refused');
    expect([server.table.size, server.guard.inUse.sockets]).toEqual([0, 0]);
  });

  test('those who stand by lose it too', async () => {
    const [first, second] = [server.connect(), server.connect()];
    const [owner, standby] = [await first.listen(), second.ask()];
    await server.settled();
    server.present.set('alice', { id: 'alice', listen: [] });
    server.registry.endAbsent();
    await server.settled();
    expect([owner.events, standby.events]).toEqual([['listening', 'over DENIED'], ['fail DENIED']]);
    expect(server.table.size).toBe(0);
  });
});

describe('when the server ends', () => {
  test('its ports are free, and clients are told that it goes away', async () => {
    const [first, second] = [server.connect(), server.connect()];
    const [owner, standby] = [await first.listen(), second.ask()];
    await server.settled();
    server.table.close();
    await server.settled();
    expect([owner.events, standby.events]).toEqual([['listening', 'over GOING_AWAY'], ['fail GOING_AWAY']]);
    expect((await first.listen()).events).toEqual(['fail GOING_AWAY']);
    expect(await occupy(owner.port)).toBe(owner.port);
  });
});

async function freePort(): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  await new Promise((resolve) => other.close(resolve));
  return port;
}
