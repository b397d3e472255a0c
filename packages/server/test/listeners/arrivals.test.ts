import { beforeEach, describe, expect, test } from 'vitest';
import { ListeningServer, Visitor } from './listening.js';

let server: ListeningServer;

beforeEach(() => {
  server = new ListeningServer();
});

const visit = (port: number, first?: string): Visitor => new Visitor({ port }, first);

describe('while the client is away', () => {
  test('connections wait, with what they say first, and are served when it is back', async () => {
    const client = server.connect();
    const listener = await client.listen();
    client.cut();
    const visitors = ['a', 'b', 'c'].map((first) => visit(listener.port, first));
    await server.until('they have come', () => server.guard.inUse.channels === 3);
    await server.settled();
    expect(server.registry.describe()[0]?.listeners).toMatchObject([{ waiting: 3, arrivals: 3 }]);
    client.connect();
    await server.until('the echoes', () => visitors.every(({ received }) => received !== ''));
    expect(visitors.map(({ received }) => received)).toEqual(['a', 'b', 'c']);
    expect(server.registry.describe()[0]?.listeners).toMatchObject([{ waiting: 0, arrivals: 3 }]);
  });

  test('one that resets its connection is forgotten, no matter what it has said, and the client never hears of it', async () => {
    const client = server.connect();
    const listener = await client.listen();
    client.cut();
    const [silent, talking, staying] = [visit(listener.port), visit(listener.port, 'POST'), visit(listener.port, 'x')];
    await server.until('they have come', () => server.guard.inUse.channels === 3);
    await server.settled();
    silent.socket.resetAndDestroy();
    talking.socket.resetAndDestroy();
    await server.until('they are forgotten', () => server.guard.inUse.channels === 1);
    client.connect();
    await server.until('the echo', () => staying.received === 'x');
    expect([listener.channels.length, listener.received]).toEqual([1, 'x']);
    expect(server.arrivals.map(({ answered, outcome }) => [answered, outcome])).toEqual([
      [false, 'CONNECTION_RESET'],
      [false, 'CONNECTION_RESET'],
    ]);
  });

  test('one that ends its half waits on, since it may only have said everything', async () => {
    const client = server.connect();
    const listener = await client.listen();
    client.cut();
    const visitor = visit(listener.port, 'all');
    visitor.socket.end();
    await server.until('it has come', () => server.guard.inUse.channels === 1);
    await server.settled();
    client.connect();
    await server.until('the echo', () => visitor.received === 'all' && visitor.ending === 'end');
  });

  test('what one says is read up to a bound, and the rest when the client is back', async () => {
    const client = server.connect();
    const listener = await client.listen();
    client.cut();
    const all = 'x'.repeat(20_000_000);
    const visitor = visit(listener.port, all);
    await server.until('it has come', () => server.guard.inUse.channels === 1);
    await server.settled();
    // What docs/limits.md says.
    expect(server.guard.inUse.sent).toBeLessThanOrEqual(131_072);
    client.connect();
    await server.until('all of it', () => visitor.received.length === all.length);
    expect(visitor.received === all).toBe(true);
  });
});

describe('beyond the backlog', () => {
  test('a new connection is reset, until one is answered', async () => {
    server = new ListeningServer({ limits: { listenBacklog: 3 } });
    const client = server.connect();
    const listener = await client.listen();
    listener.answer = 'wait';
    const visitors = [visit(listener.port), visit(listener.port), visit(listener.port)];
    await server.until('they have come', () => listener.channels.length === 3);
    const late = visit(listener.port);
    await server.until('it is reset', () => late.ending === 'reset');
    expect(server.hits).toEqual(['listenBacklog']);
    expect(server.arrivals).toMatchObject([{ answered: false, outcome: 'LIMIT_REACHED', channel: undefined }]);
    for (const channel of listener.channels.slice(0, 1)) listener.serve(channel);
    await server.settled();
    visit(listener.port);
    await server.until('it has come', () => listener.channels.length === 4);
    expect(visitors.map(({ ending }) => ending)).toEqual([undefined, undefined, undefined]);
  });

  test('which the client may ask to be shorter, and never longer', async () => {
    server = new ListeningServer({ limits: { listenBacklog: 2 } });
    const client = server.connect();
    for (const [backlog, most] of [
      [1, 1],
      [100, 2],
    ] as const) {
      const listener = await client.listen({ backlog, takesOver: true });
      listener.answer = 'wait';
      const visitors = [visit(listener.port), visit(listener.port), visit(listener.port)];
      await server.until(
        'some are reset',
        () => visitors.filter(({ ending }) => ending === 'reset').length === 3 - most,
      );
      await server.settled();
      expect(listener.channels.length).toBe(most);
      listener.listener?.close();
    }
  });
});

