import { expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { FakeFlows } from 'wsproxy-test-support/fake-flows';
import { LocalPeers } from '../../../src/accept/udp/local-peers.js';

const IDLE = 120_000;
const TARGET = { host: 'example.org', port: 7 };

function localPeers() {
  const [flows, clock] = [new FakeFlows(), new FakeClock()];
  const answers: string[] = [];
  const peers = new LocalPeers({
    openFlow: (handler, from) => (from.port === 0 ? undefined : flows.openFlow(TARGET, handler)),
    socket: { send: (data, { port }) => void answers.push(`${Buffer.from(data).toString()} to ${port}`) },
    logger: silentLogger,
    clock,
    idle: IDLE,
  });
  const say = (port: number, data = 'ask'): void => peers.onDatagram(Buffer.from(data), { address: '127.0.0.1', port });
  /** The flows have been answered. */
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { flows, clock, peers, answers, say, settled };
}

test('each application has a flow of its own, and gets its own answers', () => {
  const { flows, answers, say } = localPeers();
  say(1, 'a');
  say(2, 'b');
  say(1, 'c');
  expect(flows.flows.map(({ sent }) => sent)).toEqual([['a', 'c'], ['b']]);
  expect(flows.flows).toMatchObject([
    { target: { host: 'example.org', port: 7 }, kind: 'forward-udp' },
    { target: { host: 'example.org', port: 7 }, kind: 'forward-udp' },
  ]);
  flows.flows[1]?.deliver('B');
  flows.flows[0]?.deliver('A');
  expect(answers).toEqual(['B to 2', 'A to 1']);
});

test('one that is silent for the idle time loses its flow; what it says, or gets, puts that off', () => {
  const { flows, clock, say } = localPeers();
  for (const port of [1, 2, 3]) say(port);
  clock.advance(IDLE - 1);
  say(2);
  flows.flows[2]?.deliver('answer');
  clock.advance(1);
  expect(flows.flows.map(({ figures }) => figures.failure)).toEqual(['TIMED_OUT', undefined, undefined]);
  clock.advance(IDLE - 1);
  expect(flows.living).toEqual([]);
  expect(clock.pending).toBe(0);
  say(1);
  expect(flows.living.length).toBe(1);
});

test('anyone who gets no flow is asked for one again with the next datagram, and keeps nothing', () => {
  const { flows, clock, say } = localPeers();
  say(0);
  expect([flows.flows, clock.pending]).toEqual([[], 0]);
});

test('after a restart everybody gets another flow', () => {
  const { flows, peers, say } = localPeers();
  say(1, 'before');
  peers.restart();
  expect(flows.last.figures.failure).toBe('CANCELLED');
  say(1, 'after');
  expect(flows.flows.map(({ sent }) => sent)).toEqual([['before'], ['after']]);
});

test('one whose flow has ended gets another with its next datagram', () => {
  const { flows, say } = localPeers();
  say(1, 'before');
  flows.last.close('SESSION_LOST');
  say(1, 'after');
  expect(flows.flows.map(({ sent }) => sent)).toEqual([['before'], ['after']]);
});

test('beyond 1024 of them the one that was silent for longest leaves', () => {
  const { flows, say } = localPeers();
  for (let port = 1; port <= 1_024; port += 1) say(port);
  say(1);
  expect(flows.living.length).toBe(1_024);
  say(2_000);
  expect(flows.living.length).toBe(1_024);
  expect(flows.flows[0]?.state.dead).toBe(false);
  expect(flows.flows[1]?.figures.failure).toBe('LIMIT_REACHED');
});

test('100,000 made up addresses leave no more flows than that', () => {
  const { flows, clock, say } = localPeers();
  for (let port = 1; port <= 100_000; port += 1) say(port);
  expect(flows.living.length).toBe(1_024);
  expect(clock.pending).toBe(1);
});

test('when the server takes no more flows, the one that was silent for longest makes room, until some are idle', async () => {
  const { flows, clock, say, settled } = localPeers();
  for (let port = 1; port <= 10; port += 1) say(port);
  await settled();
  flows.answer = 'LIMIT_REACHED';
  say(11);
  await settled();
  expect(flows.flows[0]?.figures.failure).toBe('LIMIT_REACHED');
  expect(flows.living.length).toBe(9);
  flows.answer = 'open';
  say(11);
  say(12);
  await settled();
  expect(flows.living.length).toBe(10);
  clock.advance(IDLE);
  for (let port = 1; port <= 20; port += 1) say(port);
  expect(flows.living.length).toBe(20);
});

test('a flow that was refused is not asked for again with each datagram', async () => {
  const { flows, clock, say, settled } = localPeers();
  flows.answer = 'UNSUPPORTED';
  say(1);
  await settled();
  for (let port = 1; port <= 100; port += 1) say(port);
  expect(flows.flows.length).toBe(1);
  clock.advance(1_000);
  flows.answer = 'open';
  say(1, 'later');
  expect(flows.last.sent).toEqual(['later']);
});

test('what comes while the flow is not answered is sent with it', () => {
  const { flows, say } = localPeers();
  flows.answer = 'wait';
  say(1, 'a');
  say(1, 'b');
  expect(flows.flows.map(({ sent }) => sent)).toEqual([['a', 'b']]);
});

test('stopped, it serves nobody new; closed, nobody', () => {
  const { flows, clock, peers, say } = localPeers();
  say(1, 'a');
  peers.stop();
  say(1, 'b');
  say(2, 'c');
  expect(flows.flows.map(({ sent }) => sent)).toEqual([['a', 'b']]);
  peers.close();
  expect(flows.last.figures.failure).toBe('CANCELLED');
  expect(clock.pending).toBe(0);
});
