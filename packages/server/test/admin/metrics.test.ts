import { beforeEach, describe, expect, test } from 'vitest';
import { Metrics } from '../../src/admin/metrics.js';
import { LIMITS } from '../../src/limits/limits.js';
import type { ChannelRecord } from '../../src/observe/observer.js';
import type { ChannelInfo, SessionInfo } from '../../src/sessions/session-info.js';

let sessions: SessionInfo[];
let metrics: Metrics;

beforeEach(() => {
  sessions = [];
  metrics = new Metrics({ isReady: true, sessions: () => sessions });
});

const channel = (bytesUp: number, bytesDown: number, windowStalls = 0): ChannelInfo => ({
  ...{ target: 'example.org:80', open: true, ageMs: 1, bytesUp, bytesDown, windowStalls },
});

const session = (user: string, attached: boolean, channels: ChannelInfo[]): SessionInfo => ({
  ...{ user, attached, channels, id: '01020304', ageMs: 1, resumes: 0, replayBytes: 100 },
  ...{ remoteAddress: undefined, version: undefined, roundTripMs: undefined },
});

const ids = { session: '01020304', channel: 1, dialMs: 1 };

const record = (user: string, outcome: ChannelRecord['outcome'], address?: string): ChannelRecord => ({
  ...ids,
  ...{
    user,
    outcome,
    address,
    connected: address !== undefined,
    target: 'example.org:80',
    bytesUp: 10,
    bytesDown: 20,
    windowStalls: 1,
    durationMs: 5,
  },
});

/** The samples of a metric that are not 0, without their common name. */
async function samples(name: string): Promise<string[]> {
  const lines = (await metrics.print()).split('\n').filter((line) => line.startsWith(`wsproxy_${name}`));
  return lines.map((line) => line.slice(`wsproxy_${name}`.length)).filter((line) => !line.endsWith(' 0'));
}

describe('gauges', () => {
  test('show what lives when they are read, and forget what does not', async () => {
    sessions = [session('alice', true, [channel(0, 0)]), session('alice', false, []), session('bob', true, [])];
    expect(await samples('sessions{')).toEqual([
      'user="alice",state="attached"} 1',
      'user="alice",state="detached"} 1',
      'user="bob",state="attached"} 1',
    ]);
    expect(await samples('channels{')).toEqual(['user="alice"} 1']);
    expect(await samples('replay_bytes')).toEqual([' 300']);
    sessions = [];
    expect(await samples('sessions{')).toEqual([]);
    expect(await samples('replay_bytes')).toEqual([]);
  });
});

describe('counters', () => {
  test('of bytes and stalls go on from the living channels to those that are over', async () => {
    sessions = [session('alice', true, [channel(8, 15, 1), channel(2, 5)])];
    const expected = ['user="alice",direction="up"} 10', 'user="alice",direction="down"} 20'];
    expect(await samples('bytes_total{')).toEqual(expected);
    expect(await samples('window_stalls_total{')).toEqual(['user="alice"} 1']);
    sessions = [];
    metrics.onChannelOver(record('alice', 'ok', '192.0.2.1'));
    expect(await samples('bytes_total{')).toEqual(expected);
    expect(await samples('bytes_total{')).toEqual(expected);
    expect(await samples('window_stalls_total{')).toEqual(['user="alice"} 1']);
  });

  test('tell a dial that failed from a channel that was reset', async () => {
    metrics.onChannelOpened({ ...ids, user: 'alice', target: 'example.org:80', address: '192.0.2.1' });
    metrics.onChannelOver(record('alice', 'CONNECTION_RESET', '192.0.2.1'));
    metrics.onChannelOver(record('alice', 'NAME_NOT_FOUND'));
    expect(await samples('dials_total{')).toEqual(['outcome="ok"} 1', 'outcome="NAME_NOT_FOUND"} 1']);
    expect(await samples('channels_ended_total{')).toEqual(['outcome="CONNECTION_RESET"} 1']);
  });

  test('are there for every limit before it was ever hit', async () => {
    const text = await metrics.print();
    for (const name of Object.keys(LIMITS)) expect(text).toContain(`\nwsproxy_limits_hit_total{limit="${name}"} 0\n`);
  });

  test('count sessions, refusals and limits', async () => {
    const alice = { user: 'alice', id: 'f00d' };
    for (const event of ['began', 'detached', 'resumed', 'detached', 'over'] as const) metrics.onSession(event, alice);
    metrics.onRefusedRequest(401);
    metrics.onLimit('max-channels');
    expect(await samples('sessions_began_total{')).toEqual(['user="alice"} 1']);
    expect(await samples('detaches_total{')).toEqual(['user="alice"} 2']);
    expect(await samples('resumes_total{')).toEqual(['user="alice"} 1']);
    expect(await samples('refused_requests_total{')).toEqual(['status="401"} 1']);
    expect(await samples('limits_hit_total{')).toEqual(['limit="max-channels"} 1']);
  });
});

test('nothing that a client chooses becomes a label', async () => {
  sessions = [session('alice', true, [{ ...channel(1, 1), target: 'planted.example:80' }])];
  metrics.onChannelOver({ ...record('alice', 'ok', '192.0.2.77'), target: 'planted.example:80' });
  const text = await metrics.print();
  expect(text).not.toMatch(/planted|192\.0\.2\.77/);
});
