import { describe, expect, test } from 'vitest';
import type { Flow, OfferedFlow } from 'wsproxy-engine';
import { bytesOf, textOf } from 'wsproxy-test-support/engine/bytes';
import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { Connector, type ConnectorOptions } from '../../src/connector/connector.js';

const PEER = { host: '192.0.2.1', port: 53 };

/** A connector on a fake network, the flows that the server was offered, and what each has brought it. */
function prepare(options: Partial<ConnectorOptions> = {}) {
  const network = new FakeNetwork();
  const offered: OfferedFlow[] = [];
  const arrived: string[] = [];
  network.onFlow = (flow) => {
    offered.push(flow);
    flow.start({ onDatagram: (data, from) => arrived.push(`${textOf(data)} to ${from?.host}`) });
    flow.accept();
  };
  const { connect, clock, memory, logger } = network;
  const servers = [{ name: 'the server', connect }];
  const defaults = { grace: 60_000, connections: 1, optimistic: false };
  const connector = new Connector({ ...defaults, servers, clock, memory, logger, ...options });
  return { network, connector, offered, arrived };
}

/** A flow for any peer, and what its handler and its sink are told. */
function open(connector: Connector): { flow: Flow; events: string[] } {
  const events: string[] = [];
  const flow = connector.openFlow(undefined, {
    onOpen: () => events.push('open'),
    onFail: (code) => events.push(`fail ${code}`),
  });
  flow.start({ onDatagram: (data, from) => events.push(`${textOf(data)} from ${from?.host}`) });
  flow.onOver(() => events.push(`over ${flow.figures.failure}`));
  return { flow, events };
}

describe('a flow', () => {
  test('carries datagrams to any peer, and back', async () => {
    const { network, connector, offered, arrived } = prepare();
    const { flow, events } = open(connector);
    await network.settle();
    flow.send(bytesOf('ask'), PEER);
    await network.settle();
    offered[0]?.send(bytesOf('answer'), PEER);
    await network.settle();
    expect([events, arrived]).toEqual([['open', 'answer from 192.0.2.1'], ['ask to 192.0.2.1']]);
    connector.close();
    expect(events.at(-1)).toBe('over CANCELLED');
  });

  test('waits for a tunnel that is down, and for no longer than a channel does', async () => {
    const { network, connector } = prepare();
    network.route = 'hanging';
    const [patient, late] = [open(connector), open(connector)];
    late.flow.close();
    await network.pass(4_900);
    expect(patient.events).toEqual([]);
    await network.pass(200);
    expect(patient.events.sort()).toEqual(['fail TUNNEL_DOWN', 'over TUNNEL_DOWN']);
    expect(late.events).toEqual(['over CANCELLED']);
  });

  test('goes with the session that comes up meanwhile', async () => {
    const { network, connector } = prepare();
    network.route = 'hanging';
    const { events } = open(connector);
    await network.pass(1_000);
    network.route = 'open';
    for (const succeed of network.hanging) succeed();
    await network.settle();
    expect(events).toEqual(['open']);
  });

  test('fails at once where the server knows no flows, while channels go on', async () => {
    const { network, connector } = prepare();
    network.onFlow = undefined;
    const first = open(connector);
    await network.settle();
    const second = open(connector);
    await network.settle();
    for (const { events } of [first, second]) {
      expect(events.sort()).toEqual(['fail UNSUPPORTED', 'over UNSUPPORTED']);
    }
    const told: string[] = [];
    connector.open({ host: 'example.org', port: 80 }, { onOpen: () => told.push('open'), onFail: told.push });
    await network.settle();
    expect(told).toEqual(['open']);
  });

  test('goes by a connection whose server knows flows, where another one does not', async () => {
    const { network, connector } = prepare({ connections: 2 });
    let sessions = 0;
    const accept = (flow: OfferedFlow): void => flow.accept();
    Object.defineProperty(network, 'onFlow', { get: () => (sessions++ === 0 ? undefined : accept) });
    connector.start().catch(() => {});
    await network.settle();
    const { events } = open(connector);
    await network.settle();
    expect(sessions).toBe(2);
    expect(events).toEqual(['open']);
  });

  test('lives on behind the loss of its connection', async () => {
    const { network, connector, offered, arrived } = prepare();
    const { flow, events } = open(connector);
    await network.settle();
    network.connection.near.cut();
    await network.passUntil(() => network.connections.length === 2);
    await network.settle();
    flow.send(bytesOf('after'), PEER);
    await network.settle();
    offered[0]?.send(bytesOf('answer'), PEER);
    await network.settle();
    expect(offered.length).toBe(1);
    expect([events, arrived]).toEqual([['open', 'answer from 192.0.2.1'], ['after to 192.0.2.1']]);
  });

  test('of a session that is lost for good is over', async () => {
    const { network, connector } = prepare();
    const { events } = open(connector);
    await network.settle();
    network.forget();
    network.connection.near.cut();
    await network.pass(5_000);
    expect(events).toEqual(['open', 'over SESSION_LOST']);
  });

  test('goes to the next session when the server drains; the one that is there lives on', async () => {
    const { network, connector, offered } = prepare();
    const before = open(connector);
    await network.settle();
    network.session.drain(60_000);
    await network.pass(1_000);
    const after = open(connector);
    await network.pass(1_000);
    expect(network.sessions.size).toBe(2);
    expect([before.events, after.events]).toEqual([['open'], ['open']]);
    const [old, next] = [...network.sessions.values()].map(({ session }) => session.flowCount);
    expect([old, next]).toEqual([1, 1]);
    expect(offered.length).toBe(2);
    before.flow.close();
    await network.pass(1_000);
    expect(network.sessions.size).toBe(1);
  });

  test('is one of those that are spread over several connections', async () => {
    const { network, connector } = prepare({ connections: 3 });
    const started = connector.start();
    await network.pass(1_000);
    await started;
    for (let n = 0; n < 6; n += 1) open(connector);
    await network.settle();
    expect([...network.sessions.values()].map(({ session }) => session.flowCount)).toEqual([2, 2, 2]);
  });

  test('is waited for by whenIdle', async () => {
    const { network, connector } = prepare();
    const { flow } = open(connector);
    await network.settle();
    let isIdle = false;
    const idle = connector.whenIdle().then(() => {
      isIdle = true;
    });
    await network.settle();
    expect(isIdle).toBe(false);
    flow.close();
    await network.pass(100);
    await idle;
  });
});
