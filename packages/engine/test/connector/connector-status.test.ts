import { expect, test } from 'vitest';
import { CloseCode, ProtocolError, type Session } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { ConnectError } from '../../src/connector/connect-error.js';
import { Connector, type ServerStatus } from '../../src/connector/connector.js';

/** A connector with servers on fake networks, and what it tells of them. */
class Fixture {
  readonly clock = new FakeClock();
  readonly networks: readonly FakeNetwork[];
  readonly connector: Connector;
  readonly told: string[] = [];

  constructor(count: number) {
    this.networks = Array.from({ length: count }, () => new FakeNetwork(this.clock));
    this.connector = new Connector({
      servers: this.networks.map(({ connect }, n) => ({ name: `server ${n}`, connect })),
      clock: this.clock,
      memory: newMemory(),
      logger: this.first.logger,
      grace: 60_000,
      connections: 1,
      optimistic: false,
      random: () => 0.5,
      onRetry: ({ name }, { reason, delay, former }) => this.told.push(`${name}: ${former}, ${reason}, ${delay} ms`),
      onServer: ({ name }, former) => this.told.push(`${name} instead of ${former.name}`),
    });
  }

  get first(): FakeNetwork {
    const [first] = this.networks;
    if (first === undefined) throw new RangeError('there is no server');
    return first;
  }

  /** Of each server. */
  get servers(): Omit<ServerStatus, 'server'>[] {
    return this.connector.status().servers.map(({ server: _, ...rest }) => rest);
  }

  async pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left >= 0; left -= 100) {
      for (let i = 0; i < 3; i++) for (const network of this.networks) await network.settle();
      if (left > 0) this.clock.advance(Math.min(left, 100));
    }
  }

  static async online(count = 1): Promise<Fixture> {
    const fixture = new Fixture(count);
    const started = fixture.connector.start();
    await fixture.pass(0);
    await started;
    return fixture;
  }
}

const NOTHING = { reason: undefined, nextTryMs: undefined, failedTries: 0 };

test('a client that was not started has nothing to tell', () => {
  const fixture = new Fixture(2);
  expect(fixture.connector.status()).toMatchObject({ ...NOTHING, state: 'idle', sinceMs: 0 });
  const standby = { ...NOTHING, state: 'standby' };
  expect(fixture.servers).toEqual([standby, standby]);
});

test('one that is online tells for how long, and nothing of what was in the way before', async () => {
  const fixture = new Fixture(1);
  fixture.first.route = new ConnectError('refused', false);
  const started = fixture.connector.start();
  await fixture.pass(100);
  fixture.first.route = 'open';
  await fixture.pass(10_000);
  await started;
  const { sinceMs } = fixture.connector.status();
  await fixture.pass(5_000);
  expect(fixture.connector.status()).toMatchObject({ ...NOTHING, state: 'online', sinceMs: sinceMs + 5_000 });
  expect(fixture.servers).toEqual([{ ...NOTHING, state: 'online' }]);
});

test('one that is away tells since when, why, when it tries again, and how often that has failed', async () => {
  const fixture = await Fixture.online();
  await fixture.pass(10_000);
  fixture.first.route = new ConnectError('refused', false);
  fixture.first.connection.near.cut();
  expect(fixture.connector.status()).toMatchObject({
    state: 'waiting',
    sinceMs: 0,
    reason: expect.stringMatching(/\(1006\)$/),
    nextTryMs: 100,
    failedTries: 0,
  });
  await fixture.pass(100);
  const { nextTryMs } = fixture.connector.status();
  expect(fixture.connector.status()).toMatchObject({ state: 'waiting', reason: 'refused', failedTries: 1 });
  expect(nextTryMs).toBeGreaterThan(0);
  await fixture.pass(60_000);
  const later = fixture.connector.status();
  expect(later.sinceMs).toBe(60_100);
  expect(later.failedTries).toBeGreaterThan(3);
});

test('a try that is under way has no next one, and keeps the reason of the last', async () => {
  const fixture = await Fixture.online();
  fixture.first.route = new ConnectError('refused', false);
  fixture.first.connection.near.cut();
  await fixture.pass(100);
  fixture.first.route = 'hanging';
  await fixture.pass(1_000);
  expect(fixture.connector.status()).toMatchObject({
    state: 'connecting',
    sinceMs: 1_100,
    reason: 'refused',
    nextTryMs: undefined,
    failedTries: 1,
  });
});

test('each loss and each try that fails is told, with the pause', async () => {
  const fixture = await Fixture.online();
  fixture.first.route = new ConnectError('refused', false);
  fixture.first.connection.near.cut();
  await fixture.pass(100);
  fixture.first.route = 'open';
  await fixture.pass(1_000);
  expect(fixture.told).toEqual([
    expect.stringMatching(/^server 0: online, .*\(1006\), 100 ms$/),
    expect.stringMatching(/^server 0: connecting, refused, \d+ ms$/),
  ]);
});

test('a session that the server does not know any more is told with its reason, and the pause behind it is not', async () => {
  const fixture = await Fixture.online();
  fixture.first.forget();
  fixture.first.connection.near.cut();
  await fixture.pass(10_000);
  expect(fixture.told).toEqual([
    expect.stringMatching(/^server 0: online, .*\(1006\), 100 ms$/),
    expect.stringMatching(/^server 0: connecting, .*session.* \(\d{4}\), 0 ms$/),
  ]);
  expect(fixture.connector.status()).toMatchObject({ ...NOTHING, state: 'online', sinceMs: expect.any(Number) });
});

test('of several servers each has its state and its reason, and the change is told', async () => {
  const fixture = await Fixture.online(3);
  expect(fixture.servers.map(({ state }) => state)).toEqual(['online', 'standby', 'standby']);
  fixture.first.route = new ConnectError('refused', false);
  fixture.first.connection.near.cut();
  await fixture.pass(3_000);
  expect(fixture.told.at(-1)).toBe('server 1 instead of server 0');
  expect(fixture.servers).toMatchObject([
    { state: 'standby', reason: 'refused' },
    { ...NOTHING, state: 'online' },
    { ...NOTHING, state: 'standby' },
  ]);
  expect(fixture.connector.status()).toMatchObject({ ...NOTHING, server: 'server 1', state: 'online' });
});

test.each<[string, (session: Session) => void, string]>([
  ['the server ends', (session) => session.leave('stopping'), 'the peer has left, 0 ms'],
  ['the transport is lost', (session) => session.detach({ code: 1006, reason: '' }), 'terminated (1006), '],
])('nothing is told of tries for a new session while a server is about to stop, until %s', async (_how, end, told) => {
  const fixture = new Fixture(1);
  const { connector, first } = fixture;
  const started = connector.start();
  await fixture.pass(100);
  await started;
  const { session } = first;
  session.announceDrain(30_000);
  first.refusal = new ProtocolError('the server is draining', CloseCode.serviceRestart);
  await fixture.pass(20_000);
  expect([first.attempts > 5, connector.state, fixture.told]).toEqual([true, 'draining', []]);
  end(session);
  await first.settle();
  expect([connector.state, fixture.told[0]]).toEqual(['waiting', expect.stringContaining(`online, ${told}`)]);
  expect(fixture.servers).toMatchObject([{ state: 'waiting', failedTries: 0 }]);
});
