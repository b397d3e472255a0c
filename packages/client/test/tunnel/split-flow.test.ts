import { beforeEach, expect, test } from 'vitest';
import type { FailureCode, Peer } from 'wsproxy-engine';
import { FakeFlows } from 'wsproxy-test-support/fake-flows';
import { SplitFlow } from '../../src/tunnel/split-flow.js';

const NEAR: Peer = { host: '10.0.0.1', port: 53 };
const FAR: Peer = { host: 'example.org', port: 53 };

let tunnel: FakeFlows;
let direct: FakeFlows;
let told: string[];

beforeEach(() => {
  [tunnel, direct, told] = [new FakeFlows(), new FakeFlows(), []];
});

function split(): SplitFlow {
  const flow = new SplitFlow(tunnel, direct, ({ host }) => host.startsWith('10.'), {
    kind: 'socks5-udp',
    onOpen: () => told.push('open'),
    onFail: (code) => told.push(`fail ${code}`),
  });
  flow.onOver(() => told.push(`over ${flow.figures.failure}`));
  return flow;
}

const answered = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sent = (of: FakeFlows): string[][] => of.flows.map((flow) => flow.sent);
const send = (flow: SplitFlow, text: string, peer: Peer): void => flow.send(Buffer.from(text), peer);

test('each datagram goes the way of its peer, and what comes either way is one', async () => {
  const flow = split();
  const received: string[] = [];
  flow.start({ onDatagram: (data, from) => received.push(`${Buffer.from(data).toString()} from ${from?.host}`) });
  send(flow, 'a', FAR);
  send(flow, 'b', NEAR);
  send(flow, 'c', FAR);
  expect([sent(tunnel), sent(direct)]).toEqual([
    [['a to example.org 53', 'c to example.org 53']],
    [['b to 10.0.0.1 53']],
  ]);
  tunnel.last.deliver('A', FAR);
  direct.last.deliver('B', NEAR);
  expect(received).toEqual(['A from example.org', 'B from 10.0.0.1']);
  expect(direct.last.kind).toBe('socks5-udp');
  await answered();
  expect(told).toEqual(['open']);
  expect(flow.figures).toMatchObject({ datagramsSent: 3, failure: undefined });
});

test('nothing goes past the tunnel before there is something to', () => {
  split();
  expect([tunnel.flows.length, direct.flows.length]).toEqual([1, 0]);
});

test.each(['DENIED', 'TUNNEL_DOWN'] as FailureCode[])('%s of the tunnel is the failure of both', async (code) => {
  tunnel.answer = code;
  const flow = split();
  send(flow, 'b', NEAR);
  await answered();
  expect(told.sort()).toEqual([`fail ${code}`, `over ${code}`]);
  expect(direct.living).toEqual([]);
  expect(flow.state.dead).toBe(true);
});

test('a way that is idle ends by itself, and begins anew; when none is left, it is over', async () => {
  const flow = split();
  await answered();
  send(flow, 'b', NEAR);
  tunnel.last.close('TIMED_OUT');
  expect(flow.state).toEqual({ opening: 'open', dead: false });
  send(flow, 'a', FAR);
  expect(sent(tunnel)).toEqual([[], ['a to example.org 53']]);
  direct.last.close('TIMED_OUT');
  expect(flow.state.dead).toBe(false);
  tunnel.last.close('TIMED_OUT');
  expect(told).toEqual(['open', 'over TIMED_OUT']);
  expect(flow.figures).toMatchObject({ datagramsSent: 2, failure: 'TIMED_OUT' });
});

test('the loss of the tunnel ends both', async () => {
  const flow = split();
  await answered();
  send(flow, 'b', NEAR);
  tunnel.last.close('SESSION_LOST');
  expect(told).toEqual(['open', 'over SESSION_LOST']);
  expect(direct.living).toEqual([]);
  send(flow, 'late', NEAR);
  expect(direct.flows.length).toBe(1);
});

test('closed, both are', async () => {
  const flow = split();
  send(flow, 'b', NEAR);
  await answered();
  flow.close();
  expect([...tunnel.living, ...direct.living]).toEqual([]);
  expect(told).toEqual(['open', 'over CANCELLED']);
});
