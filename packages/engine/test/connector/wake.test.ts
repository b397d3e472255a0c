import { describe, expect, test } from 'vitest';
import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { ConnectError } from '../../src/connector/connect-error.js';
import { Connector, type ConnectorOptions } from '../../src/connector/connector.js';

/** A connector of one server, and a channel that is open. */
async function newTalk(options: Partial<ConnectorOptions> = {}) {
  const network = new FakeNetwork();
  const { clock, memory, logger, connect } = network;
  const connector = new Connector({
    ...{ clock, memory, logger, grace: 120_000, connections: 1, optimistic: false, random: () => 0.5 },
    servers: [{ name: 'the server', connect }],
    ...options,
  });
  connector.reconnectNow();
  const near = new Recorder();
  near.take(connector.open({ host: 'example.org', port: 80 }, near));
  await network.settle();
  expect([connector.state, near.events]).toEqual(['online', ['open']]);
  return { network, connector, near };
}

const UNREACHABLE = new ConnectError('no way there', false);
const REFUSED = new ConnectError('who are you?', true);

describe('a connector whose machine wakes up', () => {
  test('goes on with another transport when the one it has does not answer within 2 s', async () => {
    const { network, connector } = await newTalk();
    await network.pass(3_000);
    network.connection.silent = true;
    connector.wake();
    await network.pass(1_900);
    expect(network.attempts).toBe(1);
    expect(await network.passUntil(() => connector.status().resumes === 1, 1_500)).toBeLessThanOrEqual(1_500);
  });

  test('keeps the one that answers', async () => {
    const { network, connector } = await newTalk();
    connector.wake();
    await network.pass(10_000);
    expect([network.attempts, connector.state]).toEqual([1, 'online']);
  });

  test('does not wait for the next retry', async () => {
    const { network, connector } = await newTalk();
    network.route = UNREACHABLE;
    network.connection.near.cut();
    await network.pass(20_000);
    const { attempts } = network;
    network.route = 'open';
    connector.wake();
    await network.settle();
    expect([network.attempts, connector.state]).toEqual([attempts + 1, 'online']);
  });

  test('does nothing that nobody has started, or that was closed', async () => {
    const { network, connector } = await newTalk();
    connector.close();
    connector.wake();
    const other = new Connector({
      ...network,
      ...{ grace: 1, connections: 1, optimistic: false, servers: [{ name: 'the server', connect: network.connect }] },
    });
    other.wake();
    await network.pass(1_000);
    expect([network.attempts, other.state, connector.state]).toEqual([1, 'idle', 'closed']);
  });
});

describe('a server that refuses for good one that it has served', () => {
  test('is asked again, since things may change', async () => {
    const { network, connector, near } = await newTalk();
    network.route = REFUSED;
    network.connection.near.cut();
    await network.pass(20_000);
    expect([connector.state, near.events]).toEqual(['waiting', ['open']]);
  });

  test('ends a connector that is to end then, and every channel of it', async () => {
    const { network, connector, near } = await newTalk({ endsWhenRefused: true });
    network.route = REFUSED;
    network.connection.near.cut();
    await network.pass(20_000);
    expect([connector.state, connector.trouble, near.events]).toEqual([
      'closed',
      REFUSED,
      ['open', 'reset TUNNEL_DOWN'],
    ]);
    expect(network.attempts).toBe(2);
  });
});
