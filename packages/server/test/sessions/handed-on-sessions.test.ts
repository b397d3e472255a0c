import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Migration } from '../../src/cluster/migration.js';
import { Guard } from '../../src/limits/guard.js';
import { resolveLimits } from '../../src/limits/limits.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { TestClient } from './test-client.js';

let clock: FakeClock;
let registry: SessionRegistry;
beforeEach(() => {
  clock = new FakeClock();
  registry = new SessionRegistry({
    ...{ clock, memory: newMemory(), logger: silentLogger, maxGrace: 60_000 },
    guard: new Guard({ limits: resolveLimits(), clock, logger: silentLogger }),
    migration: new Migration(clock, () => 0),
    onChannel: (channel) => channel.refuse('DENIED'),
  });
});

const client = (value = 1): TestClient => new TestClient(registry, clock, { id: 'alice' }, value);

describe('a session whose transport came by another process', () => {
  test('is asked for another one, once', () => {
    const one = client().connect();
    one.isHanded = true;
    one.cut().connect();
    clock.advance(9_000);
    one.settle();
    expect(one.goAways).toEqual([]);
    clock.advance(1_000);
    one.settle();
    expect(one.goAways).toEqual(['migrate']);
    one.connect();
    clock.advance(60_000);
    one.settle();
    expect(one.goAways).toEqual(['migrate']);
  });

  test('is not asked while it is away, nor once it has come by itself', () => {
    const [away, direct] = [client(1).connect(), client(2).connect()];
    for (const each of [away, direct]) each.isHanded = true;
    away.cut().connect().cut();
    direct.cut().connect();
    direct.isHanded = false;
    direct.connect();
    clock.advance(40_000);
    for (const each of [away, direct]) each.settle();
    expect([away.goAways, direct.goAways]).toEqual([[], []]);
  });
});
