import { describe, expect, test } from 'vitest';
import type { OfferedListener, Session } from 'wsproxy-engine';
import { ConnectError, Connector, type ConnectorOptions } from 'wsproxy-engine/connector';
import { FakeClock } from 'wsproxy-engine/testing';
import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { KeptListener } from '../../src/remote/kept-listener.js';

const ARRIVAL = { peer: { host: '192.0.2.7', port: 5_000 }, local: { host: '127.0.0.1', port: 8_000 }, name: '' };

/** A client with one remote listener and a connector on fake networks, and everything that the servers see of it. */
class Fixture {
  readonly clock = new FakeClock();
  readonly networks: readonly FakeNetwork[];
  readonly connector: Connector;
  readonly listener: KeptListener;
  /** What has happened at the servers, in order. */
  readonly events: string[] = [];
  readonly offered: { listener: OfferedListener; session: Session }[] = [];
  /** The client's ends of what has come. */
  readonly arrived: Recorder[] = [];

  constructor(count = 1, options: Partial<ConnectorOptions> = {}) {
    this.networks = Array.from({ length: count }, () => new FakeNetwork(this.clock));
    for (const [n, network] of this.networks.entries()) {
      network.onListen = (listener, session) => this.#onListen(n, listener, session);
    }
    const { logger } = this.network(0);
    const servers = this.networks.map(({ connect }, n) => ({ name: `server ${n}`, connect }));
    const defaults = { grace: 60_000, connections: 1, optimistic: false, random: () => 0.5 };
    this.connector = new Connector({
      ...defaults,
      servers,
      clock: this.clock,
      memory: newMemory(),
      logger,
      ...options,
    });
    this.listener = new KeptListener(
      this.connector,
      { kind: 'tcp', bind: '', port: 8_000, backlog: 0, name: 'mine', text: 'localhost:8000' },
      {
        onChange() {},
        onChannel: (channel) => {
          this.arrived.push(new Recorder().take(channel));
          channel.accept();
        },
        onFlow() {},
      },
      { clock: this.clock, logger, random: () => 0.5 },
    );
  }

  #onListen(server: number, listener: OfferedListener, session: Session): void {
    const id = this.offered.push({ listener, session });
    this.events.push(`${id} asked of server ${server}${listener.request.takesOver ? ', takes over' : ''}`);
    listener.onOver(() => this.events.push(`${id} over: ${listener.figures.failure}`));
    listener.accept({ host: '127.0.0.1', port: listener.request.port });
  }

  network(index: number): FakeNetwork {
    const network = this.networks[index];
    if (network === undefined) throw new RangeError(`there is no server ${index}`);
    return network;
  }

  async start(): Promise<this> {
    this.listener.start();
    this.connector.start().catch(() => {});
    await this.pass(500);
    return this;
  }

  async pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left >= 0; left -= 100) {
      for (let i = 0; i < 3; i++) for (const network of this.networks) await network.settle();
      if (left > 0) this.clock.advance(Math.min(left, 100));
    }
  }

  /** Somebody comes to the newest listener. */
  async arrive(which = this.offered.length - 1): Promise<Recorder> {
    const { listener, session } = this.offered[which] ?? {};
    const peer = new Recorder();
    if (listener !== undefined && session !== undefined) peer.take(session.openIncoming(listener, ARRIVAL, peer));
    await this.pass(0);
    return peer;
  }
}

