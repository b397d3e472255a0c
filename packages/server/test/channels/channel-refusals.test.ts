import { beforeEach, describe, expect, test } from 'vitest';
import { type Logger, TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { createChannelHandler, createRefusalHandler } from '../../src/channels/channel-handler.js';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';
import { createAccessLog } from '../../src/observe/access-log.js';
import type { ChannelRecord } from '../../src/observe/observer.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { TestClient } from '../sessions/test-client.js';

interface Line {
  readonly msg: string;
  readonly channel?: number;
  readonly unlogged?: number;
}

let clock: FakeClock;
let lines: Line[];
let records: ChannelRecord[];
let guard: Guard;
let registry: SessionRegistry;

beforeEach(() => {
  clock = new FakeClock();
  lines = [];
  records = [];
});

/** A client of a server with these limits, which dials in vain, or for ever. */
function connectWith(limits: LimitOptions, dial: () => Promise<never> = () => new Promise(() => {})): TestClient {
  const log = (fields: object, msg: string): number => lines.push({ ...fields, msg });
  const logger: Logger = { debug() {}, info: log, warn() {}, error() {} };
  guard = new Guard({ limits: resolveLimits(limits), clock, logger });
  const accessLog = createAccessLog(guard.lines);
  const observer = {
    onChannelOver(record: ChannelRecord) {
      records.push(record);
      accessLog.onChannelOver?.(record);
    },
  };
  const policyOf = () => ({ check: () => undefined });
  const service = { dial, policyOf, guard, logger, observer, logTargets: true };
  const handlers = { onChannel: createChannelHandler(service), onRefused: createRefusalHandler(service) };
  registry = new SessionRegistry({ clock, memory: newMemory(), logger, ...handlers, guard, maxGrace: 60_000 });
  return new TestClient(registry, clock, { id: 'alice' }).connect();
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** What the log says of one channel. */
const linesOf = (channel: number) => lines.filter((line) => line.channel === channel);

describe('a channel that is refused has a line that says why, before the one that it is over, and is counted:', () => {
  const about = { user: 'alice', session: '01010101', target: 'late.example:80' };

  test.each<[string, LimitOptions, string, string]>([
    ['of a session', { channelsPerSession: 1 }, 'LIMIT_REACHED', 'the limit channelsPerSession is reached'],
    ['of all', { channels: 1 }, 'LIMIT_REACHED', 'the limit channels is reached'],
    ['of sockets', { sockets: 1 }, 'LIMIT_REACHED', 'the limit sockets is reached'],
    ['of dials', { pendingDials: 1, dialTimeout: 500 }, 'LIMIT_REACHED', 'its turn has not come in time'],
  ])('by the limit %s', async (_, limits, code, reason) => {
    const client = connectWith(limits);
    client.open('first.example');
    const late = client.open('late.example');
    clock.advance(500);
    await settled();
    client.settle();
    expect(late.events).toEqual([`fail ${code}`]);
    expect(linesOf(3)).toMatchObject([
      { msg: 'channel refused', ...about, code, reason },
      { msg: 'channel over', ...about, outcome: code, bytesUp: 0 },
    ]);
    expect(records).toMatchObject([{ channel: 3, outcome: code, connected: false, refused: true }]);
    client.session.leave('the test is over');
  });

  test('by its quota', () => {
    const client = connectWith({ monthlyBytes: 1_048_576 });
    guard.accounts.restore(new Map([['alice', 1_048_576]]));
    client.open('late.example');
    expect(linesOf(1)).toMatchObject([
      { msg: 'channel refused', ...about, code: 'QUOTA_USED_UP' },
      { msg: 'channel over', ...about, outcome: 'QUOTA_USED_UP' },
    ]);
  });

  test('by a server in its last moments', () => {
    const client = connectWith({});
    client.open('first.example');
    void registry.drain(10_000);
    clock.advance(9_000);
    client.session.open({ host: 'late.example', port: 80 }, { onOpen() {}, onFail() {} });
    client.settle();
    expect(linesOf(3)).toMatchObject([
      { msg: 'channel refused', ...about, code: 'GOING_AWAY' },
      { msg: 'channel over', ...about, outcome: 'GOING_AWAY' },
    ]);
    client.session.leave('the test is over');
  });

  test('by its destination', async () => {
    const client = connectWith({}, () => Promise.reject(new TunnelError('DENIED', '10.0.0.1 is private')));
    client.open('late.example');
    await settled();
    expect(linesOf(1)).toMatchObject([
      { msg: 'channel refused', ...about, code: 'DENIED', reason: '10.0.0.1 is private' },
      { msg: 'channel over', ...about, outcome: 'DENIED' },
    ]);
  });
});

test.each(['LIMIT_REACHED', 'QUOTA_USED_UP', 'GOING_AWAY'] as const)(
  'a channel that its client gives up as %s has its line, in however long a row of them',
  (code) => {
    const client = connectWith({ pendingDials: 1_000, failedDialsPerSecond: 1_000 });
    for (let i = 0; i < 300; i += 1) client.open(`host-${i}.example`).channel?.reset(code);
    client.settle();
    const targets = Array.from({ length: 300 }, (_, i) => `host-${i}.example:80`);
    const over = lines.filter(({ msg }) => msg === 'channel over');
    expect(over).toMatchObject(targets.map((target) => ({ target, outcome: code })));
    expect(records.every(({ refused }) => !refused)).toBe(true);
    client.session.leave('the test is over');
  },
);

test('however many are refused, the log has a hundred lines of them, one more each second, and the number', () => {
  const client = connectWith({ channelsPerSession: 1 });
  client.open('first.example');
  for (let i = 0; i < 1_000; i += 1) client.open('late.example');
  expect(records).toHaveLength(1_000);
  const most = 100 + Math.ceil(clock.now() / 1_000);
  expect(lines.filter(({ channel }) => channel !== undefined).length).toBeLessThanOrEqual(most);
  guard.close();
  const count = (message: string): number =>
    lines.filter(({ msg }) => msg === message).reduce((sum, { unlogged = 0 }) => sum + 1 + unlogged, 0);
  expect([count('channel refused'), count('channel over')]).toEqual([1_000, 1_000]);
  client.session.leave('the test is over');
});
