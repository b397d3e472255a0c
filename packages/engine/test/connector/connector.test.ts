import { afterEach, describe, expect, test, vi } from 'vitest';
import { CloseCode, ProtocolError } from 'wsproxy-engine';
import { bytesOf, filled, textOf } from 'wsproxy-test-support/engine/bytes';
import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { settled } from 'wsproxy-test-support/engine/settled';
import { ConnectError } from '../../src/connector/connect-error.js';
import { Connector, type ConnectorOptions } from '../../src/connector/connector.js';

const GRACE = 60_000;

/** A connector on a fake network, and the states it went through. */
class Fixture {
  readonly network = new FakeNetwork();
  readonly path: string[] = ['idle'];
  readonly connector: Connector;

  constructor(options: Partial<ConnectorOptions> = {}) {
    const { connect, clock, memory, logger } = this.network;
    const onState = (state: string): number => this.path.push(state);
    const defaults = { grace: GRACE, connections: 1, optimistic: false };
    const servers = [{ name: 'the server', connect }];
    this.connector = new Connector({ ...defaults, servers, clock, memory, logger, onState, ...options });
  }

  static async online(options: Partial<ConnectorOptions> = {}): Promise<Fixture> {
    const fixture = new Fixture(options);
    const started = fixture.connector.start();
    await fixture.network.settle();
    await started;
    return fixture;
  }

  get transitions(): string {
    return this.path.join(' -> ');
  }

  open(): Recorder {
    const log = new Recorder();
    return log.take(this.connector.open({ host: 'example.org', port: 80 }, log));
  }

  /** Channels of each session of the server, in the order in which they began. */
  get load(): number[] {
    return [...this.network.sessions.values()].map(({ session }) => session.channelCount);
  }
}

