import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Logger, type Target, TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import type { Dialed, DialTask } from 'wsproxy-node/dial';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { createChannelHandler } from '../../src/channels/channel-handler.js';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';
import type { ChannelRecord, OpenedChannel } from '../../src/observe/observer.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { TestClient } from '../sessions/test-client.js';

interface Dial {
  readonly target: Target;
  readonly signal: DialTask['signal'];
  succeed(dialed: Dialed): void;
  fail(error: unknown): void;
}

let dials: Dial[];
let logged: { message: string; fields: Record<string, unknown> }[];
let observed: (OpenedChannel | ChannelRecord)[];
let hits: string[];
let client: TestClient;
let clock: FakeClock;
let destination: Server;
let sockets: Socket[];

beforeEach(() => {
  dials = [];
  logged = [];
  observed = [];
  hits = [];
  sockets = [];
  destination = createServer({ allowHalfOpen: true }, (socket) => sockets.push(socket.on('error', () => {})));
  clock = new FakeClock();
  client = connectWith();
});

/** A client of a server with these limits. */
function connectWith(limits: LimitOptions = {}): TestClient {
  const log = (fields: object, message: string): number => logged.push({ message, fields: { ...fields } });
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const dial = ({ target, signal }: DialTask) =>
    new Promise<Dialed>((succeed, fail) => dials.push({ target, signal, succeed, fail }));
  const observer = {
    onChannelOpened: (channel: OpenedChannel) => observed.push(channel),
    onChannelOver: (record: ChannelRecord) => observed.push(record),
  };
  const policyOf = () => ({ check: () => undefined });
  const guard = new Guard({ limits: resolveLimits(limits), clock, logger, onLimit: (limit) => hits.push(limit) });
  const onChannel = createChannelHandler({ dial, policyOf, guard, logger, observer, logTargets: true });
  const registry = new SessionRegistry({ clock, memory: newMemory(), logger, onChannel, guard, maxGrace: 60_000 });
  return new TestClient(registry, clock, { id: 'alice' }).connect();
}

afterEach(async () => {
  client.session.leave('the test is over');
  for (const socket of sockets) socket.destroy();
  if (!destination.listening) return;
  const closed = once(destination, 'close');
  destination.close();
  await closed;
});

