import { beforeEach, describe, expect, test } from 'vitest';
import { ListeningServer, Visitor } from './listening.js';

let server: ListeningServer;

beforeEach(() => {
  server = new ListeningServer();
});

const visit = (port: number, first?: string): Visitor => new Visitor({ port }, first);

describe('a client that takes a listener over', () => {
  test('gets the same port, though the session before still seems to live', async () => {
    const [before, after] = [server.connect(), server.connect()];
    const old = await before.listen();
    const listener = await after.listen({ port: old.port, takesOver: true });
    expect([old.events, listener.events]).toEqual([['listening', 'over TAKEN_OVER'], ['listening']]);
    const visitor = visit(old.port, 'hello');
    await server.until('the echo', () => visitor.received === 'hello');
    expect([old.received, listener.received]).toEqual(['', 'hello']);
  });

  test('gets the port that was chosen for the one before', async () => {
    const old = await server.connect().listen();
    const listener = await server.connect().listen({ takesOver: true });
    expect(listener.port).toBe(old.port);
  });

  test('refuses nobody in between, however often that is', async () => {
    server = new ListeningServer({ limits: { sessionsPerUser: 100 } });
    const { port } = await server.connect().listen();
    const visitors: Visitor[] = [];
    for (let n = 0; n < 50; n += 1) {
      const asked = server.connect().ask({ port, takesOver: true });
      visitors.push(visit(port, `${n}`), visit(port, `${n}`));
      await server.until('it listens', () => asked.events.length > 0);
    }
    await server.until('all are answered', () => visitors.every(({ received }) => received !== ''));
    expect(visitors.map(({ received, ending }) => [received, ending])).toEqual(
      visitors.map((_, n) => [`${Math.floor(n / 2)}`, undefined]),
    );
  });

  test('takes what waits there with it, with its first bytes; what was sent stays where it is', async () => {
    const [before, after] = [server.connect(), server.connect()];
    const old = await before.listen();
    old.answer = 'wait';
    const sent = visit(old.port, 'sent');
    await server.until('it has come', () => old.channels.length === 1);
    before.cut();
    const waiting = visit(old.port, 'waiting');
    await server.until('it waits', () => server.guard.inUse.channels === 2);
    await server.settled();
    const listener = await after.listen({ takesOver: true });
    await server.until('the echo', () => waiting.received === 'waiting');
    expect(listener.received).toBe('waiting');
    expect(server.registry.describe().map(({ arrivals }) => arrivals.length)).toEqual([1, 1]);
    before.connect();
    await server.until('it is told', () => old.events.length === 2);
    expect(old.events).toEqual(['listening', 'over TAKEN_OVER']);
    for (const channel of old.channels) old.serve(channel);
    await server.until('the other echo', () => sent.received === 'sent');
    expect([old.received, old.channels.length, listener.channels.length]).toEqual(['sent', 1, 1]);
  });

  test('leaves ten seconds to the one before for what it has not answered, which is reset then', async () => {
    const [before, after] = [server.connect(), server.connect()];
    const old = await before.listen();
    old.answer = 'wait';
    const stuck = visit(old.port, 'x');
    await server.until('it has come', () => old.channels.length === 1);
    before.cut();
    await after.listen({ takesOver: true });
    await server.pass(9_000);
    expect([stuck.ending, server.guard.inUse.channels]).toEqual([undefined, 1]);
    await server.pass(1_000);
    await server.until('it is reset', () => stuck.ending !== undefined);
    expect([stuck.ending, server.guard.inUse.channels]).toEqual(['reset', 0]);
    expect(server.arrivals.map(({ answered, outcome }) => [answered, outcome])).toEqual([[false, 'TAKEN_OVER']]);
  });

  test('waits for nobody who has not answered the one before', async () => {
    server = new ListeningServer({ limits: { listenBacklog: 2 } });
    const old = await server.connect().listen();
    old.answer = 'wait';
    const stuck = [visit(old.port), visit(old.port)];
    await server.until('both have come', () => old.channels.length === 2);
    const listener = await server.connect().listen({ takesOver: true });
    const visitor = visit(listener.port, 'x');
    await server.until('the echo', () => visitor.received === 'x');
    expect(stuck.map(({ ending }) => ending)).toEqual([undefined, undefined]);
  });

  test('does so again and again without anybody being lost, doubled or crossed', async () => {
    let owner = server.connect();
    let listener = await owner.listen();
    const { port } = listener;
    const everyone = [listener];
    const visitors: Visitor[] = [];
    for (let n = 0; n < 10; n += 1) {
      owner.cut();
      visitors.push(visit(port, `a${n};`), visit(port, `b${n};`));
      await server.until('they wait', () => server.guard.inUse.channels >= 2);
      await server.settled();
      owner = server.connect();
      listener = await owner.listen({ takesOver: true });
      everyone.push(listener);
      await server.until('they are answered', () => visitors.every(({ received }) => received !== ''));
      for (const { socket } of visitors) socket.end();
      await server.until('they are gone', () => server.guard.inUse.channels === 0);
      server.endOldest();
    }
    expect(visitors.map(({ received }) => received)).toEqual(
      Array.from({ length: 10 }, (_, n) => [`a${n};`, `b${n};`]).flat(),
    );
    expect(everyone.reduce((sum, { channels }) => sum + channels.length, 0)).toBe(20);
  });
});

