import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Arrival, silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { resetSocket } from 'wsproxy-node/sockets';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import type { Arrivals, Held } from '../../src/listeners/held.js';
import { holdsOfSystem } from '../../src/listeners/places-of-system.js';
import type { ListenPlace } from '../../src/listeners/rules/listen-place.js';
import { type HoldingWorker, KeptPlaces } from '../../src/workers/kept-places.js';
import type { Door, ToWorker } from '../../src/workers/messages.js';
import { PlacesOfParent } from '../../src/workers/places-of-parent.js';
import { type Reception, serveCrowd } from '../../src/workers/reception.js';
import { closeWith, until } from '../peer.js';

const clock = new FakeClock();
const system = () => holdsOfSystem({ logger: silentLogger, clock, udpIdle: 1_000 });
let crowd: Set<Reception>;
let parent: KeptPlaces;

beforeEach(() => {
  crowd = new Set();
  const holds = holdsOfSystem({ logger: silentLogger, clock, udpIdle: 0, isPassedOn: true });
  const places = new KeptPlaces({ holds, clock, crowd, onCrowded: () => {} });
  parent = places;
  closeWith(() => places.close());
});

/** Both ends of one worker, in this process: it is given sockets as they are. */
class Worker implements HoldingWorker {
  readonly places: PlacesOfParent;
  isPresent = true;
  isFree = true;
  readonly load = 0;

  constructor() {
    this.places = new PlacesOfParent((message) => parent.onMessage(this, message), system().udp);
  }

  send(message: ToWorker): void {
    if (message.kind === 'hold answer' || message.kind === 'hold lost') this.places.onNews(message);
  }

  async give(connection: Socket, door: Door): Promise<boolean> {
    if (typeof door !== 'object') throw new Error('of a listener');
    if (!this.isPresent) return false;
    // Parent and worker have a handle each of their own.
    const destroy = connection.destroy.bind(connection);
    connection.destroy = () => connection;
    const isTaken = this.places.onConnection(connection, door.held);
    if (!isTaken) connection.destroy = destroy;
    return isTaken;
  }

  die(): void {
    this.isPresent = false;
    parent.forget(this);
  }

  async hold(listener: Listener, place: Partial<ListenPlace>): Promise<Held> {
    const { kind = 'tcp', host = '127.0.0.1', port = 0 } = place;
    const hold = this.places.holds[kind];
    if (hold === undefined) throw new Error(kind);
    return hold({ kind, host, port }, listener);
  }

  inherit(listener: Listener, port: number, anyPort = false, kind: 'tcp' | 'udp' = 'tcp'): Promise<Held | undefined> {
    return this.places.holds.inherit?.({ kind, host: '127.0.0.1', port }, anyPort, listener) ?? Promise.reject();
  }
}

/** What a listener of a worker is told. */
class Listener implements Arrivals {
  readonly userId = 'alice';
  readonly key: string;
  readonly takesOver: boolean;
  readonly isAttached = true;
  isServed = true;
  readonly arrived: Socket[] = [];
  backlog = 2;
  losses = 0;
  held: Held | undefined;

  constructor(key = 'alice web', takesOver = true) {
    this.key = key;
    this.takesOver = takesOver;
  }

  beginVisit(): () => void {
    return () => {};
  }

  arrive(_arrival: Arrival, socket: unknown): void {
    this.arrived.push(socket as Socket);
    closeWith(() => resetSocket(socket as Socket));
  }

  meet(): undefined {
    return undefined;
  }

  onLost(): void {
    this.losses += 1;
    void this.held?.close(true);
  }
}