describe('what has come counts as every other channel does', () => {
  test('among those of its user and its session, and its socket among the sockets', async () => {
    server = new ListeningServer({ limits: { channels: 4, channelsPerSession: 1 } });
    const [first, second] = [server.connect(), server.connect()];
    const [a, b] = [await first.listen({ name: 'a' }), await second.listen({ name: 'b' })];
    const visitor = visit(a.port, 'x');
    await server.until('the echo', () => visitor.received === 'x');
    // Two that listen, and this one.
    expect(server.guard.inUse).toMatchObject({ channels: 1, sockets: 3 });
    const more = visit(a.port);
    await server.until('it is reset', () => more.ending === 'reset');
    expect(server.hits).toEqual(['channelsPerSession']);
    const other = visit(b.port, 'y');
    await server.until('the echo', () => other.received === 'y');
    const third = visit(b.port);
    await server.until('it is reset', () => third.ending === 'reset');
    expect(server.hits).toEqual(['channelsPerSession', 'channels']);
    for (const { socket } of [visitor, other]) socket.end();
    await server.until('all is given back', () => server.guard.inUse.channels === 0);
    expect(server.guard.inUse.sockets).toBe(2);
  });

  test('where there is no place for its socket it is reset, and holds nothing', async () => {
    server = new ListeningServer({ limits: { sockets: 8 } });
    const client = server.connect();
    // Half of the six that destinations may have: one of them listens.
    const listener = await client.listen();
    const visitors = [visit(listener.port, 'x'), visit(listener.port, 'x')];
    await server.until('the echoes', () => visitors.every(({ received }) => received === 'x'));
    const late = visit(listener.port);
    await server.until('it is reset', () => late.ending === 'reset');
    expect(server.hits).toEqual(['sockets']);
    await server.settled();
    expect([server.guard.inUse.channels, server.guard.inUse.sockets, listener.channels.length]).toEqual([2, 3, 2]);
  });

  test('its bytes are those of the month, which end it when they are used up', async () => {
    const client = server.connect('alice', { limits: { monthlyBytes: 1_048_576 } });
    const listener = await client.listen();
    const visitor = visit(listener.port, 'x'.repeat(2_000_000));
    // With data in front of it a reset may look like an end.
    await server.until('it is cut off', () => visitor.ending !== undefined);
    expect(server.arrivals).toMatchObject([{ answered: true, outcome: 'QUOTA_USED_UP' }]);
    const late = visit(listener.port);
    await server.until('it is reset', () => late.ending === 'reset');
    expect(listener.channels.length).toBe(1);
  });

  test('one that is silent for too long is reset', async () => {
    server = new ListeningServer({ limits: { idleTimeout: 30_000 } });
    const client = server.connect();
    const listener = await client.listen();
    const visitor = visit(listener.port, 'x');
    await server.until('the echo', () => visitor.received === 'x');
    await server.pass(60_000);
    await server.until('it is reset', () => visitor.ending === 'reset');
    expect(server.arrivals).toMatchObject([{ outcome: 'TIMED_OUT' }]);
  });
});

test('a client that is away keeps its listener, where a new session takes the place of another one', async () => {
  server = new ListeningServer({ limits: { sessionsPerUser: 2 } });
  const [client, other] = [server.connect(), server.connect()];
  const listener = await client.listen();
  client.cut();
  other.cut();
  const newest = server.connect();
  await server.settled();
  const visitor = visit(listener.port, 'hello');
  client.connect();
  await server.until('the echo', () => visitor.received === 'hello');
  expect([newest.losses, server.registry.size]).toEqual([[], 2]);
});

test('a connection that the client refuses is reset', async () => {
  const client = server.connect();
  const listener = await client.listen();
  listener.answer = 'CONNECTION_REFUSED';
  const visitor = visit(listener.port, 'x');
  await server.until('it is reset', () => visitor.ending === 'reset');
  expect(server.arrivals).toMatchObject([{ answered: false, outcome: 'CONNECTION_REFUSED' }]);
  expect(server.guard.inUse.channels).toBe(0);
});

test('a connection that its client resets is reset, and the other way round', async () => {
  const client = server.connect();
  const listener = await client.listen();
  const [one, other] = [visit(listener.port, 'x'), visit(listener.port, 'y')];
  await server.until('the echoes', () => one.received === 'x' && other.received === 'y');
  const [first, second] = listener.channels;
  const mine = listener.arrivals[0]?.peer?.port === one.port ? first : second;
  mine?.reset();
  await server.until('it is reset', () => one.ending === 'reset');
  other.socket.resetAndDestroy();
  await server.until('the channel is', () => listener.channels.every(({ state }) => state.dead));
  await server.until('nothing is left', () => server.guard.inUse.channels === 0);
});
