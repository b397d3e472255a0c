import { beforeEach, describe, expect, test } from 'vitest';
import { VERSION } from 'wsproxy-engine';
import { Metrics } from '../../src/admin/metrics.js';
import type { FlowInfo } from '../../src/flows/flow-info.js';
import { LIMITS } from '../../src/limits/limits.js';
import type { ArrivalInfo } from '../../src/listeners/arrival-info.js';
import type { ListenerInfo } from '../../src/listeners/listener-info.js';
import type { ChannelRecord } from '../../src/observe/observer.js';
import type { ChannelInfo, SessionInfo } from '../../src/sessions/session-info.js';

let sessions: SessionInfo[];
let userIds: string[];
let metrics: Metrics;

beforeEach(() => {
  sessions = [];
  userIds = [];
  metrics = new Metrics({ isReady: true, sessions: () => sessions, userIds, certificateExpires: EXPIRES, passedOn: 3 });
});

const EXPIRES = new Date('2027-01-02T03:04:05Z');

const channel = (bytesUp: number, bytesDown: number, windowStalls = 0): ChannelInfo => ({
  ...{ target: 'example.org:80', open: true, ageMs: 1, bytesUp, bytesDown, windowStalls },
});

const session = (
  user: string,
  attached: boolean,
  channels: ChannelInfo[],
  flows: FlowInfo[] = [],
  listeners: ListenerInfo[] = [],
  arrivals: ArrivalInfo[] = [],
): SessionInfo => ({
  ...{ user, attached, channels, flows, listeners, arrivals, id: '01020304', ageMs: 1, resumes: 0, replayBytes: 100 },
  ...{ remoteAddress: undefined, way: 'WebSocket', version: undefined, roundTripMs: undefined },
});

const ids = { session: '01020304', channel: 1, dialMs: 1 };