/** A connection as a dialer gives it, and its other end. */
async function dialed(): Promise<{ near: Socket; far: Socket }> {
  destination.listen(0, '127.0.0.1');
  await once(destination, 'listening');
  const near = connect({ port: (destination.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  near.pause();
  near.on('error', () => {});
  await Promise.all([once(near, 'connect'), once(destination, 'connection')]);
  const [far] = sockets;
  if (far === undefined) throw new Error('no connection');
  sockets.push(near);
  return { near, far };
}

function onlyDial(): Dial {
  const [dial, ...others] = dials;
  if (dial === undefined || others.length > 0) throw new Error(`${dials.length} dials`);
  return dial;
}

/** Lets promises, sockets and the tunnel do what they have to, until `condition` holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => setImmediate(resolve));
    client.settle();
  }
}

describe('a channel', () => {
  test('is accepted when its target was dialled, and carries bytes both ways, to both ends', async () => {
    const application = client.open('destination.example');
    const { near, far } = await dialed();
    expect(onlyDial().target).toEqual({ host: 'destination.example', port: 80 });
    expect(application.events).toEqual([]);
    onlyDial().succeed({ socket: near, address: '127.0.0.1' });
    await until(() => application.events.length > 0);
    expect(application.events).toEqual(['open']);

    let arrived = '';
    far.on('data', (chunk: Buffer) => {
      arrived += chunk.toString();
    });
    application.channel?.write(Buffer.from('question'));
    application.channel?.end();
    await until(() => far.readableEnded);
    far.end('answer');
    await until(() => application.events.includes('end'));
    expect([arrived, application.bytes]).toEqual(['question', 'answer']);
    expect(client.session.channelCount).toBe(0);
    expect(logged).toContainEqual({
      message: 'channel opened',
      fields: {
        ...{ user: 'alice', session: '01010101', channel: 1 },
        ...{ target: 'destination.example:80', address: '127.0.0.1' },
      },
    });
  });

  test('is refused with what the dialer says', async () => {
    const application = client.open();
    onlyDial().fail(new TunnelError('NAME_NOT_FOUND', 'no such host'));
    await until(() => application.events.length > 0);
    expect(application.events).toEqual(['fail NAME_NOT_FOUND']);
    expect(logged).toContainEqual({
      message: 'channel refused',
      fields: {
        ...{ user: 'alice', session: '01010101', channel: 1, target: 'example.org:80' },
        ...{ code: 'NAME_NOT_FOUND', reason: 'no such host' },
      },
    });
  });

  test.each([
    ['DIAL_TIMEOUT', 'dialTimeout'],
    ['NAME_LOOKUP_TIMEOUT', 'lookupTimeout'],
  ] as const)('that ends with %s has hit the limit %s', async (code, limit) => {
    const application = client.open();
    onlyDial().fail(new TunnelError(code));
    await until(() => application.events.length > 0);
    expect(hits).toEqual([limit]);
  });

  test('is refused as INTERNAL when the dialer fails in a way it should not', async () => {
    const application = client.open();
    onlyDial().fail(new TypeError('what?'));
    await until(() => application.events.length > 0);
    expect(application.events).toEqual(['fail INTERNAL']);
  });

  test('whose destination broke off before it was answered is reset', async () => {
    const application = client.open();
    const { near } = await dialed();
    near.destroy();
    await once(near, 'close');
    onlyDial().succeed({ socket: near, address: '127.0.0.1' });
    await until(() => application.events.length > 1);
    expect(application.events).toEqual(['open', 'reset CONNECTION_RESET']);
  });
});

describe('an observer', () => {
  test('is told of a channel when it is open, and when it is over', async () => {
    const application = client.open();
    const { near, far } = await dialed();
    clock.advance(300);
    const waited = client.session.channels[0]?.figures.age;
    onlyDial().succeed({ socket: near, address: '127.0.0.1' });
    await until(() => observed.length === 1);
    const ids = { user: 'alice', session: '01010101', channel: 1 };
    const opened = { ...ids, target: 'example.org:80', address: '127.0.0.1', dialMs: waited };
    expect(observed).toEqual([opened]);
    clock.advance(1_000);
    application.channel?.write(Buffer.from('question'));
    application.channel?.end();
    far.resume();
    far.end('answer!');
    await until(() => observed.length === 2);
    const { durationMs, ...record } = observed[1] as ChannelRecord;
    expect(record).toEqual({
      ...opened,
      connected: true,
      refused: false,
      outcome: 'ok',
      bytesUp: 8,
      bytesDown: 7,
      windowStalls: 0,
    });
    expect(durationMs).toBeGreaterThanOrEqual(1_000);
  });

  test('is told how a channel was reset', async () => {
    const application = client.open();
    const { near } = await dialed();
    onlyDial().succeed({ socket: near, address: '127.0.0.1' });
    await until(() => application.events.length > 0);
    client.session.leave('for the test');
    await until(() => observed.length === 2);
    expect(observed[1]).toMatchObject({ address: '127.0.0.1', connected: true, outcome: 'SESSION_LOST' });
  });

  test('is told of a channel that was never opened', async () => {
    client.open();
    onlyDial().fail(new TunnelError('NAME_NOT_FOUND', 'no such host'));
    await until(() => observed.length === 1);
    expect(observed).toMatchObject([
      { user: 'alice', target: 'example.org:80', outcome: 'NAME_NOT_FOUND', connected: false },
    ]);
    expect([observed[0]?.address, observed[0]?.dialMs]).toEqual([undefined, undefined]);
  });
});

describe('a channel that the client gives up', () => {
  test('ends the dial, and is not worth a line in the log', async () => {
    const application = client.open();
    application.channel?.reset();
    client.settle();
    expect(onlyDial().signal.aborted).toBe(true);
    onlyDial().fail(new TunnelError('CANCELLED'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(logged.filter(({ message }) => message.startsWith('channel'))).toEqual([]);
  });

  test('in the moment in which the dial succeeds leaves no connection, and no local port', async () => {
    const application = client.open();
    const { near, far } = await dialed();
    const failed = once(far.resume(), 'error');
    onlyDial().succeed({ socket: near, address: '127.0.0.1' });
    application.channel?.reset();
    client.settle();
    await once(near, 'close');
    expect(near.destroyed).toBe(true);
    // After a reset the system keeps none.
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  test('once it is open resets the connection to the destination', async () => {
    const application = client.open();
    const { near, far } = await dialed();
    onlyDial().succeed({ socket: near, address: '127.0.0.1' });
    await until(() => application.events.length > 0);
    const failed = once(far, 'error');
    far.resume();
    application.channel?.reset();
    client.settle();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });
});

describe('a channel beyond what may be dialled at a time', () => {
  test('waits for its turn, and counts one hit of the limit', async () => {
    client = connectWith({ pendingDials: 1 });
    const [first, second] = [client.open('first.example'), client.open('second.example')];
    expect(dials.map(({ target }) => target.host)).toEqual(['first.example']);
    expect(hits).toEqual(['pendingDials']);
    dials[0]?.fail(new TunnelError('CONNECTION_REFUSED'));
    await until(() => dials.length === 2);
    expect(dials[1]?.target.host).toBe('second.example');
    dials[1]?.fail(new TunnelError('HOST_UNREACHABLE'));
    await until(() => second.events.length > 0);
    expect([first.events, second.events]).toEqual([['fail CONNECTION_REFUSED'], ['fail HOST_UNREACHABLE']]);
    expect(hits).toEqual(['pendingDials']);
  });

  test('is refused when it has waited for as long as a dial may take, and is never dialled', async () => {
    client = connectWith({ pendingDials: 1, dialTimeout: 500 });
    client.open('first.example');
    const second = client.open('second.example');
    clock.advance(500);
    await until(() => second.events.length > 0);
    expect(second.events).toEqual(['fail LIMIT_REACHED']);
    onlyDial().fail(new TunnelError('CONNECTION_REFUSED'));
    await until(() => observed.length === 2);
    expect(observed).toMatchObject([{ outcome: 'LIMIT_REACHED' }, { outcome: 'CONNECTION_REFUSED' }]);
    expect(hits).toEqual(['pendingDials']);
  });

  test('that is given up while it waits is never dialled, and the next one has its turn', async () => {
    client = connectWith({ pendingDials: 1 });
    client.open('first.example');
    const second = client.open('second.example');
    client.open('third.example');
    second.channel?.reset();
    client.settle();
    dials[0]?.fail(new TunnelError('CONNECTION_REFUSED'));
    await until(() => dials.length === 2);
    expect(dials[1]?.target.host).toBe('third.example');
  });

  test('waits in vain when its session ends', async () => {
    client = connectWith({ pendingDials: 1 });
    client.open('first.example');
    client.open('second.example');
    client.session.leave('the test wants it');
    client.settle();
    onlyDial().fail(new TunnelError('CANCELLED'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(onlyDial().signal.aborted).toBe(true);
  });

  test('is refused when no socket is left at its turn', async () => {
    client = connectWith({ pendingDials: 1, sockets: 1 });
    const { near } = await dialed();
    client.open('first.example');
    const second = client.open('second.example');
    onlyDial().succeed({ socket: near, address: '127.0.0.1' });
    await until(() => second.events.length > 0);
    expect(second.events).toEqual(['fail LIMIT_REACHED']);
    expect(hits).toEqual(['pendingDials', 'sockets']);
  });
});