describe('a client that stands by', () => {
  test('listens when the owner has been away for ten seconds, and not before', async () => {
    const [first, second] = [server.connect(), server.connect()];
    const owner = await first.listen();
    const standby = second.ask({ port: owner.port });
    await server.settled();
    first.cut();
    await server.pass(9_000);
    first.connect();
    await server.settled();
    first.cut();
    await server.pass(9_000);
    expect(standby.events).toEqual([]);
    await server.pass(1_000);
    await server.until('it listens', () => standby.events.length > 0);
    expect(standby.address).toEqual(owner.address);
    const visitor = visit(owner.port, 'hello');
    await server.until('the echo', () => visitor.received === 'hello');
    expect(standby.received).toBe('hello');
    first.connect();
    await server.until('the former owner is told', () => owner.events.length === 2);
    expect(owner.events).toEqual(['listening', 'over TAKEN_OVER']);
  });

  test('and has come while the owner was away waits as long, and for as long as it is away itself', async () => {
    const [first, second] = [server.connect(), server.connect()];
    const owner = await first.listen();
    first.cut();
    await server.pass(15_000);
    const standby = second.ask({ port: owner.port });
    await server.settled();
    second.cut();
    await server.pass(15_000);
    second.connect();
    await server.settled();
    expect(standby.events).toEqual([]);
    await server.pass(10_000);
    await server.until('it listens', () => standby.events.length > 0);
    expect(standby.address).toEqual(owner.address);
  });

  test('gets what waited for the owner', async () => {
    const [first, second] = [server.connect(), server.connect()];
    const owner = await first.listen();
    const standby = second.ask();
    await server.settled();
    first.cut();
    const waiting = visit(owner.port, 'waiting');
    await server.until('it waits', () => server.guard.inUse.channels === 1);
    await server.settled();
    await server.pass(10_000);
    await server.until('the echo', () => waiting.received === 'waiting');
    expect([standby.received, waiting.ending]).toEqual(['waiting', undefined]);
    expect(server.arrivals).toEqual([]);
  });

  test('listens at once when the owner closes, and stands in the order of asking', async () => {
    const [first, second, third] = [server.connect(), server.connect(), server.connect()];
    const owner = await first.listen();
    const [next, last] = [second.ask(), third.ask()];
    await server.settled();
    owner.listener?.close();
    await server.until('it listens', () => next.events.length > 0);
    expect(last.events).toEqual([]);
    next.listener?.close();
    await server.until('it listens', () => last.events.length > 0);
    expect([next.port, last.port]).toEqual([owner.port, owner.port]);
    last.listener?.close();
    await server.settled();
    expect(server.table.size).toBe(0);
  });

  test('waits for nobody whose client is away, as long as somebody stands by who is there', async () => {
    const [first, second, third] = [server.connect(), server.connect(), server.connect()];
    const owner = await first.listen();
    const [away, there] = [second.ask(), third.ask()];
    await server.settled();
    second.cut();
    owner.listener?.close();
    await server.settled();
    expect([there.events, there.address]).toEqual([['listening'], owner.address]);
    there.listener?.close();
    await server.settled();
    second.connect();
    await server.settled();
    expect([away.events, away.address]).toEqual([['listening'], owner.address]);
  });

  test('two that lose the name to each other come to rest: the loser stands by', async () => {
    const [first, second] = [server.connect(), server.connect()];
    await first.listen({ takesOver: true });
    const winner = await second.listen({ takesOver: true });
    const loser = first.ask({ takesOver: false });
    await server.settled();
    expect([winner.events, loser.events]).toEqual([['listening'], []]);
  });

  test('stands once for each session: its last claim counts', async () => {
    const [first, second] = [server.connect(), server.connect()];
    const owner = await first.listen();
    const claims = [second.ask(), second.ask(), second.ask()];
    await server.settled();
    expect(claims.map(({ events }) => events)).toEqual([['fail TAKEN_OVER'], ['fail TAKEN_OVER'], []]);
    claims[2]?.listener?.close();
    await server.settled();
    owner.listener?.close();
    await server.settled();
    expect(server.table.size).toBe(0);
  });

  test('of another place binds that when its turn comes', async () => {
    const [first, second] = [server.connect(), server.connect()];
    const owner = await first.listen();
    const taken = await first.listen({ name: 'taken' });
    const standby = second.ask({ port: taken.port });
    await server.settled();
    taken.listener?.close();
    await server.settled();
    owner.listener?.close();
    await server.until('it listens', () => standby.events.length > 0);
    expect(standby.port).toBe(taken.port);
    const late = visit(owner.port);
    await server.until('nobody listens', () => late.ending === 'refused');
  });
});

test('a session that is over, with nobody standing by, frees its port and resets who waits', async () => {
  const client = server.connect();
  const listener = await client.listen();
  client.cut();
  const waiting = visit(listener.port, 'x');
  await server.until('it waits', () => server.guard.inUse.channels === 1);
  await server.settled();
  await server.pass(60_000);
  await server.until('it is reset', () => waiting.ending === 'reset');
  const late = visit(listener.port);
  await server.until('nobody listens', () => late.ending === 'refused');
  await server.until('nothing is left', () => server.guard.inUse.sockets === 0);
  expect([server.guard.inUse.channels, server.table.size]).toEqual([0, 0]);
});