/** What became of a promise by now. */
async function outcome(promise: Promise<void>): Promise<string> {
  const rejected = (error: Error): string => error.message;
  const pending = settled().then(() => 'pending');
  return Promise.race([promise.then(() => 'resolved', rejected), pending]);
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('the server is told the heartbeat that was wished for', async () => {
  const { network } = await Fixture.online({ heartbeat: 7_000 });
  expect([...network.sessions.values()].map(({ session }) => session.terms.heartbeat)).toEqual([7_000]);
});

describe('start', () => {
  test('idle -> connecting -> online: resolves when the server has answered', async () => {
    const fixture = new Fixture();
    fixture.network.route = 'hanging';
    const started = fixture.connector.start();
    await fixture.network.settle();
    expect([await outcome(started), fixture.transitions]).toEqual(['pending', 'idle -> connecting']);
    for (const succeed of fixture.network.hanging) succeed();
    await fixture.network.settle();
    await started;
    expect(fixture.transitions).toBe('idle -> connecting -> online');
  });

  test('connecting -> closed: rejects when trying again is of no use', async () => {
    const fixture = new Fixture({ connections: 3 });
    fixture.network.route = new ConnectError('wrong token', true);
    await expect(fixture.connector.start()).rejects.toThrow('wrong token');
    expect(fixture.connector.state).toBe('closed');
    await fixture.network.pass(60_000);
    expect(fixture.network.attempts).toBe(3);
    expect(fixture.network.clock.pending).toBe(0);
  });

  test('connecting -> closed: rejects when the server does not support the version', async () => {
    const fixture = new Fixture();
    fixture.network.refusal = new ProtocolError('version 1 is not supported, only 2', CloseCode.unsupportedVersion);
    const started = expect(fixture.connector.start()).rejects.toThrow('only 2');
    await fixture.network.settle();
    await started;
    expect([fixture.connector.state, fixture.network.clock.pending]).toEqual(['closed', 0]);
  });

  test('resolves at once for a tunnel that is up, and for each who waits for it', async () => {
    const fixture = await Fixture.online();
    await fixture.connector.start();
    const other = new Fixture();
    const started = [other.connector.start(), other.connector.start()];
    await other.network.settle();
    await Promise.all(started);
  });

  test('rejects after a close, with why it was closed', async () => {
    const refused = new Fixture();
    refused.network.route = new ConnectError('wrong token', true);
    for (let n = 0; n < 2; n++) await expect(refused.connector.start()).rejects.toThrow('wrong token');
    const closed = new Fixture();
    closed.connector.close();
    await expect(closed.connector.start()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('gives up what waits when trying again is of no use', async () => {
    const fixture = new Fixture();
    fixture.network.route = 'hanging';
    const started = fixture.connector.start();
    const near = fixture.open();
    fixture.network.route = new ConnectError('wrong token', true);
    fixture.connector.reconnectNow();
    await expect(started).rejects.toThrow('wrong token');
    expect(near.events).toEqual(['fail TUNNEL_DOWN']);
  });

  test('waits as long as it takes when the failure may pass', async () => {
    const fixture = new Fixture();
    fixture.network.route = new ConnectError('unreachable', false);
    const started = fixture.connector.start();
    await fixture.network.pass(200_000);
    fixture.network.route = 'open';
    await fixture.network.pass(30_000);
    expect(await outcome(started)).toBe('resolved');
  });

  test('rejects when it is closed meanwhile', async () => {
    const fixture = new Fixture();
    fixture.network.route = 'hanging';
    const started = fixture.connector.start();
    fixture.connector.close();
    await expect(started).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('a refusal that comes later is tried again: waiting -> connecting -> online', async () => {
    const fixture = await Fixture.online();
    fixture.network.route = new ConnectError('wrong token', true);
    fixture.network.connection.near.cut();
    await fixture.network.pass(30_000);
    fixture.network.route = 'open';
    await fixture.network.pass(30_000);
    expect(fixture.connector.state).toBe('online');
  });
});

describe('without start', () => {
  test('a request connects, and fails at once when trying is of no use; the next one tries again', async () => {
    const fixture = new Fixture({ connections: 2 });
    fixture.network.route = new ConnectError('wrong token', true);
    const near = fixture.open();
    await fixture.network.settle();
    expect([near.events, fixture.connector.trouble?.message]).toEqual([['fail TUNNEL_DOWN'], 'wrong token']);
    await fixture.network.pass(2_000);
    fixture.network.route = 'open';
    const next = fixture.open();
    await fixture.network.passUntil(() => next.events.length > 0);
    expect([next.events, fixture.connector.trouble]).toEqual([['open'], undefined]);
  });

  test('a server that refuses after it has served is tried again, and requests wait for it', async () => {
    const fixture = await Fixture.online();
    fixture.network.route = new ConnectError('wrong token', true);
    fixture.network.connection.near.cut();
    await fixture.network.pass(2_000);
    const near = fixture.open();
    await fixture.network.pass(1_000);
    fixture.network.route = 'open';
    await fixture.network.pass(2_000);
    expect(near.events).toEqual(['open']);
  });

  test('why a server cannot be reached is known when a request is given up', async () => {
    const fixture = new Fixture();
    fixture.network.route = new ConnectError('nobody there', false);
    const near = fixture.open();
    await fixture.network.passUntil(() => near.events.length > 0);
    expect([near.events, fixture.connector.trouble?.message]).toEqual([['fail TUNNEL_DOWN'], 'nobody there']);
  });
});

describe('status', () => {
  test('knows no round trip before the tunnel is up, and while it is down', async () => {
    const fixture = new Fixture();
    const idle = { state: 'idle', server: 'the server', roundTripMs: undefined, resumes: 0 };
    expect(fixture.connector.status()).toMatchObject(idle);
    const started = fixture.connector.start();
    await fixture.network.settle();
    await started;
    expect(fixture.connector.status()).toMatchObject({ ...idle, state: 'online', roundTripMs: 0 });
    fixture.network.connection.near.cut();
    expect(fixture.connector.status()).toMatchObject({ ...idle, state: 'waiting' });
  });

  test('counts the sessions that went on with another connection, and tells of each', async () => {
    const resumed: string[] = [];
    const fixture = await Fixture.online({ connections: 2, onResumed: ({ name }) => resumed.push(name) });
    for (let n = 0; n < 3; n++) {
      fixture.network.connections[n]?.near.cut();
      await fixture.network.pass(1_000);
    }
    expect(fixture.connector.status()).toMatchObject({ state: 'online', resumes: 3 });
    expect(resumed).toEqual(['the server', 'the server', 'the server']);
  });

  test('does not count a fresh session as one that went on', async () => {
    const fixture = await Fixture.online();
    fixture.network.forget();
    fixture.network.connection.near.cut();
    await fixture.network.pass(1_000);
    expect(fixture.connector.status()).toMatchObject({ state: 'online', resumes: 0 });
  });
});

describe('reconnectNow', () => {
  test('does not wait for the next try', async () => {
    const fixture = await Fixture.online();
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.network.connection.near.cut();
    await fixture.network.pass(50_000);
    fixture.network.route = 'open';
    fixture.connector.reconnectNow();
    await fixture.network.settle();
    expect(fixture.connector.state).toBe('online');
  });

  test('tries beside an attempt that hangs', async () => {
    const fixture = new Fixture();
    fixture.network.route = 'hanging';
    const started = fixture.connector.start();
    fixture.network.route = 'open';
    fixture.connector.reconnectNow();
    await fixture.network.settle();
    await started;
    expect(fixture.network.hanging.size).toBe(0);
  });

  test('leaves a tunnel that is up as it is', async () => {
    const fixture = await Fixture.online();
    fixture.connector.reconnectNow();
    await fixture.network.settle();
    expect([fixture.network.attempts, fixture.transitions]).toEqual([1, 'idle -> connecting -> online']);
  });
});

describe('when the session is lost', () => {
  test('online -> waiting -> connecting -> online, by a fresh session that works', async () => {
    const fixture = await Fixture.online();
    const old = fixture.open();
    await fixture.network.settle();
    fixture.network.forget();
    fixture.network.connection.near.cut();
    await fixture.network.pass(500);
    expect(fixture.transitions).toBe(
      'idle -> connecting -> online -> waiting -> connecting -> waiting -> connecting -> online',
    );
    const fresh = fixture.open();
    await fixture.network.settle();
    expect([old.events, fresh.events]).toEqual([['open', 'reset SESSION_LOST'], ['open']]);
    expect(fixture.connector.channelCount).toBe(1);
  });

  test('and a request had come meanwhile, the fresh one serves it with what it brought', async () => {
    const fixture = await Fixture.online();
    const old = fixture.open();
    await fixture.network.settle();
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.network.connection.near.cut();
    fixture.network.forget();
    await fixture.network.pass(10_000);
    const waiting = fixture.open();
    waiting.channel.write(bytesOf('early'));
    await fixture.network.pass(2_000);
    fixture.network.route = 'open';
    await fixture.network.pass(2_000);
    expect([old.events, waiting.events]).toEqual([['open', 'reset SESSION_LOST'], ['open']]);
    expect(fixture.network.far.at(-1)?.text).toBe('early');
    expect(fixture.load).toEqual([1]);
  });

  test('and a request that had come meanwhile finds no way, that fails with TUNNEL_DOWN', async () => {
    const fixture = await Fixture.online();
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.network.connection.near.cut();
    await fixture.network.pass(GRACE - 2_000);
    const waiting = fixture.open();
    await fixture.network.pass(2_500);
    expect(waiting.events).toEqual([]);
    await fixture.network.pass(5_000);
    expect(waiting.events).toEqual(['fail TUNNEL_DOWN']);
    expect(fixture.connector.channelCount).toBe(0);
  });

  test('because its grace is over, a new request is served as soon as the path is back', async () => {
    const fixture = await Fixture.online();
    const old = fixture.open();
    await fixture.network.settle();
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.network.connection.near.cut();
    await fixture.network.pass(GRACE + 60_000);
    expect(old.events).toEqual(['open', 'reset SESSION_LOST']);
    fixture.network.route = 'open';
    const fresh = fixture.open();
    // Unless a dial was just made.
    await fixture.network.pass(1_500);
    expect(fresh.events).toEqual(['open']);
  });

  test('to a newer attempt, it begins another one, and does not fight', async () => {
    const fixture = await Fixture.online();
    fixture.network.session.close('a newer attempt was made', CloseCode.superseded);
    await fixture.network.pass(60_000);
    expect(fixture.network.attempts).toBe(2);
    expect(fixture.connector.state).toBe('online');
  });

  test('again and again, because the peer breaks the protocol, it comes back ever more slowly', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.9);
    const fixture = await Fixture.online();
    for (let n = 0; n < 12; n++) {
      fixture.network.session.close('broken', CloseCode.protocolError);
      await fixture.network.passUntil(() => fixture.connector.state === 'online');
    }
    const { attempts } = fixture.network;
    fixture.network.session.close('broken', CloseCode.protocolError);
    await fixture.network.pass(20_000);
    expect(fixture.network.attempts).toBe(attempts);
  });
});

describe('a session that has few channel numbers left', () => {
  test('is renewed before they run out, as often as need be, and no connection is lost', async () => {
    const fixture = await Fixture.online({ lastChannel: 40 });
    const long = fixture.open();
    await fixture.network.settle();
    for (let n = 0; n < 100; n++) {
      const near = fixture.open();
      await fixture.network.pass(1_000);
      expect(near.events).toEqual(['open']);
      near.channel.reset();
    }
    await fixture.network.pass(1_000);
    expect([long.events, fixture.connector.channelCount]).toEqual([['open'], 1]);
    // The first, for what still runs there, and the present one; those between have ended.
    expect(fixture.load).toEqual([1, 0]);
    expect(fixture.network.sessions.size).toBe(2);
  });
});

describe('when the server drains', () => {
  test('new channels go to a new session, and the old one ends when it is empty', async () => {
    const fixture = await Fixture.online();
    const old = fixture.open();
    await fixture.network.settle();
    const draining = fixture.network.session;
    draining.drain(30_000);
    await fixture.network.settle();
    const fresh = fixture.open();
    await fixture.network.pass(500);
    expect(fixture.load).toEqual([1, 1]);
    expect(fresh.events).toEqual(['open']);
    expect(fixture.connector.channelCount).toBe(2);

    old.channel.write(bytesOf('still here'));
    old.channel.end();
    fixture.network.far[0]?.channel.end();
    await fixture.network.pass(500);
    expect(old.events).toEqual(['open', 'end']);
    expect(fixture.network.far[0]?.text).toBe('still here');
    expect(fixture.network.far[0]?.events).toEqual(['data', 'end']);
    expect(draining.closed).toBe(true);
    expect(fixture.load).toEqual([1]);
  });

  test('new channels go on in the old session as long as there is no other, and wait once it takes no more', async () => {
    const fixture = await Fixture.online();
    const old = fixture.open();
    await fixture.network.settle();
    const draining = fixture.network.session;
    draining.announceDrain(30_000);
    fixture.network.refusal = new ProtocolError('the server is draining', CloseCode.serviceRestart);
    await fixture.network.pass(10_000);
    const fresh = fixture.open();
    await fixture.network.settle();
    expect([fixture.connector.state, fresh.events, fixture.load]).toEqual(['draining', ['open'], [2]]);

    draining.drain(2_000);
    const late = fixture.open();
    await fixture.network.pass(1_000);
    expect([fixture.connector.state, late.events]).toEqual(['draining', []]);
    fixture.network.refusal = undefined;
    draining.leave('the server is stopping');
    await fixture.network.pass(3_000);
    expect([fixture.connector.state, late.events]).toEqual(['online', ['open']]);
    expect([old.events, fresh.events]).toEqual([
      ['open', 'reset SESSION_LOST'],
      ['open', 'reset SESSION_LOST'],
    ]);
  });

  test('the log says once that it is about to stop, and not that there is no connection, until there is none', async () => {
    const { network } = await Fixture.online();
    const told = () => network.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message);
    const before = told().length;
    const draining = network.session;
    draining.announceDrain(30_000);
    network.refusal = new ProtocolError('the server is draining', CloseCode.serviceRestart);
    await network.pass(20_000);
    draining.drain(10_000);
    await network.pass(5_000);
    expect(told().slice(before)).toEqual(['the server is about to stop; until then it serves what is there']);
    expect(network.attempts).toBeGreaterThan(5);
    draining.leave('the server is stopping');
    await network.settle();
    expect(told().slice(before + 1)).toEqual(['session ended', 'not connected to the server']);
  });

  test('a session without channels stays for new ones until there is another', async () => {
    const fixture = await Fixture.online();
    const draining = fixture.network.session;
    draining.announceDrain(30_000);
    fixture.network.refusal = new ProtocolError('the server is draining', CloseCode.serviceRestart);
    await fixture.network.pass(3_000);
    expect([draining.closed, fixture.connector.state]).toEqual([false, 'draining']);
    expect(fixture.connector.status()).toMatchObject({ state: 'draining', servers: [{ state: 'draining' }] });
    const near = fixture.open();
    await fixture.network.settle();
    near.channel.reset();
    fixture.network.refusal = undefined;
    await fixture.network.pass(30_000);
    expect([near.events[0], draining.closed, fixture.connector.state]).toEqual(['open', true, 'online']);
  });

  test('requests that cross it go to the next session, with all that was written, and are dialled once', async () => {
    const fixture = await Fixture.online();
    const requests = Array.from({ length: 3 }, () => fixture.open());
    for (const { channel } of requests) {
      channel.write(bytesOf('early'));
      channel.end();
    }
    fixture.network.session.drain(30_000);
    await fixture.network.pass(1_000);
    expect(requests.map(({ events }) => events)).toEqual(requests.map(() => ['open']));
    expect(fixture.network.far.map(({ bytes, events }) => [textOf(bytes), ...events])).toEqual(
      requests.map(() => ['early', 'data', 'end']),
    );
    expect(fixture.load).toEqual([3]);
  });

  test('requests that no server takes fail within 15 s', async () => {
    const fixture = await Fixture.online();
    fixture.network.onSession = (session) => session.drain(30_000);
    fixture.network.onChannel = (channel) => channel.refuse('GOING_AWAY');
    fixture.network.session.drain(30_000);
    const near = fixture.open();
    await fixture.network.pass(15_000);
    expect(near.events).toEqual(['fail GOING_AWAY']);
    expect(fixture.network.attempts).toBeLessThan(15);
  });

  test('a session without channels ends at once', async () => {
    const fixture = await Fixture.online();
    const draining = fixture.network.session;
    draining.drain(30_000);
    await fixture.network.pass(500);
    expect(draining.closed).toBe(true);
    expect(fixture.load).toEqual([0]);
    expect(fixture.connector.state).toBe('online');
  });

  test('the old session is resumed when its transport is lost', async () => {
    const fixture = await Fixture.online();
    const old = fixture.open();
    await fixture.network.settle();
    fixture.network.session.drain(30_000);
    fixture.network.refusal = new ProtocolError('the server is draining', CloseCode.serviceRestart);
    await fixture.network.settle();
    fixture.network.connections[0]?.near.cut();
    await fixture.network.pass(1_000);
    fixture.network.far[0]?.channel.write(bytesOf('the rest'));
    fixture.network.far[0]?.channel.end();
    await fixture.network.settle();
    expect([old.events, old.text]).toEqual([['open', 'data', 'end'], 'the rest']);
  });

  test('closing ends the old session too', async () => {
    const fixture = await Fixture.online();
    const old = fixture.open();
    await fixture.network.settle();
    fixture.network.session.drain(30_000);
    await fixture.network.pass(500);
    fixture.connector.close();
    await fixture.network.settle();
    expect(old.events).toEqual(['open', 'reset CANCELLED']);
    expect([fixture.load, fixture.network.clock.pending]).toEqual([[], 0]);
  });
});

describe('several connections', () => {
  test('take the channels in turn while all are idle', async () => {
    const fixture = await Fixture.online({ connections: 3 });
    for (let n = 0; n < 6; n++) {
      fixture.open();
      await fixture.network.pass(100);
    }
    expect(fixture.load).toEqual([2, 2, 2]);
  });

  test('leave the one alone that has most under way', async () => {
    const fixture = await Fixture.online({ connections: 2 });
    const busy = fixture.open();
    await fixture.network.pass(100);
    for (const connection of fixture.network.connections) connection.silent = true;
    busy.channel.write(filled(10_000, 0));
    await fixture.network.settle();
    for (let n = 0; n < 4; n++) fixture.open();
    for (const connection of fixture.network.connections) connection.silent = false;
    await fixture.network.pass(100);
    expect(fixture.load).toEqual([1, 4]);
  });

  test('stay online together: a channel goes where there is a way', async () => {
    const fixture = await Fixture.online({ connections: 2 });
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.network.connections[0]?.near.cut();
    await fixture.network.pass(1_000);
    expect(fixture.connector.state).toBe('online');
    const channels = [fixture.open(), fixture.open()];
    await fixture.network.settle();
    expect(channels.map(({ events }) => events)).toEqual([['open'], ['open']]);
    expect(fixture.load).toEqual([0, 2]);
  });

  test('lose only their own channels with a session', async () => {
    const fixture = await Fixture.online({ connections: 2 });
    const channels = [fixture.open(), fixture.open()];
    await fixture.network.settle();
    const [first] = fixture.network.sessions.values();
    first?.session.close('for the test', CloseCode.sessionExpired);
    await fixture.network.pass(1_000);
    expect(channels.map(({ events }) => events)).toEqual([['open', 'reset SESSION_LOST'], ['open']]);
    expect(fixture.load).toEqual([1, 0]);
  });
});

describe('optimistic', () => {
  test('tells success at once, and a failure as a reset', async () => {
    const fixture = await Fixture.online({ optimistic: true });
    fixture.network.onChannel = (channel) => channel.refuse('CONNECTION_REFUSED');
    const near = fixture.open();
    fixture.network.clock.runDeferred();
    expect(near.events).toEqual(['open']);
    await fixture.network.settle();
    expect(near.events).toEqual(['open', 'reset CONNECTION_REFUSED']);
  });

  test('tells success once when it was right', async () => {
    const fixture = await Fixture.online({ optimistic: true });
    const near = fixture.open();
    near.channel.write(bytesOf('first bytes'));
    await fixture.network.settle();
    expect(near.events).toEqual(['open']);
    expect(fixture.network.far[0]?.text).toBe('first bytes');
  });
});

describe('close', () => {
  test('any -> closed, for good: no dial and no timer is left', async () => {
    const fixture = await Fixture.online({ connections: 3 });
    fixture.connector.close();
    fixture.connector.close();
    await fixture.network.pass(60_000);
    expect(fixture.transitions).toBe('idle -> connecting -> online -> closed');
    expect([fixture.network.attempts, fixture.load, fixture.network.clock.pending]).toEqual([3, [], 0]);
  });

  test('fails what is opened afterwards', async () => {
    const fixture = await Fixture.online();
    fixture.connector.close();
    const near = fixture.open();
    await fixture.network.settle();
    expect(near.events).toEqual(['fail CANCELLED']);
    expect(fixture.network.clock.pending).toBe(0);
  });
});
