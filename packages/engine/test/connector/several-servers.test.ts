import { describe, expect, test } from 'vitest';
import { CloseCode, type OfferedChannel, ProtocolError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { bytesOf, fromHex } from 'wsproxy-test-support/engine/bytes';
import { FakeNetwork, passIn } from 'wsproxy-test-support/engine/fake-network';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { ConnectError } from '../../src/connector/connect-error.js';
import { Connector } from '../../src/connector/connector.js';

const DOWN = new ConnectError('refused', false);
/** GOAWAY *refused*. */
const REFUSED = fromHex('8600000800000000' + '0400000000000000');

/** A connector with several servers, each on a fake network of its own, on one clock. */
class Fixture {
  readonly clock = new FakeClock();
  readonly networks: readonly FakeNetwork[];
  readonly connector: Connector;

  constructor(count: number, connections = 1) {
    this.networks = Array.from({ length: count }, () => new FakeNetwork(this.clock));
    const servers = this.networks.map(({ connect }, i) => ({ name: `server ${i}`, connect }));
    const { logger } = this.network(0);
    this.connector = new Connector({
      servers,
      clock: this.clock,
      memory: newMemory(),
      logger,
      grace: 60_000,
      connections,
      optimistic: false,
    });
  }

  network(index: number): FakeNetwork {
    const network = this.networks[index];
    if (network === undefined) throw new RangeError(`there is no server ${index}`);
    return network;
  }

  /** Sessions that each server has. */
  get sessions(): number[] {
    return this.networks.map(({ sessions }) => sessions.size);
  }

  /** Living channels on each server. */
  get load(): number[] {
    return this.networks.map(({ sessions }) =>
      [...sessions.values()].reduce((sum, { session }) => sum + session.channelCount, 0),
    );
  }

  open(): Recorder {
    const log = new Recorder();
    return log.take(this.connector.open({ host: 'example.org', port: 80 }, log));
  }

  /** What is told of a flow. */
  openFlow(): string[] {
    const events: string[] = [];
    this.connector.openFlow(undefined, {
      onOpen: () => events.push('open'),
      onFail: (code) => events.push(`fail ${code}`),
    });
    return events;
  }

  pass(milliseconds: number): Promise<void> {
    return passIn(this.networks, this.clock, milliseconds);
  }

  async started(): Promise<void> {
    const started = this.connector.start();
    await this.pass(5_000);
    await started;
  }

  /** A server goes away, connections and all. */
  shutDown(index: number): void {
    const network = this.network(index);
    network.route = DOWN;
    for (const { near, far } of network.connections) {
      far.receiver = { onBytes() {}, onDrain() {}, onClose() {}, onText() {} };
      if (near.isOpen) far.cut();
    }
  }
}

describe('of several servers', () => {
  test('each is named in the lines about it', async () => {
    const fixture = new Fixture(2);
    fixture.network(0).route = DOWN;
    await fixture.started();
    const named = (message: string) =>
      fixture
        .network(0)
        .logged(message)
        .map((fields) => ('server' in fields ? fields.server : ''));
    expect([new Set(named('not connected to the server')), named('connected to the server')]).toEqual([
      new Set(['server 0']),
      ['server 1'],
    ]);
  });

  test('the first serves when it answers, and the others hear nothing', async () => {
    const fixture = new Fixture(3);
    await fixture.started();
    await fixture.pass(60_000);
    expect(fixture.sessions).toEqual([1, 0, 0]);
    expect(fixture.networks.map(({ attempts }) => attempts)).toEqual([1, 0, 0]);
  });

  test('the first that answers serves from the start', async () => {
    const fixture = new Fixture(3);
    fixture.network(0).route = DOWN;
    fixture.network(1).route = DOWN;
    await fixture.started();
    expect(fixture.sessions).toEqual([0, 0, 1]);
    expect(fixture.connector.state).toBe('online');
  });

  test('the next one serves when the first hangs, and a request does not wait in vain', async () => {
    const fixture = new Fixture(2);
    fixture.network(0).route = 'hanging';
    const started = fixture.connector.start();
    const log = fixture.open();
    await fixture.pass(3_000);
    await started;
    expect(log.events).toEqual(['open']);
    expect(fixture.load).toEqual([0, 1]);
  });

  test.each(['hanging', 'mute'] as const)('a rival that is %s keeps no request from the one behind it', async (how) => {
    const fixture = new Fixture(4);
    fixture.network(0).route = 'hanging';
    for (const rival of [1, 2]) {
      if (how === 'mute') fixture.network(rival).mute = true;
      else fixture.network(rival).route = 'hanging';
    }
    void fixture.connector.start();
    await fixture.pass(2_100);
    const log = fixture.open();
    await fixture.pass(4_500);
    expect([log.events, fixture.load]).toEqual([['open'], [0, 0, 0, 1]]);
    // Anyone who was asked beside it is left alone from then on.
    expect(fixture.networks.map(({ hanging }) => hanging.size)).toEqual([0, 0, 0, 0]);
  });

  test('a rival that takes long to answer serves all the same, though the next one has begun', async () => {
    const fixture = new Fixture(3);
    fixture.network(0).route = 'hanging';
    fixture.network(1).route = 'hanging';
    fixture.network(2).mute = true;
    const started = fixture.connector.start();
    await fixture.pass(4_500);
    expect(fixture.networks.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
    for (const succeed of fixture.network(1).hanging) succeed();
    await fixture.pass(100);
    await started;
    expect(fixture.sessions).toEqual([0, 1, 0]);
  });

  test('rivals begin one after the other, however often the first fails meanwhile', async () => {
    const fixture = new Fixture(3);
    fixture.network(0).route = DOWN;
    fixture.network(1).route = 'hanging';
    fixture.network(2).route = 'hanging';
    void fixture.connector.start();
    await fixture.pass(1_900);
    expect(fixture.network(0).attempts).toBeGreaterThan(2);
    expect(fixture.network(2).attempts).toBe(0);
    await fixture.pass(500);
    expect(fixture.network(2).attempts).toBe(1);
  });

  test.each<[string, Partial<Pick<FakeNetwork, 'route' | 'mute' | 'refusal'>>]>([
    ['refuses the token', { route: new ConnectError('wrong token', true) }],
    ['says nothing', { mute: true }],
    ['is about to stop', { refusal: new ProtocolError('draining', CloseCode.serviceRestart) }],
  ])('the next one serves when the first %s', async (_what, trouble) => {
    const fixture = new Fixture(2);
    Object.assign(fixture.network(0), trouble);
    const started = fixture.connector.start();
    await fixture.pass(10_000);
    await started;
    expect(fixture.sessions[1]).toBe(1);
  });

  test('none serves when all refuse: what the first says is told', async () => {
    const fixture = new Fixture(2);
    fixture.network(0).route = new ConnectError('wrong token', true);
    fixture.network(1).route = new ConnectError('not a server', true);
    const outcome = expect(fixture.connector.start()).rejects.toThrow('wrong token');
    await fixture.pass(30_000);
    await outcome;
    expect(fixture.connector.state).toBe('closed');
    expect(fixture.clock.pending).toBe(0);
  });

  test('one that refuses and one that is away are tried until one of them serves', async () => {
    const fixture = new Fixture(2);
    fixture.network(0).route = new ConnectError('wrong token', true);
    fixture.network(1).route = DOWN;
    const started = fixture.connector.start();
    await fixture.pass(20_000);
    fixture.network(1).route = 'open';
    await fixture.pass(60_000);
    await started;
    expect(fixture.sessions).toEqual([0, 1]);
  });
});

describe('when the server in use is lost', () => {
  test.each([false, true])(
    'a request that has moved on waits for its destination alone (channels stay behind: %s)',
    async (stay) => {
      const fixture = new Fixture(2);
      await fixture.started();
      const old = stay ? [fixture.open()] : [];
      await fixture.pass(100);
      fixture.shutDown(0);
      let offered: OfferedChannel | undefined;
      fixture.network(1).onChannel = (channel) => {
        offered = channel;
      };
      const fresh = fixture.open();
      await fixture.pass(20_000);
      expect(fresh.events).toEqual([]);
      offered?.accept();
      await fixture.pass(100);
      expect([...old, fresh].map(({ events }) => events)).toEqual([...old, fresh].map(() => ['open']));
    },
  );

  test('new channels go to the next one, and running ones wait for their own', async () => {
    const fixture = new Fixture(2);
    await fixture.started();
    const old = fixture.open();
    await fixture.pass(100);
    fixture.shutDown(0);
    await fixture.pass(3_000);
    const fresh = fixture.open();
    await fixture.pass(100);
    expect([old.events, fresh.events]).toEqual([['open'], ['open']]);
    expect(fixture.load[1]).toBe(1);
    fixture.network(0).route = 'open';
    await fixture.pass(40_000);
    old.channel.write(bytesOf('still here'));
    await fixture.pass(100);
    expect(fixture.network(0).far[0]?.text).toBe('still here');
    expect(old.events).toEqual(['open']);
  });

  test('what a channel has said last arrives, though it is over and another server serves', async () => {
    const fixture = new Fixture(2);
    await fixture.started();
    const near = fixture.open();
    await fixture.pass(100);
    const [far] = fixture.network(0).far;
    far?.channel.end();
    await fixture.pass(100);
    near.channel.write(bytesOf('the last words'));
    near.channel.end();
    fixture.clock.runDeferred();
    expect(fixture.connector.channelCount).toBe(0);
    fixture.shutDown(0);
    await fixture.pass(5_000);
    expect(fixture.sessions[1]).toBe(1);
    fixture.network(0).route = 'open';
    await fixture.pass(40_000);
    expect([far?.text, far?.events]).toEqual(['the last words', ['data', 'end']]);
  });

  test('running channels are reset after their grace, and only they', async () => {
    const fixture = new Fixture(2);
    await fixture.started();
    const old = fixture.open();
    await fixture.pass(100);
    fixture.shutDown(0);
    await fixture.pass(3_000);
    const fresh = fixture.open();
    await fixture.pass(61_000);
    expect(old.events).toEqual(['open', 'reset SESSION_LOST']);
    expect(fresh.events).toEqual(['open']);
  });

  test('a loss of the connection alone changes no server', async () => {
    const fixture = new Fixture(2);
    await fixture.started();
    const log = fixture.open();
    await fixture.pass(100);
    fixture.shutDown(0);
    fixture.network(0).route = 'open';
    await fixture.pass(5_000);
    expect([fixture.sessions, log.events]).toEqual([[1, 0], ['open']]);
  });
});

describe('when the server in use drains', () => {
  const draining = new ProtocolError('draining', CloseCode.serviceRestart);

  /** A session on the first of two servers, with a channel that runs; the server drains, and has not been asked for another. */
  async function drained(): Promise<{ fixture: Fixture; running: Recorder }> {
    const fixture = new Fixture(2);
    await fixture.started();
    const running = fixture.open();
    await fixture.pass(100);
    fixture.network(0).refusal = draining;
    fixture.network(0).session.drain(60_000);
    return { fixture, running };
  }

  /** The request is open on the second server, which alone has dialled it, and what ran goes on. */
  function expectMoved(fixture: Fixture, request: Recorder, running: Recorder): void {
    expect([request.events, running.events]).toEqual([['open'], ['open']]);
    expect([fixture.sessions, fixture.load]).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(fixture.networks.map(({ far }) => far.length)).toEqual([1, 1]);
  }

  test.each([0, 100, 200, 300, 400])('a request %i ms later goes to the next, with what it says', async (later) => {
    const { fixture, running } = await drained();
    await fixture.pass(later);
    const request = fixture.open();
    request.channel.write(bytesOf('early'));
    await fixture.pass(3_000);
    expectMoved(fixture, request, running);
    expect(fixture.network(1).far[0]?.text).toBe('early');
  });

  /** The same, with a request that a transport has taken which the first server does not answer. */
  async function unanswered(): Promise<{ fixture: Fixture; running: Recorder; request: Recorder }> {
    const { fixture, running } = await drained();
    fixture.network(0).mute = true;
    const request = fixture.open();
    for (let i = 0; fixture.network(0).connections.length < 2 && i < 10; i++) await fixture.pass(100);
    return { fixture, running, request };
  }

  test('so does one whose refusal comes when the next server serves already', async () => {
    const { fixture, running, request } = await unanswered();
    await fixture.pass(3_000);
    expect([fixture.sessions, request.events]).toEqual([[1, 1], []]);
    fixture.network(0).connection.far.send([REFUSED]);
    await fixture.pass(100);
    expectMoved(fixture, request, running);
  });

  test.each([0, 3_000])(
    'so does one that a proxy turned away after %i ms, once the server does not know it',
    async (after) => {
      const { fixture, running, request } = await unanswered();
      await fixture.pass(after);
      fixture.network(0).connection.far.close(CloseCode.serviceRestart, 'a proxy restarts');
      fixture.network(0).mute = false;
      await fixture.pass(4_500);
      expectMoved(fixture, request, running);
    },
  );
});

describe('a better server', () => {
  test('that is back serves new channels within a minute, and running ones stay where they are', async () => {
    const fixture = new Fixture(3);
    fixture.network(0).route = DOWN;
    await fixture.started();
    const old = fixture.open();
    await fixture.pass(100);
    expect(fixture.load).toEqual([0, 1, 0]);
    fixture.network(0).route = 'open';
    await fixture.pass(60_000);
    const fresh = fixture.open();
    await fixture.pass(100);
    expect(fixture.load).toEqual([1, 1, 0]);
    expect([old.events, fresh.events]).toEqual([['open'], ['open']]);
    old.channel.end();
    fixture.network(1).far[0]?.channel.end();
    await fixture.pass(1_000);
    expect(fixture.sessions).toEqual([1, 0, 0]);
  });

  test('is asked for each connection of the pool', async () => {
    const fixture = new Fixture(2, 3);
    fixture.network(0).route = DOWN;
    await fixture.started();
    expect(fixture.sessions).toEqual([0, 3]);
    fixture.network(0).route = 'open';
    await fixture.pass(60_000);
    expect(fixture.sessions).toEqual([3, 0]);
  });

  test('is asked again and again while it stays away', async () => {
    const fixture = new Fixture(2);
    fixture.network(0).route = DOWN;
    await fixture.started();
    const before = fixture.network(0).attempts;
    await fixture.pass(150_000);
    expect(fixture.network(0).attempts - before).toBeGreaterThanOrEqual(4);
    expect(fixture.network(0).attempts - before).toBeLessThanOrEqual(6);
  });
});

test('closing leaves every server, and no timer', async () => {
  const fixture = new Fixture(2);
  fixture.network(0).route = DOWN;
  await fixture.started();
  fixture.connector.close();
  await fixture.pass(1_000);
  expect([fixture.sessions, fixture.clock.pending]).toEqual([[0, 0], 0]);
});

describe('a flow that waits', () => {
  test('goes to the server that answers in place of the first', async () => {
    const fixture = new Fixture(2);
    fixture.network(0).route = DOWN;
    const events = fixture.openFlow();
    await fixture.pass(3_000);
    expect(events).toEqual(['open']);
    expect(
      fixture.networks.map(({ sessions }) => [...sessions.values()].map(({ session }) => session.flowCount)),
    ).toEqual([[], [1]]);
  });

  test('fails there, if that one knows no flows', async () => {
    const fixture = new Fixture(2);
    fixture.network(0).route = DOWN;
    fixture.network(1).onFlow = undefined;
    const events = fixture.openFlow();
    await fixture.pass(3_000);
    expect(events).toEqual(['fail UNSUPPORTED']);
  });
});
