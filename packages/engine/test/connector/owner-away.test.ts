import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { FakeNetwork, passIn } from 'wsproxy-test-support/engine/fake-network';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { ConnectError } from '../../src/connector/connect-error.js';
import { Connector } from '../../src/connector/connector.js';

const GRACE = 60_000;
const DOWN = new ConnectError('refused', false);

/** A connector whose servers are of several processes, each on a fake network, on one clock. */
class Fixture {
  readonly clock = new FakeClock();
  readonly networks: readonly FakeNetwork[];
  readonly connector: Connector;
  readonly changes: string[] = [];
  readonly retries: string[] = [];

  constructor({ servers = 1, connections = 1 } = {}) {
    this.networks = Array.from({ length: servers }, () => new FakeNetwork(this.clock));
    this.connector = new Connector({
      servers: this.networks.map(({ connect }, i) => ({ name: `server ${i}`, connect })),
      clock: this.clock,
      memory: newMemory(),
      logger: this.network.logger,
      grace: GRACE,
      connections,
      optimistic: false,
      random: () => 0.5,
      onServer: ({ name }) => this.changes.push(name),
      onRetry: (_server, { reason }) => this.retries.push(reason),
    });
  }

  /** Of the first server. */
  get network(): FakeNetwork {
    const [first] = this.networks;
    if (first === undefined) throw new RangeError('there is no server');
    return first;
  }

  open(): Recorder {
    const log = new Recorder();
    return log.take(this.connector.open({ host: 'example.org', port: 80 }, log));
  }

  /** Living channels of each session of the first server. */
  get load(): number[] {
    return [...this.network.sessions.values()].map(({ session }) => session.channelCount);
  }

  pass(milliseconds: number): Promise<void> {
    return passIn(this.networks, this.clock, milliseconds);
  }

  async started(): Promise<void> {
    const started = this.connector.start();
    await this.pass(1_000);
    await started;
  }

  /** The process that has the sessions does not answer any more; `silently`: nor does it tell so to those that are connected. */
  loseOwner({ silently = false } = {}): void {
    this.network.ownerIsAway = true;
    for (const connection of this.network.connections) {
      if (silently) connection.silent = true;
      else if (connection.near.isOpen) {
        connection.far.receiver = { onBytes() {}, onDrain() {}, onClose() {}, onText() {} };
        connection.far.cut();
      }
    }
  }
}

