import { describe, expect, test, vi } from 'vitest';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import type { FailureCode } from '../../src/failures.js';
import { ADDRESS, accepting, connected, LISTENING, ListenPair, ListenRecorder, REQUEST } from './listen-pair.js';
import { SessionPair } from './session-pair.js';

describe('a listener', () => {
  test('is asked for with all that the client says, and tells where it listens', () => {
    const pair = connected();
    const request = {
      kind: 'unix',
      bind: '/run/ä',
      port: 0,
      backlog: 7,
      name: 'ü',
      takesOver: true,
      anyPort: true,
    } as const;
    const near = pair.ask(request);
    pair.settle();
    expect([pair.offered(0).request, pair.offered(0).state, near.events]).toEqual([
      request,
      { opening: 'offered', dead: false },
      [],
    ]);
    pair.offered(0).accept({ host: '/run/ä', port: 0 });
    pair.settle();
    expect([near.events, near.listener.state, pair.offered(0).state]).toEqual([
      ['listening /run/ä 0'],
      { opening: 'open', dead: false },
      { opening: 'open', dead: false },
    ]);
  });

  test('may wait for its answer for long', () => {
    const pair = connected();
    const near = pair.ask();
    pair.settle();
    for (let n = 0; n < 100; n++) {
      pair.clock.advance(10_000);
      pair.settle();
    }
    pair.offered(0).accept(ADDRESS);
    pair.settle();
    expect([near.events, near.listener.figures.age >= 1_000_000]).toEqual([[LISTENING], true]);
  });

  test.each<FailureCode>(['DENIED', 'ADDRESS_IN_USE', 'LIMIT_REACHED', 'BAD_TARGET'])(
    'is refused with what the server says: %s',
    (code) => {
      const pair = connected();
      pair.onListen = (listener) => listener.refuse(code);
      const near = pair.ask();
      pair.settle();
      expect(near.events).toEqual([`over ${code}`, `failed ${code}`]);
      expect(pair.offered(0).figures.failure).toBe(code);
    },
  );

  test.each<FailureCode>(['TAKEN_OVER', 'DENIED', 'INTERNAL'])('is ended by the server: %s', (code) => {
    const pair = connected();
    const { near, far } = pair.listen();
    far.close(code);
    pair.settle();
    expect(near.events).toEqual([LISTENING, `over ${code}`, `ended ${code}`]);
  });

  test('is closed by the client: the server is told', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    const told: string[] = [];
    far.onOver(() => told.push(`over ${far.figures.failure}`));
    near.listener.close();
    pair.settle();
    expect([told, near.events, near.listener.state.dead]).toEqual([
      ['over CANCELLED'],
      [LISTENING, 'over CANCELLED'],
      true,
    ]);
  });

  test('that is closed before it was answered is abandoned, and an answer that crosses it is ignored', () => {
    const pair = connected();
    const near = pair.ask();
    pair.settle();
    const far = pair.offered(0);
    const told: string[] = [];
    far.onAbandoned(() => told.push('abandoned'));
    far.onOver(() => told.push('over'));
    near.listener.close();
    far.accept(ADDRESS);
    pair.settle();
    expect([told, near.events]).toEqual([['over'], ['over CANCELLED']]);
    const late = pair.ask();
    pair.settle();
    pair.offered(1).onAbandoned(() => told.push('abandoned'));
    late.listener.close();
    pair.settle();
    pair.offered(1).accept(ADDRESS);
    expect([told, pair.offered(1).state.opening]).toEqual([['over', 'abandoned'], 'offered']);
  });

  test('that is closed before LISTEN has left is never asked for', () => {
    const pair = new ListenPair();
    pair.ask().listener.close();
    pair.connect().settle();
    pair.ask().listener.close();
    pair.settle();
    expect(() => pair.offered(0)).toThrow();
    expect(pair.client.isIdle).toBe(true);
  });

  test('waits for the capabilities, and takes no number before', () => {
    const pair = new ListenPair();
    const near = pair.ask();
    pair.request();
    expect(near.listener.id).toBe(0);
    pair.connect().settle();
    expect([pair.keeper.offered.map(({ id }) => id), pair.offered(0).id, near.listener.id]).toEqual([[1], 3, 3]);
  });

  test('fails where the server listens for nobody, as soon as that is known', () => {
    const pair = new SessionPair().connect();
    const [before, after] = [new ListenRecorder(), new ListenRecorder()];
    before.take(pair.client.listen(REQUEST, before));
    expect(before.events).toEqual([]);
    pair.settle();
    after.take(pair.client.listen(REQUEST, after));
    expect(after.events).toEqual([]);
    pair.settle();
    const failed = ['over UNSUPPORTED', 'failed UNSUPPORTED'];
    expect([before.events, after.events]).toEqual([failed, failed]);
  });

  test('for datagrams fails where the server carries none', () => {
    const pair = new ListenPair({ onFlow: undefined });
    const before = pair.ask({ kind: 'udp' });
    pair.connect().settle();
    const after = pair.ask({ kind: 'udp' });
    pair.settle();
    const failed = ['over UNSUPPORTED', 'failed UNSUPPORTED'];
    expect([before.events, after.events]).toEqual([failed, failed]);
  });

  test('that nobody can ask for fails as soon as the caller has returned', () => {
    const pair = connected();
    const near = pair.ask({ name: 'n'.repeat(256) });
    expect(near.events).toEqual([]);
    pair.settle();
    expect(near.events).toEqual(['over BAD_TARGET', 'failed BAD_TARGET']);
  });

  test('whose address cannot be told is refused', () => {
    const pair = connected();
    pair.onListen = (listener) => listener.accept({ host: 'a'.repeat(256), port: 0 });
    const near = pair.ask();
    pair.settle();
    expect(near.events).toEqual(['over BAD_TARGET', 'failed BAD_TARGET']);
  });

  test('does not keep a session from being idle, once its LISTEN is acknowledged', () => {
    const pair = connected();
    pair.listen();
    expect(pair.client.isIdle).toBe(false);
    pair.run(() => pair.client.isIdle && pair.server.isIdle);
  });

  test('is refused by a server that drains; one that is there lives on, and so does what arrives', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    pair.server.drain(30_000);
    const late = pair.ask();
    pair.settle();
    expect(late.events).toEqual(['over GOING_AWAY', 'failed GOING_AWAY']);
    const recorders = accepting(near);
    const arrived = pair.arrive(far);
    pair.settle();
    expect([recorders.length, arrived.events]).toEqual([1, ['open']]);
  });

  test('is one of so many that a client may have', () => {
    const pair = new ListenPair({ maxListeners: 2 }).connect();
    pair.settle();
    const [first] = [pair.listen().near, pair.ask(), pair.ask()];
    const third = pair.ask();
    pair.settle();
    expect(third.events).toEqual(['over LIMIT_REACHED', 'failed LIMIT_REACHED']);
    first.listener.close();
    pair.settle();
    pair.onListen = (listener) => listener.accept(ADDRESS);
    const fourth = pair.ask();
    pair.settle();
    expect(fourth.events).toEqual([LISTENING]);
  });

  test('survives the loss of a transport, asked, answered or not', () => {
    const pair = new ListenPair().connect();
    pair.settle();
    const asked = pair.ask();
    pair.clock.runDeferred();
    pair.cut();
    pair.connect().settle();
    const far = pair.offered(0);
    pair.cut();
    far.accept(ADDRESS);
    pair.connect().settle();
    expect([asked.events, far.state.opening]).toEqual([[LISTENING], 'open']);
  });

  test.each(['client', 'server'] as const)('is over with its session, which the %s ends: both are told', (end) => {
    const pair = connected();
    const open = pair.listen();
    pair.onListen = () => {};
    const asked = pair.ask();
    pair.settle();
    const told: string[] = [];
    open.far.onOver(() => told.push('open'));
    pair.offered(1).onAbandoned(() => told.push('asked'));
    pair[end].leave('stopping');
    pair.settle();
    expect(open.near.events).toEqual([LISTENING, 'over SESSION_LOST', 'ended SESSION_LOST']);
    expect(asked.events).toEqual(['over SESSION_LOST', 'failed SESSION_LOST']);
    expect(told).toEqual(['open', 'asked']);
  });

  test('that waits for the capabilities is over with its session too, and none begins in one that is over', () => {
    const pair = new ListenPair();
    const waiting = pair.ask();
    pair.client.close('given up', 1000);
    const late = pair.ask();
    pair.clock.runDeferred();
    const failed = ['over SESSION_LOST', 'failed SESSION_LOST'];
    expect([waiting.events, late.events]).toEqual([failed, failed]);
  });
});