async function visit(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  closeWith(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  closeWith(() => socket.destroy());
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
}

describe('a port that the parent holds', () => {
  test('brings what comes to the worker that has it, unread', async () => {
    const [worker, listener] = [new Worker(), new Listener()];
    const { address } = await worker.hold(listener, {});
    const visitor = await visit(address.port);
    visitor.write('hello');
    await until(() => listener.arrived.length === 1);
    const [socket] = listener.arrived;
    socket?.resume();
    expect(String((await once(socket ?? visitor, 'data'))[0])).toBe('hello');
    expect([socket?.allowHalfOpen, socket?.remotePort]).toEqual([true, visitor.localPort]);
  });

  test('stays open when another worker takes the listener over, and brings it what comes from then on', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const [before, after] = [new Listener(), new Listener()];
    before.held = await one.hold(before, {});
    const { port } = before.held.address;
    const held = await other.inherit(after, port);
    expect([held?.address.port, before.losses, parent.size]).toEqual([port, 1, 1]);
    await visit(port);
    await until(() => after.arrived.length === 1);
    expect(before.arrived).toHaveLength(0);
    // Anyone who has lost it cannot close it.
    before.held.close();
    expect(await isOpen(port)).toBe(true);
    held?.close();
    expect(await isOpen(port)).toBe(false);
  });

  test('gives what comes to the worker before to the next one, when that has lost its listener meanwhile', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const [before, after] = [new Listener(), new Listener()];
    before.isServed = false;
    const { address, close } = await one.hold(before, {});
    other.isFree = false;
    const visitor = await visit(address.port);
    visitor.write('hello');
    close(true);
    await other.inherit(after, address.port);
    other.isFree = true;
    serveCrowd(crowd);
    await until(() => after.arrived.length === 1);
    const [socket] = after.arrived;
    socket?.resume();
    expect(String((await once(socket ?? visitor, 'data'))[0])).toBe('hello');
    expect(before.arrived).toHaveLength(0);
  });

  test('waits for a worker that has taken the listener over before its own has said so', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const [before, after] = [new Listener(), new Listener()];
    const { address, close } = await one.hold(before, {});
    close(true);
    const waiting = await visit(address.port);
    await other.inherit(after, address.port);
    await until(() => after.arrived.length === 1);
    expect(after.arrived[0]?.remotePort).toBe(waiting.localPort);
    clock.advance(60_000);
    expect(await isOpen(address.port)).toBe(true);
  });

  test('is closed when nobody takes it that was taken over', async () => {
    const { address, close } = await new Worker().hold(new Listener(), {});
    close(true);
    clock.advance(1_999);
    expect(await isOpen(address.port)).toBe(true);
    clock.advance(1);
    expect([await isOpen(address.port), parent.size]).toEqual([false, 0]);
  });

  test('outlives a worker that is killed for ten seconds; who comes meanwhile waits, as many as its backlog', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const { address } = await one.hold(new Listener(), {});
    one.die();
    const waiting = [await visit(address.port), await visit(address.port)];
    const beyond = connect(address.port, '127.0.0.1');
    const [error] = await new Promise<Error[]>((resolve) => beyond.once('error', (...errors) => resolve(errors)));
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    clock.advance(9_999);
    const after = new Listener('alice web', false);
    await other.inherit(after, address.port);
    await until(() => after.arrived.length === 2);
    expect(after.arrived.map(({ remotePort }) => remotePort)).toEqual(waiting.map(({ localPort }) => localPort));
  });

  test('is closed, and who waits is reset, when nobody has taken it in that time', async () => {
    const worker = new Worker();
    const { address } = await worker.hold(new Listener(), {});
    worker.die();
    const waiting = await visit(address.port);
    const reset = once(waiting, 'error');
    clock.advance(10_000);
    expect((await reset)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(await isOpen(address.port)).toBe(false);
  });

  test('is found by its listener though it asks for any port, or another one where any will do; by no other listener', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const listener = new Listener();
    const { port } = (await one.hold(listener, {})).address;
    expect(await other.inherit(new Listener('alice other'), 0)).toBeUndefined();
    expect(await other.inherit(new Listener(), 1)).toBeUndefined();
    expect((await other.inherit(new Listener(), 1, true))?.address.port).toBe(port);
    expect((await one.inherit(new Listener(), 0))?.address.port).toBe(port);
  });

  test('is in use for another listener, and for its own one elsewhere that does not take over', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const { port } = (await one.hold(new Listener(), {})).address;
    await expect(other.hold(new Listener('bob web'), { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const asked = expect(other.hold(new Listener('alice web', false), { port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await turn();
    clock.advance(1_000);
    await asked;
  });

  test('is had by one that does not take over as soon as the one before lets it go', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const { address, close } = await one.hold(new Listener(), {});
    const asked = other.hold(new Listener('alice web', false), { port: address.port });
    close();
    expect((await asked).address.port).toBe(address.port);
  });

  test('is not kept for ever for a worker that dies before it has the answer', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const { address, close } = await one.hold(new Listener(), {});
    const asked = other.hold(new Listener('alice web', false), { port: address.port });
    await turn();
    other.die();
    close(true);
    await asked;
    expect(parent.size).toBe(1);
    clock.advance(10_000);
    expect([parent.size, await isOpen(address.port)]).toEqual([0, false]);
  });

  test('says what the system says', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    closeWith(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await expect(new Worker().hold(new Listener(), { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(new Worker().hold(new Listener(), { host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
    });
    expect(parent.size).toBe(0);
  });

  test('keeps those who come while its worker is busy, and they come to it then', async () => {
    const [worker, listener] = [new Worker(), new Listener()];
    const { address } = await worker.hold(listener, {});
    worker.isFree = false;
    await visit(address.port);
    await until(() => crowd.size === 1);
    worker.isFree = true;
    serveCrowd(crowd);
    await until(() => listener.arrived.length === 1);
  });
});

test('a path of the file system is held as a port is', async () => {
  const [one, other] = [new Worker(), new Worker()];
  const path = join(temporaryFolder(), 'app');
  await one.hold(new Listener(), { kind: 'unix', host: path });
  one.die();
  const visitor = connect(path);
  closeWith(() => visitor.destroy());
  await once(visitor, 'connect');
  const after = new Listener();
  await other.hold(after, { kind: 'unix', host: path });
  await until(() => after.arrived.length === 1);
});

describe('a port of UDP, which its worker binds itself,', () => {
  async function udpPort(): Promise<number> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    await once(socket, 'close');
    return port;
  }

  test('is closed there before another worker has it', async () => {
    const [one, other] = [new Worker(), new Worker()];
    const port = await udpPort();
    const before = new Listener();
    before.held = await one.hold(before, { kind: 'udp', port });
    const held = await other.inherit(new Listener(), port, false, 'udp');
    expect([held?.address.port, before.losses]).toEqual([port, 1]);
    await expect(one.hold(new Listener('bob dns'), { kind: 'udp', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await held?.close();
    expect(parent.size).toBe(0);
    await (await one.hold(new Listener('bob dns'), { kind: 'udp', port })).close();
  });
});