describe('a server whose process does not answer that has the session', () => {
  test('begins another session after 2 s, for what is new; what runs waits, and goes on when the process is back', async () => {
    const fixture = new Fixture();
    await fixture.started();
    const old = fixture.open();
    await fixture.pass(100);
    fixture.loseOwner();
    await fixture.pass(1_800);
    expect([fixture.load, fixture.connector.state]).toEqual([[1], 'waiting']);
    await fixture.pass(700);
    expect([fixture.load, fixture.connector.state]).toEqual([[1, 0], 'online']);
    const fresh = fixture.open();
    await fixture.pass(10_000);
    expect([old.events, fresh.events, fixture.load]).toEqual([['open'], ['open'], [1, 1]]);
    fixture.network.ownerIsAway = false;
    await fixture.pass(6_000);
    expect(fixture.connector.status()).toMatchObject({ resumes: 1, stranded: 0 });
    old.channel.write(bytesOf('still here'));
    await fixture.pass(100);
    expect([fixture.network.far[0]?.text, old.events]).toEqual(['still here', ['open']]);
  });

  test('has each in its own session from then on, and the former one ends with its last channel', async () => {
    const fixture = new Fixture();
    await fixture.started();
    const old = fixture.open();
    await fixture.pass(100);
    fixture.loseOwner();
    await fixture.pass(3_000);
    fixture.network.ownerIsAway = false;
    await fixture.pass(6_000);
    const attempts = fixture.network.attempts;
    for (let n = 0; n < 3; n++) fixture.open();
    await fixture.pass(60_000);
    expect([fixture.load, fixture.network.attempts]).toEqual([[1, 3], attempts]);
    old.channel.reset();
    await fixture.pass(100);
    expect(fixture.load).toEqual([3]);
  });

  test('takes what waits to be asked for, and a request that comes meanwhile is not lost', async () => {
    const fixture = new Fixture();
    await fixture.started();
    fixture.open();
    await fixture.pass(100);
    fixture.loseOwner();
    await fixture.pass(500);
    const waiting = fixture.open();
    await fixture.pass(3_000);
    expect([waiting.events, fixture.load]).toEqual([['open'], [1, 1]]);
  });

  test('has no former session to go back to when nothing ran there', async () => {
    const fixture = new Fixture();
    await fixture.started();
    fixture.loseOwner();
    await fixture.pass(3_000);
    const { attempts } = fixture.network;
    await fixture.pass(GRACE);
    expect([fixture.network.attempts, fixture.connector.state]).toEqual([attempts, 'online']);
  });

  test('goes on alone when the process is back in time', async () => {
    const fixture = new Fixture();
    await fixture.started();
    const old = fixture.open();
    await fixture.pass(100);
    fixture.loseOwner();
    await fixture.pass(500);
    fixture.network.ownerIsAway = false;
    await fixture.pass(30_000);
    expect([fixture.load, fixture.connector.status().resumes, old.events]).toEqual([[1], 1, ['open']]);
  });

  test('is told so: the status counts what waits, the log says it once, and nobody hears of another server', async () => {
    const fixture = new Fixture();
    await fixture.started();
    fixture.open();
    fixture.open();
    await fixture.pass(100);
    fixture.loseOwner();
    await fixture.pass(10_000);
    expect(fixture.connector.status()).toMatchObject({ state: 'online', reason: undefined, stranded: 2 });
    expect(fixture.network.logged('a new session serves; the process that has the former one does not answer')).toEqual(
      [{ server: 'server 0', channels: 2 }],
    );
    expect(fixture.changes).toEqual([]);
    const noise = () => [fixture.retries.length, fixture.network.lines.filter(({ level }) => level === 'warn').length];
    const before = noise();
    await fixture.pass(20_000);
    expect(noise()).toEqual(before);
  });

  test('ends what waits with its grace, and serves what is new', async () => {
    const fixture = new Fixture();
    await fixture.started();
    const old = fixture.open();
    await fixture.pass(100);
    fixture.loseOwner();
    await fixture.pass(GRACE + 1_000);
    expect(old.events).toEqual(['open', 'reset SESSION_LOST']);
    expect([fixture.connector.status().stranded, fixture.connector.state]).toEqual([0, 'online']);
  });

  test('is believed of a transport that is silent as well: it is given up before its 45 s', async () => {
    const fixture = new Fixture();
    await fixture.started();
    const old = fixture.open();
    await fixture.pass(100);
    fixture.loseOwner({ silently: true });
    old.channel.write(bytesOf('is anybody there?'));
    await fixture.pass(10_000);
    const fresh = fixture.open();
    await fixture.pass(500);
    expect([fresh.events, fixture.connector.state]).toEqual([['open'], 'online']);
  });

  test('has another session for each of several connections, and what is new spreads over them', async () => {
    const fixture = new Fixture({ connections: 2 });
    await fixture.started();
    for (let n = 0; n < 4; n++) fixture.open();
    await fixture.pass(100);
    fixture.loseOwner();
    await fixture.pass(3_000);
    for (let n = 0; n < 4; n++) fixture.open();
    await fixture.pass(100);
    expect([fixture.load, fixture.connector.status().stranded]).toEqual([[2, 2, 2, 2], 4]);
  });

  test('comes before a server that is less liked', async () => {
    const fixture = new Fixture({ servers: 2 });
    await fixture.started();
    fixture.open();
    await fixture.pass(100);
    fixture.loseOwner();
    await fixture.pass(40_000);
    expect(fixture.networks.map(({ attempts }) => attempts > 0)).toEqual([true, false]);
    expect(fixture.load).toEqual([1, 0]);
  });

  test('comes after one that is better liked, and gives way to it', async () => {
    const fixture = new Fixture({ servers: 2 });
    const [first, second] = fixture.networks as readonly [FakeNetwork, FakeNetwork];
    first.route = DOWN;
    await fixture.started();
    fixture.open();
    await fixture.pass(100);
    expect(second.sessions.size).toBe(1);
    first.route = 'open';
    second.ownerIsAway = true;
    for (const { far } of second.connections) far.cut();
    await fixture.pass(5_000);
    const fresh = fixture.open();
    await fixture.pass(1_000);
    expect([fresh.events, fixture.load, second.sessions.size]).toEqual([['open'], [1], 1]);
  });

  test('and another one when the next process does not answer either', async () => {
    const fixture = new Fixture();
    await fixture.started();
    for (let n = 0; n < 3; n++) {
      fixture.open();
      await fixture.pass(100);
      fixture.loseOwner();
      await fixture.pass(3_000);
    }
    expect([fixture.load, fixture.connector.status().stranded]).toEqual([[1, 1, 1, 0], 3]);
  });
});

describe('without that word of the server', () => {
  test('no second session begins: anyone who does not answer has the session', async () => {
    const fixture = new Fixture();
    await fixture.started();
    fixture.open();
    await fixture.pass(100);
    fixture.network.route = DOWN;
    for (const { far } of fixture.network.connections) far.cut();
    await fixture.pass(30_000);
    expect([fixture.network.sessions.size, fixture.connector.state === 'online']).toEqual([1, false]);
  });
});