describe('a listener that its client ends', () => {
  test('is over for both once the server has told what had arrived before, sent or not', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    const recorders = accepting(near);
    const told: string[] = [];
    far.onOver(() => told.push(`over ${far.figures.failure}`));
    const sent = pair.arrive(far);
    pair.clock.runDeferred();
    near.listener.end();
    near.listener.end();
    pair.clock.runDeferred();
    pair.cut();
    const waiting = pair.arrive(far);
    waiting.channel.write(pattern(1, 0, 10));
    expect([near.events, told, pair.client.isIdle]).toEqual([[LISTENING], [], false]);
    pair.connect().settle();
    expect([sent.events, waiting.events, recorders[1]?.bytes.length]).toEqual([['open'], ['open'], 10]);
    expect([told, near.events]).toEqual([['over CANCELLED'], [LISTENING, 'over CANCELLED']]);
    const late = pair.arrive(far);
    pair.settle();
    expect([late.events, near.channels.length]).toEqual([['fail BAD_TARGET'], 2]);
  });

  test('keeps its session from being idle until then', () => {
    let idle = 0;
    const pair = new ListenPair({}, { onIdle: () => (idle += 1) }).connect();
    pair.settle();
    const { near } = pair.listen();
    pair.run(() => pair.client.isIdle && pair.server.isIdle);
    const before = idle;
    near.listener.end();
    pair.clock.runDeferred();
    expect(pair.client.isIdle).toBe(false);
    pair.run(() => idle > before);
    expect(pair.client.isIdle).toBe(true);
  });

  test('is told of another end that crosses its own, and may still be closed', () => {
    const pair = connected();
    const [first, second] = [pair.listen(), pair.listen()];
    first.near.listener.end();
    first.far.close('TAKEN_OVER');
    second.near.listener.end();
    second.near.listener.close();
    pair.settle();
    expect(first.near.events).toEqual([LISTENING, 'over TAKEN_OVER', 'ended TAKEN_OVER']);
    expect([second.near.events, second.far.figures.failure]).toEqual([[LISTENING, 'over CANCELLED'], 'CANCELLED']);
    expect([pair.log.closings, pair.keeper.log.closings]).toEqual([[], []]);
  });

  test('is abandoned when it was not answered yet', () => {
    const pair = connected();
    const near = pair.ask();
    pair.settle();
    const told: string[] = [];
    pair.offered(0).onAbandoned(() => told.push('abandoned'));
    near.listener.end();
    pair.settle();
    expect([near.events, told]).toEqual([['over CANCELLED', 'failed CANCELLED'], ['abandoned']]);
    expect([pair.log.closings, pair.keeper.log.closings]).toEqual([[], []]);
  });

  test('brings what has arrived though the answer crosses its end', () => {
    const pair = connected();
    const near = pair.ask();
    const recorders = accepting(near);
    pair.settle();
    pair.offered(0).accept(ADDRESS);
    const arrived = pair.arrive(pair.offered(0));
    near.listener.end();
    pair.settle();
    expect([arrived.events, recorders.length, near.events]).toEqual([['open'], 1, [LISTENING, 'over CANCELLED']]);
  });

  test('brings what has arrived though no answer has left before its end has come', () => {
    const pair = connected();
    const near = pair.ask();
    const recorders = accepting(near);
    pair.settle();
    const serverEnd = pair.ends[1];
    const backlog = vi.spyOn(serverEnd, 'backlog', 'get').mockReturnValue(Number.POSITIVE_INFINITY);
    pair.offered(0).accept(ADDRESS);
    const arrived = [pair.arrive(pair.offered(0)), pair.arrive(pair.offered(0))];
    near.listener.end();
    pair.settle();
    expect([near.events, pair.offered(0).state.dead]).toEqual([[], true]);
    backlog.mockRestore();
    serverEnd.receiver.onDrain();
    pair.settle();
    expect([arrived.map(({ events }) => events), recorders.length]).toEqual([[['open'], ['open']], 2]);
    expect(near.events).toEqual([LISTENING, 'over CANCELLED']);
  });

  test('is never asked for when LISTEN has not left', () => {
    const pair = connected();
    const near = pair.ask();
    near.listener.end();
    pair.settle();
    expect(near.events).toEqual(['over CANCELLED']);
    expect(() => pair.offered(0)).toThrow();
  });

  test.each(['told', 'handed on'] as const)('lets what waits at the server be %s, unsent as it is', (what) => {
    const pair = connected();
    const [{ near, far }, next] = [pair.listen(), pair.listen()];
    const [own, others] = [accepting(near), accepting(next.near)];
    near.listener.end();
    pair.clock.runDeferred();
    const waiting = pair.arrive(far);
    pair.ends[0].deliver();
    expect([far.state.dead, waiting.channel.state.dead]).toEqual([true, false]);
    if (what === 'handed on') {
      for (const one of pair.server.releaseIncoming(far)) pair.server.adoptIncoming(one, next.far);
    }
    pair.settle();
    expect([waiting.events, own.length, others.length]).toEqual([['open'], ...(what === 'told' ? [1, 0] : [0, 1])]);
    expect(near.events).toEqual([LISTENING, 'over CANCELLED']);
  });
});