const record = (user: string, outcome: ChannelRecord['outcome'], address?: string): ChannelRecord => ({
  ...ids,
  ...{
    user,
    outcome,
    address,
    refused: false,
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

describe('remote listeners', () => {
  const listener = (open: boolean, waiting: number): ListenerInfo => ({
    ...{ listener: '127.0.0.1:8000', name: 'web', open, ageMs: 1, waiting, arrivals: 5 },
  });
  const arrival = {
    ...{ user: 'alice', session: '01020304', listener: '127.0.0.1:8000', peer: '192.0.2.7:5000' },
    ...{ bytesUp: 10, bytesDown: 20, windowStalls: 1, durationMs: 5 },
  };

  test('are counted while they listen, with those who wait', async () => {
    sessions = [session('alice', true, [], [], [listener(true, 2), listener(false, 0)])];
    sessions.push(session('alice', false, [], [], [listener(true, 3)]));
    expect(await samples('listeners{')).toEqual(['user="alice"} 2']);
    expect(await samples('arrivals_waiting{')).toEqual(['user="alice"} 5']);
    sessions = [];
    expect(await samples('listeners{')).toEqual([]);
    expect(await samples('arrivals_waiting{')).toEqual([]);
  });

  test('bring connections that count among the channels while they live', async () => {
    const living = { listener: '127.0.0.1:8000', peer: '192.0.2.7:5000', open: true, ageMs: 1 };
    sessions = [
      session('alice', true, [channel(1, 2)], [], [], [{ ...living, bytesUp: 3, bytesDown: 4, windowStalls: 5 }]),
    ];
    expect(await samples('channels{')).toEqual(['user="alice"} 2']);
    expect(await samples('bytes_total{')).toEqual([
      'user="alice",direction="up"} 4',
      'user="alice",direction="down"} 6',
    ]);
    expect(await samples('window_stalls_total{')).toEqual(['user="alice"} 5']);
  });

  test('are told by what came of them', async () => {
    const over = { ...arrival, name: 'web', arrivals: 4 };
    metrics.onListenerOver({ ...over, refused: false, outcome: 'TAKEN_OVER' });
    metrics.onListenerOver({ ...over, refused: true, outcome: 'DENIED' });
    expect(await samples('listeners_ended_total{')).toEqual(['outcome="DENIED"} 1', 'outcome="TAKEN_OVER"} 1']);
  });

  test('bring channels that count as such, and that this server has not dialled', async () => {
    metrics.onArrivalOpened({ ...arrival, channel: 2, answerMs: 1 });
    metrics.onArrivalOver({ ...arrival, channel: 2, answerMs: 1, answered: true, outcome: 'CONNECTION_RESET' });
    metrics.onArrivalOver({
      ...arrival,
      channel: 4,
      answerMs: undefined,
      answered: false,
      outcome: 'CONNECTION_REFUSED',
    });
    const none = { bytesUp: 0, bytesDown: 0, windowStalls: 0, answerMs: undefined, answered: false };
    metrics.onArrivalOver({ ...arrival, ...none, channel: undefined, outcome: 'LIMIT_REACHED' });
    expect(await samples('arrivals_total{')).toEqual([
      'outcome="ok"} 1',
      'outcome="CONNECTION_REFUSED"} 1',
      'outcome="LIMIT_REACHED"} 1',
    ]);
    expect(await samples('channels_ended_total{')).toEqual(['outcome="CONNECTION_RESET"} 1']);
    expect(await samples('bytes_total{')).toEqual([
      'user="alice",direction="up"} 20',
      'user="alice",direction="down"} 40',
    ]);
    expect(await samples('dials_total{')).toEqual([]);
    expect(await metrics.print()).not.toMatch(/127\.0\.0\.1|192\.0\.2|web/);
  });
});

test('nothing that a client chooses becomes a label', async () => {
  sessions = [session('alice', true, [{ ...channel(1, 1), target: 'planted.example:80' }])];
  metrics.onChannelOver({ ...record('alice', 'ok', '192.0.2.77'), target: 'planted.example:80' });
  const text = await metrics.print();
  expect(text).not.toMatch(/planted|192\.0\.2\.77/);
});

describe('what has not happened yet', () => {
  test('is 0 for every user who may come', async () => {
    userIds.push('alice');
    const text = await metrics.print();
    for (const series of [
      ...['sessions{user="alice",state="attached"}', 'sessions{user="alice",state="detached"}'],
      ...['channels{user="alice"}', 'window_stalls_total{user="alice"}'],
      ...['bytes_total{user="alice",direction="up"}', 'bytes_total{user="alice",direction="down"}'],
      ...['sessions_began_total{user="alice"}', 'detaches_total{user="alice"}', 'resumes_total{user="alice"}'],
      ...['refused_requests_total{status="401"}', 'refused_requests_total{status="503"}'],
      ...['tls_handshakes_failed_total', 'dials_total{outcome="ok"}', 'channels_ended_total{outcome="SESSION_LOST"}'],
      ...['dial_duration_seconds_count{result="ok"}', 'dial_duration_seconds_count{result="failed"}'],
      ...['round_trip_seconds_count', 'listeners{user="alice"}', 'arrivals_waiting{user="alice"}'],
      ...['arrivals_total{outcome="ok"}', 'listeners_ended_total{outcome="TAKEN_OVER"}'],
    ]) {
      expect(text).toContain(`\nwsproxy_${series} 0\n`);
    }
  });

  test('is 0 again for a user who has gone', async () => {
    sessions = [session('alice', true, [channel(1, 1)])];
    metrics.onSession('began', { user: 'alice' });
    metrics.onChannelOver(record('alice', 'ok', '192.0.2.1'));
    sessions = [];
    const text = await metrics.print();
    expect(text).toContain('\nwsproxy_sessions{user="alice",state="attached"} 0\n');
    expect(text).toContain('\nwsproxy_sessions_began_total{user="alice"} 1\n');
  });
});

describe('histograms', () => {
  test('tell how long it takes to reach a target, or not', async () => {
    const { target } = record('alice', 'ok');
    const names = { user: 'alice', session: 'f00d', channel: 1, target, address: '192.0.2.1' };
    metrics.onChannelOpened({ ...names, dialMs: 30 });
    metrics.onChannelOver({ ...record('alice', 'ok', '192.0.2.1'), durationMs: 90_000 });
    metrics.onChannelOver({ ...record('alice', 'DIAL_TIMEOUT'), durationMs: 10_000 });
    const found = await samples('dial_duration_seconds');
    expect(found).toContain('_sum{result="ok"} 0.03');
    expect(found).toContain('_bucket{le="0.05",result="ok"} 1');
    expect(found).not.toContain('_bucket{le="0.025",result="ok"} 1');
    expect(found).toContain('_sum{result="failed"} 10');
  });

  test('tell how long clients take to answer', async () => {
    for (const time of [20, 40]) metrics.onRoundTrip(time);
    const found = await samples('round_trip_seconds');
    expect(found).toContain('_count 2');
    expect(found).toContain('_bucket{le="0.025"} 1');
  });

  test('have few buckets, no matter what is measured', async () => {
    const lines = (await metrics.print()).split('\n').filter((line) => /^wsproxy_\w+_bucket/.test(line));
    expect(lines.length).toBeLessThan(50);
  });
});

test('the version and the end of the certificate are told', async () => {
  expect(await samples('build_info')).toEqual([`{version="${VERSION}"} 1`]);
  expect(await samples('certificate_expiry')).toEqual([`_timestamp_seconds ${EXPIRES.getTime() / 1_000}`]);
});

describe('flows', () => {
  const sums = { datagramsUp: 1, bytesUp: 10, datagramsDown: 2, bytesDown: 20, destinations: 1 };
  const flow: FlowInfo = { target: undefined, open: true, ageMs: 1, ...sums, dropped: { rate: 3 } };
  const names = { user: 'alice', session: '01020304', flow: 1, target: undefined, address: undefined };

  test('are counted while they are open, with what they carry', async () => {
    sessions = [session('alice', true, [], [flow, flow])];
    expect(await samples('flows{')).toEqual(['user="alice"} 2']);
    expect(await samples('datagrams_total')).toEqual([
      '{user="alice",direction="up"} 2',
      '{user="alice",direction="down"} 4',
    ]);
    expect(await samples('datagram_bytes_total')).toEqual([
      '{user="alice",direction="up"} 20',
      '{user="alice",direction="down"} 40',
    ]);
    expect(await samples('datagrams_dropped_total')).toEqual(['{reason="rate"} 6']);
  });

  test('go on with those that are over', async () => {
    const over = { ...names, ...sums, refused: false, durationMs: 1 };
    metrics.onFlowOver({ ...over, outcome: 'ok', dropped: { late: 1 } });
    metrics.onFlowOver({ ...over, outcome: 'TIMED_OUT', dropped: {} });
    sessions = [session('alice', true, [], [flow])];
    expect(await samples('datagrams_total{user="alice",direction="down"}')).toEqual([' 6']);
    expect(await samples('datagrams_dropped_total')).toEqual(['{reason="late"} 1', '{reason="rate"} 3']);
    expect(await samples('flows_ended_total')).toEqual(['{outcome="ok"} 1', '{outcome="TIMED_OUT"} 1']);
  });

  test('of every reason to drop one there is a count from the beginning', async () => {
    expect((await metrics.print()).match(/^wsproxy_datagrams_dropped_total\{.* 0$/gm)).toHaveLength(9);
  });
});
