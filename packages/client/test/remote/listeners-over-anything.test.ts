import { expect, test } from 'vitest';
import type { OfferedListener, Session } from 'wsproxy-engine';
import { ConnectError, Connector } from 'wsproxy-engine/connector';
import { FakeClock } from 'wsproxy-engine/testing';
import { Dice } from 'wsproxy-test-support/dice';
import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { KeptListener } from '../../src/remote/kept-listener.js';

const ARRIVAL = { peer: { host: '192.0.2.7', port: 5_000 }, local: { host: '127.0.0.1', port: 8_000 }, name: '' };
const AWAY = new ConnectError('for the test', false);

interface Held {
  readonly listener: OfferedListener;
  readonly session: Session;
}

/** A server of one name: the session that has it, and those that stand in line. */
class Server {
  readonly network: FakeNetwork;
  readonly #line: Held[] = [];
  owner: Held | undefined;

  constructor(clock: FakeClock) {
    this.network = new FakeNetwork(clock);
    this.network.grace = 20_000;
    this.network.onListen = (listener, session) => this.#take({ listener, session });
  }

  #take(held: Held): void {
    const former = this.owner;
    held.listener.onOver(() => this.#leave(held));
    if (former !== undefined && !held.listener.request.takesOver) return void this.#line.push(held);
    held.listener.accept({ host: '127.0.0.1', port: 8_000 });
    this.owner = held;
    if (former === undefined) return;
    for (const one of former.session.releaseIncoming(former.listener)) held.session.adoptIncoming(one, held.listener);
    former.listener.close('TAKEN_OVER');
  }

  #leave(held: Held): void {
    if (this.#line.includes(held)) this.#line.splice(this.#line.indexOf(held), 1);
    if (this.owner !== held) return;
    this.owner = undefined;
    const next = this.#line.shift();
    if (next !== undefined) this.#take(next);
  }

  /** Its client is there. One that the client has left while nothing got through is told of no end here. */
  get isServing(): boolean {
    return this.owner?.session.attached === true;
  }

  /** It is started again, and remembers nothing. */
  restart(): void {
    for (const { session } of this.network.sessions.values()) session.close('for the test', 1006);
    this.network.forget();
  }
}

/** One client with a listener, and everything that may happen to it and its servers, as the seed says. */
async function run(seed: number): Promise<void> {
  const dice = new Dice(`${seed}`);
  const clock = new FakeClock();
  const servers = Array.from({ length: dice.between(1, 4) }, () => new Server(clock));
  const pick = <T>(all: readonly T[]): T => all[dice.between(0, all.length)] as T;
  const pass = async (milliseconds: number): Promise<void> => {
    for (let left = milliseconds; left >= 0; left -= 200) {
      for (const { network } of servers) await network.settle();
      if (left > 0) clock.advance(Math.min(left, 200));
    }
  };
  const connector = new Connector({
    servers: servers.map(({ network }, n) => ({ name: `server ${n}`, connect: network.connect })),
    ...{ clock, memory: newMemory(), logger: new FakeNetwork(clock).logger },
    ...{
      grace: 20_000,
      connections: dice.between(1, 4),
      optimistic: false,
      random: () => dice.between(0, 1_000) / 1_000,
    },
  });
  const arrived: Recorder[] = [];
  const listener = new KeptListener(
    connector,
    { kind: 'tcp', bind: '', port: 8_000, backlog: 0, name: 'mine', text: 'localhost:8000' },
    {
      onChange() {},
      onChannel: (channel) => {
        arrived.push(new Recorder().take(channel));
        channel.accept();
      },
      onFlow() {},
    },
    { clock, logger: new FakeNetwork(clock).logger, random: () => dice.between(0, 1_000) / 1_000 },
  );
  listener.start();
  connector.start().catch(() => {});
  const peers: Recorder[] = [];
  const arrive = ({ owner }: Server): void => {
    if (owner === undefined) return;
    const peer = new Recorder();
    peers.push(peer.take(owner.session.openIncoming(owner.listener, ARRIVAL, peer)));
  };

  for (let step = 0; step < 25; step++) {
    const server = pick(servers);
    const { network } = server;
    const what = dice.between(0, 100);
    if (what < 15) pick(network.connections)?.near.cut();
    else if (what < 25) pick([...network.sessions.values()])?.session.drain(dice.between(1, 30_000));
    else if (what < 30) server.restart();
    else if (what < 40) network.route = network.route === 'open' ? AWAY : 'open';
    else if (what < 65) arrive(server);
    else if (what < 75) pick(arrived)?.channel.end();
    else if (what < 80) server.owner?.listener.close(pick(['DENIED', 'GOING_AWAY', 'TAKEN_OVER'] as const));
    await pass(pick([0, 0, 200, 1_000, 5_000]));
  }

  for (const { network } of servers) network.route = 'open';
  await pass(180_000);
  expect([listener.state, servers.filter(({ isServing }) => isServing).length]).toEqual(['listening', 1]);
  // Anyone who came where the client still is has been answered.
  const unanswered = servers.flatMap(({ network }) =>
    [...network.sessions.values()].flatMap(({ session }) => (session.attached ? session.unanswered : [])),
  );
  expect(unanswered).toEqual([]);
  const last = peers.length;
  for (const server of servers) if (server.isServing) arrive(server);
  await pass(1_000);
  expect(peers.slice(last).map(({ events }) => events)).toEqual([['open']]);

  listener.close();
  await pass(1_000);
  expect(servers.some(({ isServing }) => isServing)).toBe(false);
  connector.close();
  for (const server of servers) server.restart();
  await pass(1_000);
  expect(clock.pending).toBe(0);
}

test.each(Array.from({ length: 60 }, (_, n) => n + 1))(
  'no matter what happens, a listener is at one server in the end, and brings what comes (seed %d)',
  (seed) => run(seed),
);
