import { beforeEach, describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { type AskedListener, ListeningServer, Sender } from './listening.js';

let server: ListeningServer;

beforeEach(() => {
  server = new ListeningServer();
});

async function sender(listener: AskedListener): Promise<Sender> {
  const one = await Sender.bind(listener.port);
  atEnd(() => one.close());
  return one;
}

describe('a remote listener for datagrams', () => {
  test('has a flow for each who sends, and brings the answers to whom they are for', async () => {
    const listener = await server.connect().listen({ kind: 'udp' });
    const [a, b] = [await sender(listener), await sender(listener)];
    a.send('A');
    b.send('B');
    await server.until('both are answered', () => a.received.length + b.received.length === 2);
    a.send('A2');
    await server.until('it is answered', () => a.received.length === 2);
    expect([a.received, b.received]).toEqual([['echo A', 'echo A2'], ['echo B']]);
    expect(listener.flows.length).toBe(2);
    expect(listener.arrivals).toContainEqual({
      peer: { host: '127.0.0.1', port: a.port },
      local: { host: '127.0.0.1', port: listener.port },
      name: '',
    });
  });

  test('ends a flow that nothing passes for the idle time, and tells what it has carried', async () => {
    const listener = await server.connect().listen({ kind: 'udp' });
    const one = await sender(listener);
    one.send('hello');
    await server.until('it is answered', () => one.received.length === 1);
    const where = `127.0.0.1:${listener.port}/udp`;
    const flowsNow = () => server.registry.describe().flatMap(({ flows }) => flows);
    expect(flowsNow()).toMatchObject([
      { listener: where, target: `127.0.0.1:${one.port}`, open: true, datagramsDown: 1, bytesDown: 5, bytesUp: 10 },
    ]);
    await server.pass(120_000);
    expect(flowsNow()).toEqual([]);
    expect(listener.flows.map(({ state }) => state.dead)).toEqual([true]);
    expect(server.flows).toMatchObject([
      { listener: where, target: `127.0.0.1:${one.port}`, outcome: 'TIMED_OUT', bytesDown: 5, bytesUp: 10 },
    ]);
    one.send('again');
    await server.until('it is answered', () => one.received.length === 2);
    expect(listener.flows.length).toBe(2);
  });

  test('that another client takes over leads there with the next datagram, from the same port', async () => {
    const old = await server.connect().listen({ kind: 'udp' });
    const one = await sender(old);
    one.send('1');
    await server.until('it is answered', () => one.received.length === 1);
    const listener = await server.connect().listen({ kind: 'udp', takesOver: true });
    expect(listener.port).toBe(old.port);
    one.send('2');
    await server.until('it is answered', () => one.received.length === 2);
    expect([old.flows.map(({ state }) => state.dead), listener.flows.length]).toEqual([[true], 1]);
  });

  test('closes its port when it is over, and all of its flows', async () => {
    const listener = await server.connect().listen({ kind: 'udp' });
    const one = await sender(listener);
    one.send('1');
    await server.until('it is answered', () => one.received.length === 1);
    listener.listener?.close();
    await server.until('the flow is over', () => listener.flows.every(({ state }) => state.dead));
    const again = await server.connect('bob').listen({ kind: 'udp', port: listener.port });
    expect(again.events).toEqual(['listening']);
  });

  test('gives no more flows than its user and its session may have, nor new ones faster than they may begin', async () => {
    for (const [limits, name] of [
      [{ flowsPerUser: 2 }, 'flowsPerUser'],
      [{ flowsPerSession: 2 }, 'flowsPerSession'],
      [{ newPeersPerSecond: 1, newPeersBurst: 2 }, 'newPeersPerSecond'],
    ] as const) {
      server = new ListeningServer({ limits });
      const listener = await server.connect().listen({ kind: 'udp' });
      for (let n = 0; n < 3; n += 1) (await sender(listener)).send('x');
      await server.until('one is refused', () => server.hits.length > 0);
      expect([name, [...new Set(server.hits)], listener.flows.length]).toEqual([name, [name], 2]);
    }
  });

  test('keeps to the rate of its user', async () => {
    const listener = await server.connect('alice', { limits: { bytesPerSecondDown: 1_024 } }).listen({ kind: 'udp' });
    const one = await sender(listener);
    for (let n = 0; n < 30; n += 1) one.send('x'.repeat(1_000));
    await server.until('some are dropped', () => server.hits.includes('rateDown'));
    await server.settled();
    expect(one.received.length).toBeLessThan(20);
  });

  test('that is sent more than the machine should bear is closed, no matter who sends, and can be had again', async () => {
    server = new ListeningServer({ limits: { datagramsPerSecond: 1, newPeersBurst: 1 } });
    const listener = await server.connect().listen({ kind: 'udp' });
    const senders = [await sender(listener), await sender(listener)];
    await server.until('it is closed', () => {
      for (const one of senders) for (let n = 0; n < 5; n += 1) one.send('x');
      server.clock.advance(100);
      return listener.events.length > 1;
    });
    expect(listener.events).toEqual(['listening', 'over LIMIT_REACHED']);
    expect((await server.connect('bob').listen({ kind: 'udp', port: listener.port })).events).toEqual(['listening']);
  });

  test('is a right of its own: a rule for TCP alone does not give it', async () => {
    server = new ListeningServer({ allowListen: ['127.0.0.1:1024-65535/tcp'] });
    expect((await server.connect().listen({ kind: 'udp' })).events).toEqual(['fail DENIED']);
  });

  test('of all addresses of IPv6 hears nothing of IPv4', async () => {
    server = new ListeningServer({ allowListen: ['[::]:1024-65535'] });
    const listener = await server.connect().listen({ kind: 'udp', bind: '::' });
    const [four, six] = [await sender(listener), await Sender.bind(listener.port, '::1')];
    atEnd(() => six.close());
    four.send('4');
    six.send('6');
    await server.until('IPv6 is answered', () => six.received.length === 1);
    await server.settled();
    expect([four.received, listener.arrivals.map(({ local }) => local?.host)]).toEqual([[], ['::']]);
  });
});
