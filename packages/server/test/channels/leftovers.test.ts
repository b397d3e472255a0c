import { Duplex } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { createChannelHandler } from '../../src/channels/channel-handler.js';
import { Guard } from '../../src/limits/guard.js';
import { resolveLimits } from '../../src/limits/limits.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { TestClient } from '../sessions/test-client.js';

/** A destination that takes nothing until it is told to. */
class Destination extends Duplex {
  #isTaking = false;
  #take: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
    this.on('error', () => {});
  }

  unblock(): void {
    this.#isTaking = true;
    this.#take?.();
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#isTaking) done();
    else this.#take = done;
  }
  override _read(): void {}
}

let clock: FakeClock;
let guard: Guard;
let registry: SessionRegistry;
let hits: string[];
let destinations: Destination[];

beforeEach(() => {
  clock = new FakeClock();
  hits = [];
  destinations = [];
  const limits = resolveLimits({ channels: 10 });
  guard = new Guard({ limits, clock, logger: silentLogger, onLimit: (limit) => hits.push(limit) });
  const dial = async () => {
    const socket = new Destination();
    destinations.push(socket);
    return { socket, address: undefined };
  };
  const handle = createChannelHandler({
    dial,
    policyOf: () => ({ check: () => undefined }),
    guard,
    logger: silentLogger,
    observer: {},
    logTargets: true,
  });
  registry = new SessionRegistry({
    clock,
    memory: newMemory(),
    logger: silentLogger,
    guard,
    maxGrace: 60_000,
    onChannel: handle,
  });
});

const connect = (value = 1) => new TestClient(registry, clock, { id: 'mallory' }, value).connect();

/** Opens, and sends what the destination does not take. */
async function openAndFill(client: TestClient) {
  const application = client.open();
  await turn(client);
  application.channel?.write(Buffer.alloc(100_000));
  client.settle();
  return application;
}

async function turn(client: TestClient): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    client.settle();
  }
}

describe('a channel that was reset before its destination had taken everything', () => {
  test('counts as one until its socket is closed, a second later', async () => {
    const client = connect();
    const applications = [];
    for (let i = 0; i < 10; i++) applications.push(await openAndFill(client));
    for (const { channel } of applications) channel?.reset();
    client.settle();
    expect([client.session.channelCount, registry.channelCount]).toEqual([0, 0]);
    const refused = client.open();
    expect([refused.events, hits]).toEqual([['fail LIMIT_REACHED'], ['channels']]);
    expect(destinations.map(({ destroyed }) => destroyed)).toEqual(Array(10).fill(false));
    await expect.poll(() => destinations.every(({ closed }) => closed), { timeout: 5_000 }).toBe(true);
    await turn(client);
    const next = client.open();
    await turn(client);
    expect(next.events).toEqual(['open']);
  });

  test('has its socket reset as soon as that has taken the rest', async () => {
    const client = connect();
    const application = await openAndFill(client);
    application.channel?.reset();
    client.settle();
    destinations[0]?.unblock();
    await expect.poll(() => destinations[0]?.destroyed).toBe(true);
  });

  test('is cut off at once with its session', async () => {
    const client = connect();
    for (let i = 0; i < 3; i++) await openAndFill(client);
    client.session.leave('for the test');
    client.settle();
    expect(destinations.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
  });
});

test('a channel that has ended cleanly counts until its destination has taken everything, and is not cut off', async () => {
  const client = connect();
  for (let i = 0; i < 10; i++) {
    const application = await openAndFill(client);
    application.channel?.end();
    destinations[i]?.push(null);
    await turn(client);
    expect(application.events).toEqual(['open', 'end']);
  }
  expect(registry.channelCount).toBe(0);
  clock.advance(20_000);
  client.settle();
  expect(client.open().events).toEqual(['fail LIMIT_REACHED']);
  expect(destinations.some(({ destroyed }) => destroyed)).toBe(false);
  destinations[0]?.unblock();
  await expect.poll(() => destinations[0]?.closed).toBe(true);
  const next = client.open();
  await turn(client);
  expect(next.events).toEqual(['open']);
});

test('the server ends without waiting for what is left', async () => {
  const client = connect();
  const [clean, running] = [await openAndFill(client), await openAndFill(client)];
  clean.channel?.end();
  destinations[0]?.push(null);
  await turn(client);
  guard.close();
  expect(destinations.map(({ destroyed }) => destroyed)).toEqual([true, false]);
  running.channel?.reset();
});
