import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { VERSION } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { Look } from '../../page/look.js';
import { Feed } from '../../src/status/feed.js';
import { Recorder } from '../../src/status/recorder.js';
import { channel, FakeClient, flow } from './fake-client.js';

function prepare() {
  const clock = new FakeClock();
  const client = new FakeClient();
  const recorder = new Recorder(client, clock, () => {});
  const feed = new Feed(recorder);
  const lookAfter = (ms: number): void => {
    clock.advance(ms);
    recorder.look();
  };
  lookAfter(1_000);
  return { clock, client, recorder, feed, lookAfter };
}

describe('a page that knows nothing', () => {
  test('is told everything', () => {
    const { feed } = prepare();
    expect(feed.whole('127.0.0.1:1080')).toMatchObject({
      whole: true,
      proxy: '127.0.0.1:1080',
      figures: {
        version: VERSION,
        state: 'online',
        channelCount: 1,
        idleCount: 0,
        bytesDown: 2_000,
        listeners: [{ id: 1 }],
      },
      channels: [{ id: 1, kind: 'socks5', beganMs: 990, rateDown: 0, idle: false }],
    });
  });

  test('is shown the fastest channels, then those that have carried the most, a hundred at most', () => {
    const { client, feed, lookAfter } = prepare();
    const old = (id: number, carried: number) => ({ ...channel(id, carried), ageMs: 60_000 });
    const many = (more: number) => Array.from({ length: 9_000 }, (_, id) => old(id, id + (id === 7 ? more : 0)));
    client.now = { ...client.now, channels: many(0) };
    lookAfter(5_000);
    client.now = { ...client.now, channels: many(500) };
    lookAfter(1_000);
    const { channels, figures } = feed.whole('127.0.0.1:1080');
    expect([channels.length, channels[0]?.id, channels[1]?.id, figures.channelCount]).toEqual([100, 7, 8_999, 9_000]);
  });
});

describe('a page that knows the rest', () => {
  test('is told nothing of what is still', () => {
    const { client, feed, lookAfter } = prepare();
    client.now = { ...client.now, channels: [channel(1, 1_000, 2_000), channel(2, 0)] };
    lookAfter(1_000);
    feed.next();
    client.now = { ...client.now, channels: [channel(1, 1_000, 2_000), channel(2, 80)] };
    lookAfter(1_000);
    const { channels, gone, events, ended, seconds } = feed.next();
    expect([channels.map(({ id }) => id), gone, events, ended, seconds.length]).toEqual([[2], [], [], [], 1]);
    client.now = { ...client.now, channels: [channel(2, 80)] };
    lookAfter(1_000);
    expect(feed.next().gone).toEqual([1]);
  });

  test('is told the same of flows, with what was dropped', () => {
    const { client, feed, lookAfter } = prepare();
    client.now = { ...client.now, flows: [flow(1, 3), flow(2, 5)] };
    lookAfter(1_000);
    // The second one was not there a second ago: it has carried something since.
    expect(feed.whole(undefined).flows.map(({ id, datagramsDropped }) => [id, datagramsDropped])).toEqual([
      [2, 0],
      [1, 0],
    ]);
    for (let looks = 0; looks < 12; looks++) lookAfter(1_000);
    feed.next();
    client.now = { ...client.now, flows: [flow(1, 3), flow(2, 5, 3)] };
    lookAfter(1_000);
    const { flows, figures } = feed.next();
    expect([flows.map(({ id, datagramsDropped }) => [id, datagramsDropped]), figures.flowCount]).toEqual([[[2, 3]], 2]);
    client.now = { ...client.now, flows: [flow(2, 5, 3)] };
    lookAfter(1_000);
    expect(feed.next().goneFlows).toEqual([1]);
  });

  /** What may happen between two looks. */
  const step = fc.record({
    pause: fc.integer({ min: 500, max: 30_000 }),
    living: fc.uniqueArray(fc.nat(150), { maxLength: 130 }),
    moving: fc.array(fc.nat(150), { maxLength: 20 }),
    flows: fc.uniqueArray(fc.nat(150), { maxLength: 130 }),
    ended: fc.array(fc.nat(150), { maxLength: 130 }),
    failures: fc.array(fc.nat(300), { maxLength: 150 }),
  });

  test('knows the same as one that is told everything, no matter what happens', () => {
    // The time of day is the same for both.
    vi.setSystemTime(0);
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const { client, recorder, feed, lookAfter } = prepare();
        const look = new Look();
        feed.next();
        look.apply(feed.whole('127.0.0.1:1080'));
        const carried = new Map<number, number>();
        for (const { pause, living, moving, flows, ended, failures } of steps) {
          for (const id of moving) carried.set(id, (carried.get(id) ?? 0) + 1_000);
          client.now = {
            ...client.now,
            channels: living.map((id) => channel(id, carried.get(id) ?? 0)),
            flows: flows.map((id) => flow(id, carried.get(id) ?? 0)),
          };
          for (const id of ended) {
            recorder.journal.noteEnded(0, { ...channel(id, 1), id: 1_000 + id, change: 'over', failure: undefined });
          }
          for (const n of failures) recorder.journal.note(0, { what: 'failed', server: 'a', reason: String(n) });
          lookAfter(pause);
          look.apply(feed.next());
        }
        const fresh = new Look();
        fresh.apply(feed.whole('127.0.0.1:1080'));
        const byId = ({ channels, flows }: Look) =>
          [channels, flows].map((list) => [...list.values()].sort((a, b) => a.id - b.id));
        expect(byId(look)).toEqual(byId(fresh));
        const { channels: _a, flows: _c, ...rest } = look;
        const { channels: _b, flows: _d, ...freshRest } = fresh;
        expect(rest).toEqual(freshRest);
      }),
    );
    vi.useRealTimers();
  });
});