describe('a remote listener', () => {
  test('lives in the session, brings what comes, and stays behind the loss of a connection', async () => {
    const fixture = await new Fixture().start();
    const { events, listener, arrived, networks } = fixture;
    expect([events, listener.state]).toEqual([['1 asked of server 0, takes over'], 'listening']);
    networks[0]?.connection.near.cut();
    const waiting = await fixture.arrive();
    expect(waiting.events).toEqual([]);
    await fixture.pass(5_000);
    expect(waiting.events).toEqual(['open']);
    arrived[0]?.channel.write(Buffer.from('served'));
    await fixture.pass(0);
    expect(waiting.text).toBe('served');
    expect([events.length, listener.state]).toEqual([1, 'listening']);
  });

  test('makes a server that is away be tried every few seconds, since others wait for it', async () => {
    const fixture = await new Fixture().start();
    const network = fixture.network(0);
    const triesInTenMinutes = async (): Promise<number> => {
      const before = network.attempts;
      await fixture.pass(600_000);
      return network.attempts - before;
    };
    network.route = new ConnectError('for the test', false);
    network.forget();
    network.connection.near.cut();
    await fixture.pass(60_000);
    expect(await triesInTenMinutes()).toBeGreaterThan(120);
    fixture.listener.close();
    await fixture.pass(60_000);
    expect(await triesInTenMinutes()).toBeLessThan(60);
  });

  test('is asked for in the session that follows one that was lost', async () => {
    const fixture = await new Fixture().start();
    fixture.network(0).forget();
    fixture.network(0).connection.near.cut();
    await fixture.pass(5_000);
    expect(fixture.events.at(-1)).toBe('2 asked of server 0, takes over');
    expect(fixture.listener.state).toBe('listening');
  });

  test('is asked for in the next session before the draining one is told, and what runs there goes on', async () => {
    const fixture = await new Fixture().start();
    const { events, network } = { events: fixture.events, network: fixture.network(0) };
    const peer = await fixture.arrive();
    network.session.drain(60_000);
    await fixture.pass(2_000);
    expect(events).toEqual(['1 asked of server 0, takes over', '2 asked of server 0, takes over', '1 over: CANCELLED']);
    expect(network.sessions.size).toBe(2);
    fixture.arrived[0]?.channel.write(Buffer.from('still here'));
    await fixture.pass(0);
    expect(peer.text).toBe('still here');
    peer.channel.reset();
    await fixture.pass(1_000);
    expect(network.sessions.size).toBe(1);
    expect((await fixture.arrive()).events).toEqual(['open']);
  });

  test('keeps a session that drains, and has no channels, until the next one has it', async () => {
    const fixture = await new Fixture().start();
    const network = fixture.network(0);
    let accept = (): void => {};
    network.onListen = (listener) => (accept = () => listener.accept({ host: '127.0.0.1', port: 8_000 }));
    network.session.drain(60_000);
    await fixture.pass(10_000);
    expect(network.sessions.size).toBe(2);
    expect((await fixture.arrive()).events).toEqual(['open']);
    accept();
    fixture.arrived[0]?.channel.reset();
    await fixture.pass(1_000);
    expect(network.sessions.size).toBe(1);
    expect(fixture.events).toEqual(['1 asked of server 0, takes over', '1 over: CANCELLED']);
  });

  test('is asked for in the second session of a server whose process does not answer that has the first, and stays there', async () => {
    const fixture = await new Fixture().start();
    const network = fixture.network(0);
    await fixture.arrive();
    network.ownerIsAway = true;
    network.connection.near.cut();
    await fixture.pass(4_000);
    expect(fixture.events).toEqual(['1 asked of server 0, takes over', '2 asked of server 0, takes over']);
    expect((await fixture.arrive()).events).toEqual(['open']);
    network.ownerIsAway = false;
    await fixture.pass(10_000);
    expect(fixture.events.slice(2)).toEqual(['1 over: CANCELLED']);
    await fixture.pass(120_000);
    expect([fixture.events.length, fixture.listener.state, network.sessions.size]).toEqual([3, 'listening', 2]);
  });

  test('moves to the server that is preferred when that is back', async () => {
    const fixture = new Fixture(2);
    fixture.network(0).route = 'hanging';
    await fixture.start();
    await fixture.pass(5_000);
    expect(fixture.events).toEqual(['1 asked of server 1, takes over']);
    fixture.network(0).route = 'open';
    await fixture.pass(60_000);
    expect(fixture.events.slice(1)).toEqual(['2 asked of server 0, takes over', '1 over: CANCELLED']);
    expect(fixture.listener.server).toBe('server 0');
    expect(fixture.network(1).sessions.size).toBe(0);
  });

  test('lives in one of several sessions, and stays there while that lives', async () => {
    const fixture = await new Fixture(1, { connections: 3 }).start();
    expect([fixture.network(0).sessions.size, fixture.events.length]).toEqual([3, 1]);
    for (const { near } of fixture.network(0).connections) near.cut();
    await fixture.pass(5_000);
    expect(fixture.events.length).toBe(1);
    fixture.offered[0]?.session.leave('for the test');
    await fixture.pass(5_000);
    expect(fixture.events).toEqual([
      '1 asked of server 0, takes over',
      '1 over: SESSION_LOST',
      '2 asked of server 0, takes over',
    ]);
  });

  test('goes where the server knows of listeners, where another one does not', async () => {
    const fixture = new Fixture(1, { connections: 2 });
    const network = fixture.network(0);
    const { onListen } = network;
    let sessions = 0;
    Object.defineProperty(network, 'onListen', { get: () => (sessions++ === 0 ? undefined : onListen) });
    await fixture.start();
    await fixture.pass(5_000);
    expect([fixture.listener.state, sessions]).toEqual(['listening', 2]);
  });

  test('that no server knows of is refused, while channels go on', async () => {
    const fixture = new Fixture();
    fixture.network(0).onListen = undefined;
    await fixture.start();
    expect([fixture.listener.state, fixture.listener.failure]).toEqual(['refused', 'UNSUPPORTED']);
    const near = new Recorder();
    near.take(fixture.connector.open({ host: 'example.org', port: 80 }, near));
    await fixture.pass(0);
    expect(near.events).toEqual(['open']);
  });

  test('is not waited for by whenIdle, but what has come is', async () => {
    const fixture = await new Fixture().start();
    const peer = await fixture.arrive();
    let isIdle = false;
    const idle = fixture.connector.whenIdle().then(() => (isIdle = true));
    await fixture.pass(500);
    expect(isIdle).toBe(false);
    peer.channel.end();
    fixture.arrived[0]?.channel.end();
    await fixture.pass(500);
    await idle;
    expect(fixture.listener.state).toBe('listening');
  });

  test('makes nobody take a session that is lost for one that is idle', async () => {
    const fixture = await new Fixture().start();
    const near = new Recorder();
    near.take(fixture.connector.open({ host: 'example.org', port: 80 }, near));
    await fixture.pass(500);
    const idle = fixture.connector.whenIdle().then(
      () => 'idle',
      ({ code }: { code: string }) => code,
    );
    fixture.network(0).session.leave('for the test');
    await fixture.pass(500);
    expect(await idle).toBe('SESSION_LOST');
  });

  test('that is refused elsewhere lets the end of its old session be told as any other', async () => {
    const fixture = await new Fixture().start();
    const network = fixture.network(0);
    const [old] = fixture.offered;
    network.onListen = (listener) => listener.refuse('DENIED');
    old?.session.drain(60_000);
    await fixture.pass(5_000);
    expect([network.sessions.size, fixture.listener.state]).toEqual([2, 'listening']);
    old?.session.leave('for the test');
    await fixture.pass(500);
    expect(network.logged('session ended').length).toBe(1);
    expect(fixture.listener.state).toBe('refused');
  });

  test('ends with the client, which tells the server', async () => {
    const fixture = await new Fixture().start();
    fixture.connector.close();
    await fixture.pass(0);
    expect(fixture.events.at(-1)).toBe('1 over: SESSION_LOST');
    expect(fixture.listener.state).toBe('asking');
  });
});
