import { describe, expect, test } from 'vitest';
import { CloseCode, ProtocolError, type Session } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { Connector } from '../../src/connector/connector.js';

/** Ways in which a server accepts a connection and ends it at once. */
const ENDINGS: readonly [name: string, set: (network: FakeNetwork) => void][] = [
  ...[1000, 1001, 1003, 1006, 1011, 1012, 1013, 4000, 4001, 4003, 4004, 4005, 4006, 4007, 4999].map(
    (code): [string, (network: FakeNetwork) => void] => [
      `answers HELLO with ${code}`,
      (network) => {
        network.refusal = new ProtocolError('for the test', code);
      },
    ],
  ),
  ...[1000, 1001, 1006, 1012, 4003, 4005, 4006].map((code): [string, (network: FakeNetwork) => void] => [
    `begins sessions only to close them with ${code}`,
    (network) => {
      network.onSession = (session) => session.close('for the test', code);
    },
  ]),
  ...Object.entries({
    drain: (session: Session) => session.drain(1_000),
    leave: (session: Session) => session.leave('for the test'),
    fail: (session: Session) => session.fail(new ProtocolError('for the test', CloseCode.protocolError)),
  }).map(([name, end]): [string, (network: FakeNetwork) => void] => [
    `begins sessions only to ${name}`,
    (network) => {
      network.onSession = end;
    },
  ]),
];

interface Fixture {
  readonly connector: Connector;
  readonly networks: readonly FakeNetwork[];
  /** Dials of all servers. */
  readonly attempts: () => number;
  readonly pass: (milliseconds: number) => Promise<void>;
}

/** Between two looks at the networks, ms. */
const STEP = 50;

function prepare(servers: number, connections: number): Fixture {
  const clock = new FakeClock();
  const networks = Array.from({ length: servers }, () => new FakeNetwork(clock));
  const [{ logger }] = networks as [FakeNetwork];
  const connector = new Connector({
    servers: networks.map(({ connect }, index) => ({ name: `server ${index}`, connect })),
    clock,
    memory: newMemory(),
    logger,
    grace: 60_000,
    connections,
    optimistic: false,
  });
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 2; n++) for (const network of networks) await network.settle();
  };
  const pass = async (milliseconds: number): Promise<void> => {
    await settle();
    for (let left = milliseconds; left > 0; left -= STEP) {
      clock.advance(STEP);
      await settle();
    }
  };
  return { connector, networks, pass, attempts: () => networks.reduce((sum, network) => sum + network.attempts, 0) };
}

describe.each([
  { servers: 1, connections: 1 },
  { servers: 2, connections: 1 },
  { servers: 1, connections: 3 },
])('$servers servers, $connections connections', ({ servers, connections }) => {
  test.each(ENDINGS)('a server that %s is asked ever more rarely', async (_name, set) => {
    const { connector, networks, pass, attempts } = prepare(servers, connections);
    for (const network of networks) set(network);
    connector.start().catch(() => {});
    await pass(6_000);
    expect(attempts()).toBeLessThanOrEqual(14 * servers * connections);
    const before = attempts();
    await pass(24_000);
    expect(attempts() - before).toBeLessThanOrEqual(14 * servers * connections);
    connector.close();
  });
});

test('a server that ends every session at once is left for the next one', async () => {
  for (const [name, set] of ENDINGS) {
    const { connector, networks, pass } = prepare(2, 1);
    const [bad, good] = networks as [FakeNetwork, FakeNetwork];
    set(bad);
    connector.start().catch(() => {});
    await pass(6_000);
    const near = new Recorder();
    near.take(connector.open({ host: 'example.org', port: 80 }, near));
    await pass(500);
    expect([name, near.events, good.far.length]).toEqual([name, ['open'], 1]);
    connector.close();
  }
});

test('a request does not make a server that ends every session be asked in a tight loop', async () => {
  const { connector, networks, pass, attempts } = prepare(1, 1);
  const [network] = networks as [FakeNetwork];
  network.onSession = (session) => session.drain(1_000);
  connector.start().catch(() => {});
  for (let n = 0; n < 100; n++) {
    const near = new Recorder();
    near.take(connector.open({ host: 'example.org', port: 80 }, near));
    await pass(100);
  }
  expect(attempts()).toBeLessThanOrEqual(15);
  connector.close();
});

test('a session that has carried something, or lived, has a successor at once', async () => {
  const { connector, networks, pass } = prepare(1, 1);
  const [network] = networks as [FakeNetwork];
  await Promise.all([connector.start(), pass(100)]);
  for (let n = 0; n < 20; n++) {
    if (n % 2 === 0) {
      const near = new Recorder();
      near.take(connector.open({ host: 'example.org', port: 80 }, near));
      await pass(50);
    } else await pass(1_100);
    network.session.close('for the test', CloseCode.sessionExpired);
    await pass(250);
    expect(connector.state).toBe('online');
  }
  connector.close();
});
